package extract_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/ucum"
)

// told writes a finding as a person would.
func told(f literature.Finding) string {
	s := fmt.Sprintf("%s %.6g", f.Parameter, f.Value)
	if f.High != f.Value {
		s += fmt.Sprintf("..%.6g", f.High)
	}
	s += " " + f.Unit
	if f.Operation != "" {
		s += " <" + f.Operation
	}
	if f.Outcome {
		s += fmt.Sprint(" outcome of ", f.Conditions)
	}
	return s
}

// TestFindings wants exactly these findings of each sentence.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"The gel was dried at 80 °C for 12 h and calcined at 500-550 degC.", []string{"temperature 80 Cel <dried", "time 12 h <dried", "temperature 500..550 Cel <calcined"}},
		{"Pellets were ball milled at 300 rpm, heated to 1,100 °C at 5 °C min-1.", []string{"speed 300 /min <ball milled", "temperature 1100 Cel <heated", "heating rate 5 K/min <heated"}},
		{"Solutions of 5, 10, and 15 M NaOH were mixed.", []string{"concentration 5 mol/L", "concentration 10 mol/L", "concentration 15 mol/L"}},
		{"The pH of the solution was adjusted to 10.5 with ammonia.", []string{"pH 10.5 [pH] <adjusted"}},
		{"It was washed three times and stirred for one hour.", []string{"repetitions 3 1 <washed", "time 1 h <stirred"}},
		{"A bias of −5 V and 3 x 10-3 mbar.", []string{"voltage -5 V", "pressure 0.003 mbar"}},
		{"The ketone was obtained in 85 % yield at 60 °C.", []string{"yield 85 % outcome of [1]", "temperature 60 Cel <obtained"}},
		{"A conversion of 36.3 % was reached at 900 °C.", []string{"conversion 36.3 % outcome of [1]", "temperature 900 Cel <reached"}},
		{"Salts in a molar ratio of 1:4 were ground.", []string{"ratio 0.25 1"}},
		{"Sodium chloride (99.9%, 2.5 g in 10 mL).", []string{"fraction 99.9 %", "mass 2.5 g", "volume 10 mL"}},
		{"After 2 h of stirring, water was added.", []string{"time 2 h <stirring"}},
		{"Table 2 and Fig. 3 show sample P-2, Co3O4 and CH4.", nil},
		{"", nil},
	} {
		var got []string
		for _, f := range extract.Findings(c.text) {
			got = append(got, told(f))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

// TestParse wants numbers as papers write them, and nothing else.
func TestParse(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]float64{"0.5": 0.5, "1,000": 1000, "15 000": 15000, "−5": -5, "3 x 10-3": 0.003, "1.2 × 10^3": 1200, "Three": 3, "1:4": 0.25, "6:3:1": 2} {
		if got, ok := extract.Parse(s); !ok || math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Errorf("Parse(%q) = %g, %v, want %g", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "x", "inf", "NaN", "0xff", "1_000", "3 x 5", "1:0", "1e999", "ten thousand"} {
		if got, ok := extract.Parse(s); ok {
			t.Errorf("Parse(%q) = %g, want a refusal", s, got)
		}
	}
}

// TestVerifyRefusesWhatIsNotThere changes a true finding in each of the ways a
// model could invent one.
func TestVerifyRefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	const text = "It was dried at 80 °C for 12 h."
	f := extract.Findings(text)[0]
	if !extract.Verify(f, text) {
		t.Fatalf("%+v is refused", f)
	}
	for name, spoil := range map[string]func(*literature.Finding){
		"Value":     func(f *literature.Finding) { f.Value = 81 },
		"High":      func(f *literature.Finding) { f.High = 90 },
		"Unit":      func(f *literature.Finding) { f.Written = "K" },
		"Operation": func(f *literature.Finding) { f.Operation = "calcined" },
		"Span":      func(f *literature.Finding) { f.Number.End = 1 << 30 },
		"Elsewhere": func(f *literature.Finding) { f.Sentence.End = f.Number.Start },
		"NaN":       func(f *literature.Finding) { f.Value = math.NaN() },
	} {
		bad := f
		spoil(&bad)
		if extract.Verify(bad, text) {
			t.Errorf("%s: %+v is taken", name, bad)
		}
	}
}

// TestUnitsAreUCUM parses the code of every unit that can be found.
func TestUnitsAreUCUM(t *testing.T) {
	t.Parallel()
	for _, u := range []string{
		"°C", "K", "h", "min", "s", "ms", "days", "weeks", "months", "rpm", "GPa", "MPa", "kPa", "hPa", "Pa", "bar", "mbar", "atm", "Torr", "mTorr", "psi", "V", "mV", "kV", "A", "mA", "μA",
		"W", "kW", "mW", "Hz", "kHz", "MHz", "%", "wt%", "mol%", "vol%", "ppm", "ppb", "mol", "mmol", "μmol", "g", "kg", "mg", "μg", "ng", "mL", "μL", "L", "m3", "M", "mM", "μM", "nM", "N",
		"sccm", "equiv", "nm", "μm", "mm", "cm", "Å", "m2", "cm2", "times", "J", "kJ", "eV", "mAh", "S", "mS", "kDa", "MΩ cm", "MΩ", "Ω", "°C/min", "mL min-1", "mg mL-1", "mA cm-2", "m2 g-1", "K h- 1", "r min-1", "mAh g-1", "g L-1 h-1",
		"mol dm-3", "°C per minute",
	} {
		found := extract.Findings("about 5 " + u + " of it")
		if len(found) != 1 {
			t.Errorf("%s: found %d", u, len(found))
			continue
		}
		if _, err := ucum.Parse(found[0].Unit); err != nil {
			t.Errorf("%s: %v", u, err)
		}
		if found[0].Written != u {
			t.Errorf("%s: read as %s", u, found[0].Written)
		}
	}
}

// FuzzFindings wants no panic and no value that is not in its span.
func FuzzFindings(f *testing.F) {
	f.Add("dried at 80 °C for 12 h, pH = 7-8, 1:2 molar ratio, 3 x 10-3 M in 85 % yield. Three times")
	f.Add("−5 x 10^−3\u00a0m2 g−1 5 - 6 ~ 7 , 8 and 9 mL")
	f.Fuzz(func(t *testing.T, text string) {
		for _, x := range extract.Findings(text) {
			if !extract.Verify(x, text) {
				t.Errorf("%q: %+v is not in the text", text, x)
			}
			if _, err := ucum.Parse(x.Unit); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// TestFindingsAreLinear reads sentences of a megabyte, with spaces and without;
// where time grew with the square of their length it would not end.
func TestFindingsAreLinear(t *testing.T) {
	t.Parallel()
	if n := len(extract.Findings(strings.Repeat("5g,dried,", 100_000))); n < 95_000 {
		t.Errorf("found %d of 100000 without spaces", n)
	}
	extract.Findings(strings.Repeat("dried", 200_000) + strings.Repeat("é", 100_000))
	text := strings.Repeat("dried at 80 degC, ", 50_000)
	if n := len(extract.Findings(text)); n < 49_500 { // a few are cut in two where no sentence ends
		t.Errorf("found %d of 50000", n)
	}
}
