package ucum_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/ucum"
)

// TestConvert takes its numbers from the SI Brochure (9th edition, 2019), NIST
// SP 811 (2008) appendix B, and the definitions of the UCUM specification.
// Numbers that are exact there must come out to the last bit.
func TestConvert(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x        float64
		from, to string
		want     float64
	}{
		// Decimal prefixes: no digit may be lost to binary factors.
		{6.3, "mm", "m", 0.0063},
		{0.1, "L", "mL", 100},
		{0.3, "g", "mg", 300},
		{1, "uL", "mm3", 1},
		{5, "uL", "L", 5e-6},
		{1, "nm", "Ao", 10},
		{2.5, "mmol/L", "mol/L", 0.0025},
		{0.057, "mol/L", "mmol/L", 57},
		{1, "mol/L", "mol/m3", 1000},
		{1, "Ym", "ym", 1e48},
		{1, "KiBy", "By", 1024},
		// Time.
		{1, "h", "s", 3600},
		{48, "h", "d", 2},
		{1, "wk", "h", 168},
		{1, "a", "d", 365.25},
		{1, "a_g", "d", 365.2425},
		{60, "/min", "Hz", 1},
		{60, "{rpm}/min", "s-1", 1},
		// Length, area, volume (NIST SP 811 B.8: exact).
		{1, "[in_i]", "cm", 2.54},
		{1, "[ft_i]", "m", 0.3048},
		{1, "[yd_i]", "m", 0.9144},
		{1, "[mi_i]", "m", 1609.344},
		{1, "[nmi_i]", "m", 1852},
		{1, "[mil_i]", "um", 25.4},
		{1, "[ft_us]", "m", 1200.0 / 3937.0},
		{1, "[gal_us]", "L", 3.785411784},
		{1, "[foz_us]", "mL", 29.5735295625},
		{1, "[gal_br]", "L", 4.54609},
		{1, "[bbl_us]", "L", 158.987294928},
		{1, "[acr_us]", "[rd_us]2", 160},
		{1, "b", "m2", 1e-28},
		{1, "AU", "m", 149597870691},
		{1, "[ly]", "m", 9460730472580800},
		// Mass.
		{1, "[lb_av]", "kg", 0.45359237},
		{1, "[oz_av]", "g", 28.349523125},
		{1, "[lb_tr]", "g", 373.2417216},
		{1, "t", "kg", 1000},
		{1, "[car_m]", "mg", 200},
		{1, "u", "g", 1.6605390666e-24},
		// Pressure.
		{1, "bar", "Pa", 1e5},
		{1, "atm", "kPa", 101.325},
		{1, "mbar", "hPa", 1},
		{1, "mm[Hg]", "Pa", 133.322},
		{760, "mm[Hg]", "atm", 760 * 133.322 / 101325},
		{1, "[psi]", "Pa", 4.4482216152605 / (0.0254 * 0.0254)},
		{1, "cm[H2O]", "Pa", 98.0665},
		{1, "att", "Pa", 98066.5},
		// Energy, power, force.
		{1, "cal", "J", 4.184},
		{1, "cal_IT", "J", 4.1868},
		{1, "kW.h", "MJ", 3.6},
		{1, "[Btu_IT]", "J", 1055.05585262},
		{1, "eV", "J", 1.602176634e-19},
		{1, "erg", "J", 1e-7},
		{1, "dyn", "N", 1e-5},
		{1, "[lbf_av]", "N", 4.4482216152605},
		{1, "[HP]", "W", 745.69987158227022},
		{1, "N.m", "J", 1},
		{1, "W", "J/s", 1},
		{1, "kcal/mol", "kJ/mol", 4.184},
		// Viscosity, kinematic viscosity, diffusion.
		{1, "cP", "mPa.s", 1},
		{1, "cSt", "mm2/s", 1},
		{1, "P", "Pa.s", 0.1},
		// Electricity and magnetism.
		{1, "mA.h", "C", 3.6},
		{1, "S", "Ohm-1", 1},
		{1, "mho", "S", 1},
		{1, "uS/cm", "S/m", 1e-4},
		{1, "G", "T", 1e-4},
		{1, "Wb/m2", "T", 1},
		{1, "V.A", "W", 1},
		{1, "F", "C/V", 1},
		{1, "[k]", "J/K", 1.380649e-23},
		{1, "[h]", "J.s", 6.62607015e-34},
		{1, "[c]", "km/s", 299792.458},
		// Radiation and light.
		{1, "Ci", "Bq", 3.7e10},
		{1, "RAD", "Gy", 0.01},
		{1, "REM", "Sv", 0.01},
		{1, "lm", "cd.sr", 1},
		{1, "lx", "lm/m2", 1},
		{1, "Ky", "cm-1", 1},
		// Angle.
		{180, "deg", "rad", math.Pi},
		{1, "circ", "deg", 360},
		{100, "gon", "deg", 90},
		{60, "'", "deg", 1},
		{3600, "''", "deg", 1},
		// Numbers, fractions, amounts.
		{1, "%", "1", 0.01},
		{1, "[ppm]", "%", 1e-4},
		{1, "[ppb]", "[pptr]", 1000},
		{1, "[ppth]", "%", 0.1},
		{1, "10*3", "1", 1000},
		{1, "10^-3", "10*-6", 1000},
		{1, "mol", "1", 6.02214076e23},
		{1, "U", "nmol/s", 1000.0 / 60},
		{1, "kat", "U", 6e7},
		{1, "osm", "mol", 1},
		{1, "g%", "g/L", 10},
		{5, "10*6/mL", "/uL", 5e6 / 1e3},
		{2, "{cells}/mL", "/L", 2000},
		{1, "[IU]/mL", "[iU]/L", 1000},
		{1, "By", "bit", 8},
		// Products are read from left to right.
		{6.3, "4.s/m", "s/m", 25.2},
		{6, "s/4/m", "s/m", 1.5},
		{1, "m/s.s", "m", 1},
		{1, "m/(s.s)", "m/s2", 1},
		{1, "/(m/s)", "s/m", 1},
		{1, "kg.m-1.s-2", "Pa", 1},
		// Temperature: points.
		{25, "Cel", "K", 298.15},
		{298.15, "K", "Cel", 25},
		{-273.15, "Cel", "K", 0},
		{100, "Cel", "[degF]", 212},
		{-40, "[degF]", "Cel", -40},
		{98.6, "[degF]", "Cel", 37},
		{0, "[degF]", "K", 459.67 * 5 / 9},
		{491.67, "[degR]", "K", 273.15},
		{80, "[degRe]", "Cel", 100},
		{25000, "mCel", "Cel", 25},
		{2, "10.Cel", "Cel", 20},
		// Scales of logarithms and others.
		{7, "[pH]", "mol/L", 1e-7},
		{1e-3, "mol/L", "[pH]", 3},
		{4, "[pH]", "umol/L", 100},
		{20, "dB", "1", 100},
		{100, "1", "B", 2},
		{1, "Np", "1", math.E},
		{1, "B[W]", "W", 10},
		{30, "dB[W]", "kW", 1},
		{3, "B[kW]", "B[W]", 6},
		{2, "B[V]", "V", 10},
		{6, "B[uV]", "mV", 1},
		{20, "dB[SPL]", "Pa", 2e-4},
		{8, "bit_s", "1", 256},
		{100, "%[slope]", "deg", 45},
		{100, "[p'diop]", "deg", 45},
		{6, "[hp'_X]", "1", 1e-6},
		{3, "[hp'_C]", "1", 1e-6},
		{3, "[m/s2/Hz^(1/2)]", "m2/s4/Hz", 9},
	} {
		got, err := ucum.ConvertCodes(c.x, c.from, c.to)
		if err != nil {
			t.Errorf("%v %s to %s: %v", c.x, c.from, c.to, err)
			continue
		}
		if math.Abs(got-c.want) > 4e-16*math.Abs(c.want) {
			t.Errorf("%v %s = %v %s, want %v", c.x, c.from, got, c.to, c.want)
		}
	}
}

