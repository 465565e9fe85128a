package extract

import (
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// unitWord is a unit as it is written and what it is.
type unitWord struct {
	written string
	code    string // UCUM
	kind    string // what is measured in it alone
}

// unitWords are tried longest first. Powers and quotients are put together from
// them. Two of the degrees have lost their sign to an encoding.
var unitWords = sortedUnits(map[string]unitWord{
	"degC|\ufffdC|[?]C|deg C|deg. C|°C|° C|ºC|º C|℃|oC|deg.C|degrees C|degrees Celsius|degree Celsius|degrees centigrade": {code: "Cel", kind: "temperature"},
	"K|Kelvin|kelvin":                {code: "K", kind: "temperature"},
	"h|hr|hrs|hs|hour|hours|hour(s)": {code: "h", kind: "time"},
	"min|mins|minute|minutes|min.":   {code: "min", kind: "time"},
	"s|sec|secs|second|seconds":      {code: "s", kind: "time"},
	"ms":                             {code: "ms", kind: "time"},
	"d|day|days":                     {code: "d", kind: "time"},
	"week|weeks":                     {code: "wk", kind: "time"},
	"month|months":                   {code: "mo", kind: "time"},
	"rpm|r.p.m.|r.p.m|RPM":           {code: "/min", kind: "speed"},
	"r|rev":                          {code: "1", kind: "turn"},
	"GPa":                            {code: "GPa", kind: "pressure"}, "MPa|Mpa": {code: "MPa", kind: "pressure"}, "kPa|KPa": {code: "kPa", kind: "pressure"},
	"hPa": {code: "hPa", kind: "pressure"}, "Pa": {code: "Pa", kind: "pressure"},
	"bar|bars": {code: "bar", kind: "pressure"}, "mbar": {code: "mbar", kind: "pressure"}, "atm": {code: "atm", kind: "pressure"},
	"Torr|torr|mmHg|mm Hg": {code: "mm[Hg]", kind: "pressure"}, "mTorr|m Torr|mtorr": {code: "um[Hg]", kind: "pressure"}, "psi": {code: "[psi]", kind: "pressure"},
	"V": {code: "V", kind: "voltage"}, "mV": {code: "mV", kind: "voltage"}, "kV": {code: "kV", kind: "voltage"},
	"A": {code: "A", kind: "current"}, "mA": {code: "mA", kind: "current"}, "μA|µA|uA": {code: "uA", kind: "current"},
	"W": {code: "W", kind: "power"}, "kW": {code: "kW", kind: "power"}, "mW": {code: "mW", kind: "power"},
	"Hz": {code: "Hz", kind: "frequency"}, "kHz": {code: "kHz", kind: "frequency"}, "MHz": {code: "MHz", kind: "frequency"},
	"%|percent|per cent": {code: "%", kind: "fraction"},
	"wt%|wt.%|wt %|wt. %|wt.-%|wt-%|weight %|mass%|mass %|%wt|% w/w|% (w/w)|w/w %|weight percent": {code: "%", kind: "mass fraction"},
	"mol%|mol %|mol.%|mol. %|mole %|mole%|at%|at.%|at. %|at %":                                    {code: "%", kind: "mole fraction"},
	"vol%|vol %|vol.%|vol. %|% v/v|% (v/v)|v/v %":                                                 {code: "%", kind: "volume fraction"},
	"ppm|p.p.m.": {code: "[ppm]", kind: "fraction"}, "ppb": {code: "[ppb]", kind: "fraction"},
	"mol|mole|moles|mols": {code: "mol", kind: "amount"}, "mmol|mmole|mmoles|mmols": {code: "mmol", kind: "amount"}, "μmol|µmol|umol": {code: "umol", kind: "amount"},
	"g|gram|grams|gm|gms": {code: "g", kind: "mass"}, "kg": {code: "kg", kind: "mass"}, "mg|milligrams": {code: "mg", kind: "mass"}, "μg|µg|ug": {code: "ug", kind: "mass"}, "ng": {code: "ng", kind: "mass"},
	"mL|ml|milliliters|milliliter|cc|cm3|cm^3": {code: "mL", kind: "volume"}, "μL|µL|uL|μl|µl|ul|microliters": {code: "uL", kind: "volume"},
	"L|l|liter|liters|litre|litres|dm3|dm^3": {code: "L", kind: "volume"}, "m3|m^3": {code: "m3", kind: "volume"},
	"M|molar": {code: "mol/L", kind: "concentration"}, "mM": {code: "mmol/L", kind: "concentration"}, "μM|µM|uM": {code: "umol/L", kind: "concentration"}, "nM": {code: "nmol/L", kind: "concentration"},
	"N":                          {code: "eq/L", kind: "concentration"},
	"sccm|s.c.c.m.|s.c.c.m|SCCM": {code: "mL/min", kind: "flow"},
	"equiv|equiv.|equivalents|equivalent|eq.": {code: "1", kind: "equivalents"},
	"nm": {code: "nm", kind: "length"}, "μm|µm|um": {code: "um", kind: "length"}, "mm": {code: "mm", kind: "length"}, "cm": {code: "cm", kind: "length"}, "dm": {code: "dm", kind: "length"}, "m": {code: "m", kind: "length"}, "Å": {code: "Ao", kind: "length"},
	"m2|m^2": {code: "m2", kind: "area"}, "cm2|cm^2": {code: "cm2", kind: "area"},
	"times": {code: "1", kind: "repetitions"}, "cycles|cycle": {code: "1", kind: "repetitions"},
	"J": {code: "J", kind: "energy"}, "kJ": {code: "kJ", kind: "energy"}, "eV": {code: "eV", kind: "energy"}, "mAh|mA h": {code: "mA.h", kind: "charge"},
	"S": {code: "S", kind: "conductance"}, "mS": {code: "mS", kind: "conductance"}, "kDa": {code: "ku", kind: "molar mass"},
	"MΩ cm|MΩ·cm": {code: "MOhm.cm", kind: "resistivity"}, "MΩ": {code: "MOhm", kind: "resistance"}, "Ω": {code: "Ohm", kind: "resistance"},
})

// unit is a unit that was found.
type unit struct {
	span literature.Span
	code string
	kind string
}

// sortedUnits indexes spellings by their first byte, longest first.
func sortedUnits(m map[string]unitWord) map[byte][]unitWord {
	out := map[byte][]unitWord{}
	for written, u := range m {
		for w := range strings.SplitSeq(written, "|") {
			u.written = w
			list := out[w[0]]
			at := 0
			for at < len(list) && (len(list[at].written) > len(w) || len(list[at].written) == len(w) && list[at].written < w) {
				at++
			}
			out[w[0]] = append(list[:at], append([]unitWord{u}, list[at:]...)...)
		}
	}
	return out
}

// unitAt reads a unit that begins at i.
func unitAt(t string, i int) (unit, bool) {
	w, end, ok := wordUnit(t, i)
	if !ok {
		return unit{}, false
	}
	u := unit{span: literature.Span{Start: i, End: end}, code: w.code, kind: w.kind}
	parts := 1
	for parts < 4 {
		next, code, kind, ok := perUnit(t, u.span.End)
		if !ok {
			break
		}
		u.span.End = next
		if u.code == "Cel" {
			u.code = "K" // a point of a scale cannot be divided, its differences can
		}
		if strings.Contains(code, ".") || strings.Contains(code, "/") {
			code = "(" + code + ")"
		}
		u.code += "/" + code
		u.kind = quotient(u.kind, kind)
		parts++
	}
	if u.kind == "turn" {
		if parts == 1 {
			return unit{}, false
		}
		u.code, u.kind = "/min", "speed"
	}
	return u, true
}

// wordUnit reads one unit, the longest that is not the beginning of a word.
func wordUnit(t string, i int) (unitWord, int, bool) {
	if i >= len(t) {
		return unitWord{}, 0, false
	}
	for _, w := range unitWords[t[i]] {
		if !strings.HasPrefix(t[i:], w.written) {
			continue
		}
		end := i + len(w.written)
		last := w.written[len(w.written)-1]
		if letter(last) && end < len(t) && (letter(t[end]) || t[end] >= '0' && t[end] <= '9') {
			if w.code == "Cel" && strings.HasPrefix(t[end:], "min") { // "degCmin-1"
				return w, end, true
			}
			continue
		}
		return w, end, true
	}
	return unitWord{}, 0, false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// perUnit reads "/min", " min-1", " L- 1", " per minute" after a unit.
func perUnit(t string, i int) (end int, code, kind string, ok bool) {
	j := skipSpace(t, i)
	for _, sign := range []string{"/", "per "} {
		rest, found := strings.CutPrefix(t[j:], sign)
		if !found {
			continue
		}
		k := skipSpace(t, len(t)-len(rest))
		if w, e, is := wordUnit(t, k); is && w.kind != "repetitions" {
			if e < len(t) && t[e] == '-' && strings.HasPrefix(t[e:], "-1") {
				e += 2 // "/min-1", as some write
			}
			return e, w.code, w.kind, true
		}
	}
	for _, dot := range []string{"·", "*", "."} {
		if rest, found := strings.CutPrefix(t[j:], dot); found {
			j = skipSpace(t, len(t)-len(rest))
			break
		}
	}
	w, k, is := wordUnit(t, j)
	if !is {
		return 0, "", "", false
	}
	k = skipSpace(t, k)
	rest := t[k:]
	switch {
	case strings.HasPrefix(rest, "−"), strings.HasPrefix(rest, "–"):
		rest = rest[3:]
	case strings.HasPrefix(rest, "-"):
		rest = rest[1:]
	default:
		return 0, "", "", false
	}
	k = skipSpace(t, len(t)-len(rest))
	if k >= len(t) || t[k] < '1' || t[k] > '3' || k+1 < len(t) && (t[k+1] >= '0' && t[k+1] <= '9' || t[k+1] == '.' && k+2 < len(t) && t[k+2] >= '0' && t[k+2] <= '9') {
		return 0, "", "", false
	}
	code, kind = w.code, w.kind
	if t[k] != '1' {
		code += t[k : k+1]
		kind += " power"
	}
	return k + 1, code, kind, true
}

// quotient names what is measured in a unit over another.
func quotient(a, b string) string {
	switch {
	case a == "temperature" && b == "time":
		return "heating rate"
	case a == "volume" && b == "time":
		return "flow"
	case (a == "amount" || a == "mass") && b == "volume", (a == "amount" || a == "mass") && b == "length power":
		return "concentration"
	case a == "turn":
		return "turn"
	case a == "current" && (b == "area" || b == "length power"):
		return "current density"
	case b == "time":
		return a + " rate"
	}
	return a + " per " + b
}
