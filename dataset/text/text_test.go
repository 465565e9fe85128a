package text_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

// TestCardsComeBack renders cards with any texts and numbers in them and wants
// the same cards from the lines.
func TestCardsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.StringMatching(`[a-z (;:)]{1,8}`), rapid.SampledFrom([]string{
			"KOAc", "12", "-1.5e3 mol", "5±1", "a -> b", "\"q\"", " x", "x ", "1:2", "line\nend", "mol/L", "%", "µ", "\u2028", "why", ".", "; set a 1", "\x00", "a..b", "→",
		}), rapid.StringN(1, 12, 40))
		whole := rapid.Custom(func(t *rapid.T) string { return strings.ToValidUTF8(words.Draw(t, "text"), "?") })
		digits := rapid.Custom(func(t *rapid.T) string { return text.Short(rapid.Float64Range(-1e9, 1e9).Draw(t, "x")) })
		quantity := rapid.Custom(func(t *rapid.T) text.Quantity {
			q := text.Quantity{Name: whole.Draw(t, "name")}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				q.Label, q.Value = true, rapid.OneOf(whole, rapid.Just("")).Draw(t, "label")
			case 1:
				q.Value, q.Unit = digits.Draw(t, "value"), rapid.OneOf(whole, rapid.Just("")).Draw(t, "unit")
				if rapid.Bool().Draw(t, "known") {
					q.Sigma = strings.TrimPrefix(digits.Draw(t, "sigma"), "-")
				}
			default:
				q.Value = digits.Draw(t, "a") + ":" + digits.Draw(t, "b")
			}
			return q
		})
		quantities := rapid.Custom(func(t *rapid.T) []text.Quantity {
			n := rapid.IntRange(0, 3).Draw(t, "n")
			var all []text.Quantity
			for range n {
				all = append(all, quantity.Draw(t, "quantity"))
			}
			return all
		})
		c := text.Card{Number: rapid.IntRange(1, 1e6).Draw(t, "number"), Campaign: whole.Draw(t, "campaign"), Class: "success", Set: quantities.Draw(t, "set"), Seen: quantities.Draw(t, "seen")}
		for range rapid.IntRange(0, 2).Draw(t, "steps") {
			c.Did = append(c.Did, text.Step{
				Name: whole.Draw(t, "step"), Command: whole.Draw(t, "command"), State: rapid.SampledFrom([]string{"", "failed", "in_doubt"}).Draw(t, "state"),
				Params: quantities.Draw(t, "params"), Values: quantities.Draw(t, "values"),
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "forecasts") {
			c.Expected = append(c.Expected, text.Forecast{Name: whole.Draw(t, "of"), Mean: digits.Draw(t, "mean"), Low: digits.Draw(t, "low"), High: digits.Draw(t, "high"), Unit: rapid.OneOf(whole, rapid.Just("")).Draw(t, "unit")})
		}
		if rapid.Bool().Draw(t, "failed") {
			c.Failure = &text.Failure{Step: rapid.OneOf(whole, rapid.Just("")).Draw(t, "at"), Code: whole.Draw(t, "code"), Message: whole.Draw(t, "message")}
		}
		c.Why = rapid.OneOf(whole, rapid.Just("")).Draw(t, "why")
		lines := c.Render()
		got, err := text.Parse(lines)
		if err != nil {
			t.Fatalf("%v\n%s", err, lines)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Fatalf("(-want +got)\n%s\n%s", d, lines)
		}
	})
}

// TestPrintedDigits wants every printed number within half of its last digit of
// the exact one, and two figures of the uncertainty.
func TestPrintedDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-1e6, 1e6).Draw(t, "x")
		sigma := math.Pow(10, rapid.Float64Range(-6, 5).Draw(t, "log sigma"))
		e := dataset.Experiment{Row: dataset.Row{Observed: dataset.Object[dataset.ObservedCell]{{Name: "y", Value: dataset.ObservedCell{Value: &x, Sigma: &sigma, Unit: "%"}}}}}
		q := text.Observed(e)[0]
		got, err := strconv.ParseFloat(q.Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-x) > sigma/10 {
			t.Errorf("%g ± %g is printed as %s ± %s", x, sigma, q.Value, q.Sigma)
		}
		s, err := strconv.ParseFloat(q.Sigma, 64)
		if err != nil || math.Abs(s-sigma) > sigma/19 {
			t.Errorf("σ = %g is printed as %s", sigma, q.Sigma)
		}
	})
}