// TestDecimalStaysDecimal converts numbers that a person typed and wants the
// decimal that a person would write down, digit for digit.
func TestDecimalStaysDecimal(t *testing.T) {
	t.Parallel()
	for i := 1; i < 2000; i++ {
		ml := float64(i) / 100
		l, err := ucum.ConvertCodes(ml, "mL", "L")
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(i) / 100000; l != want {
			t.Fatalf("%v mL = %v L, want %v", ml, l, want)
		}
		if back, err := ucum.ConvertCodes(l, "L", "mL"); err != nil || back != ml {
			t.Fatalf("%v mL came back as %v, %v", ml, back, err)
		}
	}
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x              float64
		from, to, want string
	}{
		{1, "m", "s", "measure different things (L and T)"},
		{1, "[IU]", "1", "measure different things"},
		{1, "[CFU]/mL", "[PFU]/mL", "measure different things"},
		{1, "Cel", "J", "measure different things"},
		{math.NaN(), "m", "km", "no finite number"},
		{math.Inf(1), "m", "km", "no finite number"},
		{1e308, "km", "mm", "too large"},
		{-1, "mol/L", "[pH]", "no such point"},
		{0, "W", "B[W]", "too large"},
	} {
		_, err := ucum.ConvertCodes(c.x, c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %s to %s: %v, want %q", c.x, c.from, c.to, err, c.want)
		}
	}
}

