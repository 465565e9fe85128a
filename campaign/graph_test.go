package campaign_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/google/go-cmp/cmp"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "graph.yaml")
	got := strings.Join(campaign.Order(doc.Protocol), " ")
	if want := "dose rinse fill in heat out look bring compare"; got != want {
		t.Errorf("Order = %s, want %s", got, want)
	}
	for _, c := range []struct{ done, want string }{
		{"", "dose"},
		{"dose", "rinse fill"},
		{"dose fill", "rinse"},
		{"dose rinse fill in heat out look", "bring"},
		{"dose rinse fill in heat out look bring compare", ""},
	} {
		if got := strings.Join(campaign.Ready(doc.Protocol, strings.Fields(c.done)), " "); got != c.want {
			t.Errorf("Ready(%s) = %q, want %q", c.done, got, c.want)
		}
	}
	got = strings.Join(campaign.Route(doc.Protocol), " ")
	if want := "liquid-handler heater hplc hplc"; got != want {
		t.Errorf("Route = %s, want %s", got, want)
	}
}

// TestNeeds wants each place to be held from the transfer that brings a sample
// to the one that takes it away, and steps on a sample that stays to share one.
func TestNeeds(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, name := range []string{"arylation.yaml", "graph.yaml", "every-type.yaml", "one-place.yaml", "smallest.yaml"} {
		doc, _ := program(t, name)
		got.WriteString(name + "\n")
		for _, n := range campaign.Needs(doc.Protocol) {
			b, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(b, '\n'))
		}
		var done []string
		for _, id := range campaign.Order(doc.Protocol) {
			done = append(done, id)
			got.WriteString("idle after " + id + ": " + strings.Join(campaign.Idle(doc.Protocol, done), " ") + "\n")
		}
	}
	const golden = "testdata/needs.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, golden)), got.String()); diff != "" {
		t.Errorf("run with -update if this is better (-want +got):\n%s", diff)
	}
}

// TestEveryRoleIsLetGo wants no place to be kept once all is done, and none to
// be let go while a step to come needs it, whatever the order.
func TestEveryRoleIsLetGo(t *testing.T) {
	t.Parallel()
	for path := range documents(t, "good") {
		doc, _ := campaign.Parse(read(t, path), "")
		needs := campaign.Needs(doc.Protocol)
		if len(needs) != len(doc.Protocol.Steps) {
			t.Errorf("%s: needs of %d steps, want %d", path, len(needs), len(doc.Protocol.Steps))
		}
		var done []string
		for i, n := range needs {
			idle := campaign.Idle(doc.Protocol, done)
			for _, later := range needs[i:] {
				for _, need := range later.Needs {
					for _, role := range idle {
						if role == need.Role {
							t.Errorf("%s: %s is idle after %v, but %s needs it", path, role, done, later.Step)
						}
					}
				}
			}
			done = append(done, n.Step)
		}
		if last := needs[len(needs)-1]; len(last.Keep) > 0 {
			t.Errorf("%s: the last step keeps %v", path, last.Keep)
		}
	}
}

// TestGraphOfAnything wants answers, not panics, from protocols that no check
// has seen.
func TestGraphOfAnything(t *testing.T) {
	t.Parallel()
	p := lab.Protocol{
		Samples: []lab.Sample{{Name: "s"}, {Name: "s"}},
		Steps: []lab.Step{
			{ID: "a", After: []string{"b"}, Sample: "s"}, {ID: "b", After: []string{"a"}}, {ID: "c", From: "x", To: "y", Sample: "s"},
			{ID: "c", Sample: "s"}, {ID: "", After: []string{""}}, {ID: "d", From: "d", To: "d", After: []string{"c", "nowhere"}},
		},
	}
	if got := campaign.Order(p); len(got) > 1 {
		t.Errorf("Order = %v, want c alone at most", got)
	}
	campaign.Needs(p)
	campaign.Route(p)
	campaign.Idle(p, []string{"c"})
}