// run is an experiment of the size of a chromatography run: six conditions,
// five steps, a prediction, a result.
func run() dataset.Experiment {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	num := func(x float64) *float64 { return &x }
	number := func(x string) *json.Number { n := json.Number(x); return &n }
	e := dataset.Experiment{Class: dataset.Success}
	e.Number, e.Campaign, e.State = 12, "Direct arylation of imidazoles", lab.OutcomeSucceeded
	for i, s := range []struct {
		name string
		v    lab.Value
		unit lab.Unit
	}{
		{"base", lab.Label("CsOPiv"), ""},
		{"ligand", lab.Label("XPhos"), ""},
		{"solvent", lab.Label("DMAc"), ""},
		{"temperature", lab.Number(104.98712341), "Cel"},
		{"concentration", lab.Number(0.153), "mol/L"},
		{"injection", lab.Number(0.0587123), "mL"},
	} {
		_ = i
		e.Settings = append(e.Settings, dataset.Member[dataset.SettingCell]{Name: s.name, Value: dataset.SettingCell{Value: s.v, Unit: s.unit}})
	}
	e.Predicted = dataset.Object[dataset.Predicted]{{Name: "yield", Value: dataset.Predicted{Mean: num(71.23456), Sigma: num(4.2), Low: num(62.1), High: num(80.4), Unit: "%"}}}
	e.Observed = dataset.Object[dataset.ObservedCell]{{Name: "yield", Value: dataset.ObservedCell{Value: num(74.123456789), Sigma: num(0.8123), Unit: "%"}}}
	for _, s := range []dataset.RowStep{
		{Step: "dose", Command: "dispense", Params: []dataset.Cell{{Name: "volume", Number: number("5.0"), Unit: "mL"}}, Values: []dataset.Cell{{Name: "dispensed", Number: number("4.9981"), Unit: "mL"}}},
		{Step: "in", Command: "transfer"},
		{Step: "heat", Command: "hold", Params: []dataset.Cell{{Name: "target", Number: number("104.98712341"), Unit: "Cel"}, {Name: "time", Number: number("3600"), Unit: "s"}}, Values: []dataset.Cell{{Name: "temperature", Number: number("105.02"), Unit: "Cel"}}},
		{Step: "out", Command: "transfer"},
		{Step: "look", Command: "measure", Values: []dataset.Cell{{Name: "area", Number: number("1023.5"), Unit: ""}, {Name: "standard_area", Number: number("1380.8"), Unit: ""}}},
	} {
		s.State = lab.CommandDone
		e.Steps = append(e.Steps, s)
	}
	e.Decision.Reason = "largest expected improvement; three experiments like it gave 60 to 70 %"
	e.Clock.StartedAt = at
	return e
}

// TestCardIsFrugal counts the tokens of a card at the facts of a reaction record.
func TestCardIsFrugal(t *testing.T) {
	t.Parallel()
	card := text.CardOf(run()).Render()
	n, err := text.Tokens(card)
	if err != nil {
		t.Fatal(err)
	}
	if n > 250 || n < 40 {
		t.Errorf("%d tokens, want at most 250:\n%s", n, card)
	}
	t.Logf("%d tokens\n%s", n, card)
	for _, fact := range []string{"CsOPiv", "104.987 Cel", "0.153 mol/L", "74.12±0.81 %", "62.1..80.4", "4.9981 mL", "1023.5"} {
		if !strings.Contains(card, fact) {
			t.Errorf("the card does not say %q:\n%s", fact, card)
		}
	}
}

func TestSeriesAreSummarised(t *testing.T) {
	t.Parallel()
	x := make([]float64, 101)
	for i := range x {
		x[i] = 10*math.Exp(-math.Pow(float64(i-30)/4, 2)) + 5*math.Exp(-math.Pow(float64(i-70)/4, 2))
	}
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := text.Summarise(string(raw))
	if !ok || s.N != 101 || len(s.Peaks) != 2 || s.Peaks[0].At != 30 || s.Peaks[1].At != 70 || s.HighAt != 30 {
		t.Errorf("got %v, want two peaks at 30 and 70", s)
	}
	line, _ := text.Summarise("[1,2,3,4,5]")
	if line.Error > 1e-12 || math.Abs(line.Slope-1) > 1e-12 || len(line.Peaks) > 1 {
		t.Errorf("a straight line: %v", line)
	}
	for _, raw := range []string{"[1]", "{}", `["a","b"]`, "7", "null"} {
		if _, ok := text.Summarise(raw); ok {
			t.Errorf("%s is no series", raw)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text.CardOf(run()).Render())
	f.Add("experiment 1 of x: success\nset a \"b")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := text.Parse(s)
		if err != nil {
			return
		}
		again, err := text.Parse(c.Render())
		if err != nil {
			t.Fatalf("%v:\n%s", err, c.Render())
		}
		if d := cmp.Diff(c, again, cmp.Transformer("empty", func(q []text.Quantity) string { return fmt.Sprint(q) })); d != "" {
			t.Fatal(d)
		}
	})
}
