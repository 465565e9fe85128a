package campaign_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/campaign"
)

// TestEstimate computes by hand: dose 20 s, carry 30, heat 300 (the faster of
// the two heaters), carry 30, look 240.
func TestEstimate(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "arylation.yaml") // 60 experiments, 8 at once
	got := campaign.Estimate(doc, laboratory(t))
	want := campaign.Rehearsal{
		Experiments: 60, ExperimentS: 620, TotalS: 60 * (30 + 240), Bottleneck: "hplc",
		Load: []campaign.Busy{
			{Capability: "liquid-handler", Devices: 1, ExperimentS: 50, TotalS: 60 * 50},         // until the vial is away
			{Capability: "mobile-robot", Devices: 1, ExperimentS: 60, TotalS: 60 * 60},           // both ways
			{Capability: "heater", Devices: 2, ExperimentS: 30 + 300 + 30, TotalS: 60 * 360 / 2}, // from coming to going
			{Capability: "hplc", Devices: 1, ExperimentS: 30 + 240, TotalS: 60 * 270},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Estimate (-want +got):\n%s", diff)
	}
	doc.Plan.InFlight = 1
	got = campaign.Estimate(doc, laboratory(t))
	if got.TotalS != 60*620 || got.Bottleneck != "" {
		t.Errorf("one at a time: %v s, %q; want %v and no bottleneck", got.TotalS, got.Bottleneck, 60*620)
	}
	// Two doses into one vial and the transfer that takes it away are one stay.
	doc, _ = program(t, "graph.yaml")
	got = campaign.Estimate(doc, laboratory(t))
	if l := got.Load[0]; l.Capability != "liquid-handler" || l.ExperimentS != (20+20+30)+(670-20) {
		t.Errorf("load of %s: %v s, want 720: the blank, filled from 20 s on, is fetched until 670 s", l.Capability, l.ExperimentS)
	}
	doc, _ = program(t, "arylation.yaml")
	got = campaign.Estimate(doc, nil)
	if got.TotalS != 0 || len(got.Unknown) != 5 {
		t.Errorf("without devices: %v s, unknown %v", got.TotalS, got.Unknown)
	}
}