// TestConvertDifference tells a span of temperature from a point.
func TestConvertDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x        float64
		from, to string
		want     float64
	}{
		{25, "Cel", "K", 25},
		{9, "[degF]", "Cel", 5},
		{5, "K", "[degF]", 9},
		{4, "[degRe]", "K", 5},
		{500, "mCel", "K", 0.5},
		{2, "mm", "m", 0.002},
		{3, "dB", "dB", 3},
	} {
		got, err := ucum.ConvertDifference(c.x, ucum.MustParse(c.from), ucum.MustParse(c.to))
		if err != nil || got != c.want {
			t.Errorf("a difference of %v %s = %v %s, %v; want %v", c.x, c.from, got, c.to, err, c.want)
		}
	}
	if _, err := ucum.ConvertDifference(1, ucum.MustParse("[pH]"), ucum.MustParse("mol/L")); err == nil {
		t.Error("a difference of pH was converted to a concentration")
	}
}

func TestFactor(t *testing.T) {
	t.Parallel()
	if got, err := ucum.Factor(ucum.MustParse("[in_i]"), ucum.MustParse("cm")); err != nil || got != 2.54 {
		t.Errorf("Factor([in_i], cm) = %v, %v; want 2.54", got, err)
	}
	if _, err := ucum.Factor(ucum.MustParse("Cel"), ucum.MustParse("K")); err == nil {
		t.Error("Cel to K has a factor, want an error")
	}
}

