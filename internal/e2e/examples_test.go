package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
)

// TestExamplesAreGood checks every example campaign against what the devices of
// the laboratory that it names can do.
func TestExamplesAreGood(t *testing.T) {
	t.Parallel()
	offers := map[string][]lab.Capability{}
	open := func(name, file string) {
		d, err := sim.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		l, err := sim.Open(t.TempDir(), d, sim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for _, about := range l.Abouts() {
			offers[name] = append(offers[name], about.Offers()...)
		}
	}
	open("demo", "")
	open("surfaces", "../../examples/labs/surfaces.yaml")
	open("solid-state", "../../examples/labs/solid-state.yaml")
	files, err := filepath.Glob("../../examples/campaigns/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("examples are %v (%v)", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			against := offers["demo"]
			switch filepath.Base(file) {
			case "03-alloy.yaml":
				against = offers["surfaces"]
			case "04-solid-state.yaml":
				against = offers["solid-state"]
			case "direct-arylation.yaml":
				against = nil // its instrument is a table that does not ship; the table's own test runs it
			}
			_, problems, notes := campaign.Load(src, "yaml", against)
			for _, p := range problems {
				t.Errorf("%d:%d: %s", p.Line, p.Col, p)
			}
			for _, n := range notes {
				t.Errorf("note: %s", n)
			}
		})
	}
}
