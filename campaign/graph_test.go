package campaign_test

import (
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
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
}

// TestGraphOfAnything wants answers, not panics, from protocols that no check
// has seen.
func TestGraphOfAnything(t *testing.T) {
	t.Parallel()
	p := lab.Protocol{
		Samples: []lab.Sample{{Name: "s"}, {Name: "s"}},
		Steps: []lab.Step{
			{ID: "a", After: []string{"b"}, Sample: "s"},
			{ID: "b", After: []string{"a"}},
			{ID: "c", From: "x", To: "y", Sample: "s"},
			{ID: "c", Sample: "s"},
			{ID: "", After: []string{""}},
			{ID: "d", From: "d", To: "d", After: []string{"c", "nowhere"}},
		},
	}
	if got := campaign.Order(p); len(got) > 1 {
		t.Errorf("Order = %v, want c alone at most", got)
	}
	campaign.Ready(p, []string{"c", "nowhere"})
	campaign.Estimate(lab.Document{Protocol: p}, nil)
}
