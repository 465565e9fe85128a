package campaign_test

import (
	"testing"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/google/go-cmp/cmp"
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
	got = campaign.Estimate(doc, nil)
	if got.TotalS != 0 || len(got.Unknown) != 5 {
		t.Errorf("without devices: %v s, unknown %v", got.TotalS, got.Unknown)
	}
}
