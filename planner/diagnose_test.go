package planner_test

import (
	"math"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

func diagnosed(t *testing.T, b lab.Brief) lab.Plan {
	t.Helper()
	plan, err := planner.New(planner.Options{}).Propose(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Diagnostics == nil {
		t.Fatal("the plan has no diagnostics")
	}
	return plan
}

// TestDiagnosticsTellOfTheModel wants shares that add up, an entry to each
// experiment, and a smooth function to be trusted.
func TestDiagnosticsTellOfTheModel(t *testing.T) {
	t.Parallel()
	d := diagnosed(t, mixedBrief(60, 4, 1)).Diagnostics
	m := d.Models[0]
	if d.Trust == lab.TrustPoor || m.Explained < 0.5 {
		t.Errorf("trust %q, %.2f explained; want a model that can be leaned on", d.Trust, m.Explained)
	}
	weights, shares := 0.0, 0.0
	for _, e := range m.Members {
		weights += e.Weight
	}
	for i, e := range m.Importance {
		shares += e.Share
		if i > 0 && e.Share > m.Importance[i-1].Share {
			t.Errorf("importance %v is not in order", m.Importance)
		}
	}
	if math.Abs(weights-1) > 1e-9 || math.Abs(shares-1) > 1e-9 || len(m.Importance) != 4 {
		t.Errorf("weights add up to %g, importance of %d parameters to %g; want 1, 4 and 1", weights, len(m.Importance), shares)
	}
	if len(m.LeftOut) != 60 {
		t.Fatalf("%d outcomes left out, want 60", len(m.LeftOut))
	}
	inside := 0
	for _, l := range m.LeftOut {
		if l.Low <= l.Observed && l.Observed <= l.High {
			inside++
		}
	}
	if got := float64(inside) / 60; math.Abs(got-m.Covered95) > 0.02 {
		t.Errorf("%.2f of the intervals hold their outcome, covered_95 says %.2f", got, m.Covered95)
	}
	if d.Stop == nil || d.Stop.Chance < 0 || d.Stop.Chance > 1 {
		t.Errorf("outlook %+v, want a chance from 0 to 1", d.Stop)
	}
}

// TestOddMeasurementIsTold moves one outcome far off.
func TestOddMeasurementIsTold(t *testing.T) {
	t.Parallel()
	b := mixedBrief(60, 4, 1)
	b.Known[30].Observed[0].Value += 8
	plan := diagnosed(t, b)
	if all := strings.Join(plan.Diagnostics.Warnings, "\n"); !strings.Contains(all, "#31 lies far from what all others say of it") {
		t.Errorf("warnings do not name experiment 31:\n%s", all)
	}
}

// TestNoiseIsNotTrusted gives outcomes that have nothing to do with the settings.
func TestNoiseIsNotTrusted(t *testing.T) {
	t.Parallel()
	b := mixedBrief(40, 4, 1)
	for i := range b.Known {
		b.Known[i].Observed[0].Value = math.Mod(float64(i*i*7919+i*104729), 101)
	}
	if d := diagnosed(t, b).Diagnostics; d.Trust != lab.TrustPoor {
		t.Errorf("trust %q in a model of noise, which explains %.2f; want poor", d.Trust, d.Models[0].Explained)
	}
}

// TestExhaustedHillAdvisesToStop measures the summit and all around it.
func TestExhaustedHillAdvisesToStop(t *testing.T) {
	t.Parallel()
	b := pooled(0, 60, 1)
	for i, row := range b.Space.Pool[:50] {
		x := row[0].Number()
		b.Known = append(b.Known, lab.Known{Number: i + 1, Settings: named(b.Space, row), Observed: []lab.Measured{{Name: "y", Value: -(x - 0.5) * (x - 0.5), Unit: "1"}}})
	}
	b.First = 51
	d := diagnosed(t, b).Diagnostics
	if d.Stop == nil || !d.Stop.Advised {
		t.Errorf("outlook %+v after fifty of sixty points of a parabola, want advice to stop", d.Stop)
	}
}