// TestParseErrors wants from every error the place and, for the spellings of
// laboratories, the code that is right.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code       string
		position   int
		suggestion string
	}{
		{"degC", 1, "Cel"},
		{"°C", 1, "Cel"},
		{"℃", 1, "Cel"},
		{"deg C", 4, "Cel"},
		{"celsius", 1, "Cel"},
		{"°F", 1, "[degF]"},
		{"µL", 1, "uL"},
		{"μL", 1, "uL"},
		{"µmol/L", 1, "umol/L"},
		{"mg/µL", 4, "mg/uL"},
		{"M", 1, "mol/L"},
		{"mM", 1, "mmol/L"},
		{"µM", 1, "umol/L"},
		{"nM", 1, "nmol/L"},
		{"M-1cm-1", 1, "L/mol.cm-1"},
		{"mM/s", 1, "mmol/L/s"},
		{"ug/mM", 4, "ug/(mmol/L)"},
		{"/M", 2, "/(mol/L)"},
		{"sec", 1, "s"},
		{"hr", 1, "h"},
		{"hrs", 1, "h"},
		{"mins", 1, "min"},
		{"mL/hr", 4, "mL/h"},
		{"minutes", 1, "min"},
		{"rpm", 1, "1/min"},
		{"xg", 1, "[g]"},
		{"kDa", 1, "ku"},
		{"Da", 1, "u"},
		{"mAU", 1, "10*-3.{AU}"},
		{"mAU*min", 1, "10*-3.{AU}.min"},
		{"OD600", 1, "{OD600}"},
		{"RFU", 1, "{RFU}"},
		{"a.u.", 5, "{a.u.}"},
		{"psi", 1, "[psi]"},
		{"ppm", 1, "[ppm]"},
		{"mmHg", 1, "mm[Hg]"},
		{"Torr", 1, "mm[Hg]"},
		{"barg", 1, "bar{gauge}"},
		{"wt%", 1, "%{wt}"},
		{"% RH", 2, ""},
		{"sccm", 1, "cm3{standard}/min"},
		{"cc", 1, "cm3"},
		{"1/CM", 3, "1/cm"},
		{"cm^-1", 1, "cm-1"},
		{"cm⁻¹", 3, "cm-1"},
		{"m²", 2, "m2"},
		{"kg·m", 3, "kg.m"},
		{"W/m^2/K", 3, "W/m2/K"},
		{"10^6 cells/mL", 5, "10^6.{cells}/mL"},
		{"g / L", 2, "g/L"},
		{"mg/12h", 6, "mg/(12.h)"},
		{"J*s", 1, "J.s"},
		{"ft_i", 1, "[ft_i]"},
		{"ohm", 1, "Ohm"},
		{"Ω", 1, "Ohm"},
		{"Å", 1, "Ao"},
		{"KG", 1, "kg"},
		{"liters", 1, "L"},
		{"mg/litre", 4, "mg/L"},
		{"Cel/min", 4, "K/min"},
		{"W/(m2.Cel)", 6, "W/(m2.K)"},
		{"[degF]/h", 7, "[degR]/h"},
		{"Cel2", 1, "K2"},
		{"dB/m", 3, ""},
		{"", 1, "1"},
		{"unitless", 1, "1"},
		{"EUR", 1, "{EUR}"},
		{"EUR/mol", 1, "{EUR}/mol"},
		{"m.", 3, ""},
		{"m/", 3, ""},
		{".m", 1, ""},
		{"(m", 1, "m"},
		{"m)", 2, "m"},
		{"()", 2, ""},
		{"m//s", 3, ""},
		{"[x", 1, ""},
		{"{a", 1, ""},
		{"{a{b}}", 3, ""},
		{"{a}m", 4, ""},
		{"{é}", 2, ""},
		{"m-", 2, ""},
		{"m100", 2, ""},
		{"0.m", 1, ""},
		{"kilofoo", 1, ""},
		{"k[in_i]", 1, ""},
		{"m3\x00", 3, ""},
		{"\xff", 1, ""},
	} {
		_, err := ucum.Parse(c.code)
		var bad *ucum.ParseError
		if !errors.As(err, &bad) {
			t.Errorf("Parse(%q) = %v, want a ParseError", c.code, err)
			continue
		}
		if got := bad.Offset + 1; got != c.position {
			t.Errorf("Parse(%q): position %d, want %d: %v", c.code, got, c.position, err)
		}
		if bad.Suggestion != c.suggestion {
			t.Errorf("Parse(%q) suggests %q, want %q", c.code, bad.Suggestion, c.suggestion)
		}
		if bad.Suggestion != "" {
			if _, err := ucum.Parse(bad.Suggestion); err != nil {
				t.Errorf("Parse(%q) suggests an invalid code: %v", c.code, err)
			}
		}
	}
}

// TestParseLimits keeps hostile codes cheap.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"Length":    strings.Repeat("m.", 5000) + "m",
		"Depth":     strings.Repeat("(", 100) + "m" + strings.Repeat(")", 100),
		"Factor":    strings.Repeat("Ym99.", 90) + "m",
		"Number":    strings.Repeat("9", 1000),
		"Exponent":  "10*999999999999999999999",
		"Dimension": "m99.m99",
		"Pi":        "[pi]99",
	} {
		if _, err := ucum.Parse(code); err == nil {
			t.Errorf("%s: Parse(%.20q…) succeeded, want an error", name, code)
		}
	}
}

func TestUnitIsComparedByMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		u, v              string
		equal, comparable bool
	}{
		{"J", "N.m", true, true},
		{"L", "dm3", true, true},
		{"L", "l", true, true},
		{"m/s", "m.s-1", true, true},
		{"/s", "Hz", true, true},
		{"[IU]", "[iU]", true, true},
		{"mL", "L", false, true},
		{"Cel", "K", false, true},
		{"Cel", "[degF]", false, true},
		{"dB", "B", false, true},
		{"dB", "1/10.B", true, true},
		{"mol/L", "/L", false, true},
		{"Gy", "Sv", true, true},
		{"[IU]", "[CFU]", false, false},
		{"m", "s", false, false},
		{"%{wt}", "%{vol}", true, true},
	} {
		u, v := ucum.MustParse(c.u), ucum.MustParse(c.v)
		if got := u.Equal(v); got != c.equal {
			t.Errorf("%s equal to %s: %t, want %t", c.u, c.v, got, c.equal)
		}
		if got := u.Comparable(v); got != c.comparable {
			t.Errorf("%s comparable to %s: %t, want %t", c.u, c.v, got, c.comparable)
		}
		if got := u.Canonical() == v.Canonical(); got != c.equal {
			t.Errorf("%s and %s have canonical codes %s and %s, equal must be %t", c.u, c.v, u.Canonical(), v.Canonical(), c.equal)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"1":           "1",
		"{cells}":     "1",
		"m":           "m",
		"J":           "1000.g.m2.s-2",
		"%":           "1/100",
		"mol":         "602214076.10*15",
		"[degR]":      "5/9.K",
		"Cel":         "Cel",
		"mCel":        "1/1000.Cel",
		"[CFU]/mL":    "1000000.m-3.[CFU]",
		"[IU]2/[CFU]": "[CFU]-1.[iU]2",
		"Mm[Hg]":      "133322.10*9.g.m-1.s-2",
		"zmol":        "150553519/250000",
	} {
		u := ucum.MustParse(code)
		if got := u.Canonical(); got != want {
			t.Errorf("canonical %s = %s, want %s", code, got, want)
		}
	}
}

func TestDimension(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"J": "L2.T-2.M", "mol": "1", "Cel": "C", "V": "L2.T-2.M.Q-1", "[CFU]/mL": "L-3.[CFU]", "m/m": "1", "[IU]/[IU]": "1",
	} {
		if got := ucum.MustParse(code).Dimension().String(); got != want {
			t.Errorf("dimension of %s = %s, want %s", code, got, want)
		}
	}
}

func TestUnitInJSON(t *testing.T) {
	t.Parallel()
	type reading struct {
		Unit ucum.Unit `json:"unit"`
	}
	want := reading{ucum.MustParse("mol/L")}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"unit":"mol/L"}` {
		t.Fatalf("marshal = %s, %v", text, err)
	}
	var got reading
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unit changed on the way (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"unit":"degC"}`), &got); err == nil || !strings.Contains(err.Error(), `"Cel"`) {
		t.Errorf("unmarshal degC: %v, want the right code", err)
	}
	if got := (ucum.Unit{}).String(); got != "1" {
		t.Errorf("zero Unit is %q, want 1", got)
	}
}

func TestCaution(t *testing.T) {
	t.Parallel()
	if got := ucum.Caution("AU"); !strings.Contains(got, "absorbance") {
		t.Errorf("Caution(AU) = %q", got)
	}
	if got := ucum.Caution("mol/L"); got != "" {
		t.Errorf("Caution(mol/L) = %q, want nothing", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"m", "mol/L", "Cel", "dB[SPL]", "10*-7.s", "1/10.B", "(m.s)/g{x}", "[IU]/mL", "µL", "M-1cm-1", "4.[pi].10*-7.N", "%{wt}", "deg C", "[m/s2/Hz^(1/2)]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := ucum.Parse(code)
		if err != nil {
			var bad *ucum.ParseError
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > len(code) {
				t.Fatalf("Parse(%q): %#v", code, err)
			}
			if bad.Suggestion != "" {
				if _, err := ucum.Parse(bad.Suggestion); err != nil {
					t.Fatalf("Parse(%q) suggests an invalid code: %v", code, err)
				}
			}
			return
		}
		for _, spelling := range []string{u.String(), u.Canonical()} {
			v, err := ucum.Parse(spelling)
			if err != nil || !u.Equal(v) {
				t.Fatalf("Parse(%q): %q parses to %v, %v", code, spelling, v.Canonical(), err)
			}
			if v.Canonical() != u.Canonical() {
				t.Fatalf("Parse(%q): canonical %q, then %q", code, u.Canonical(), v.Canonical())
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := ucum.Parse("kg.m2/s2"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	from, to := ucum.MustParse("Cel"), ucum.MustParse("K")
	for b.Loop() {
		if _, err := ucum.Convert(25, from, to); err != nil {
			b.Fatal(err)
		}
	}
}
