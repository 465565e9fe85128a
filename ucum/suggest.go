package ucum

import "strings"

// spelling is what a laboratory writes for a code, with a reason where the
// code alone may surprise.
type spelling struct{ code, advice string }

// spellings are the usual laboratory spellings that are no UCUM codes. They
// are only ever offered in an error, never taken for the unit itself.
var spellings = map[string]spelling{
	"degC": {code: "Cel"}, "deg_C": {code: "Cel"}, "C°": {code: "Cel"}, "celsius": {code: "Cel"}, "centigrade": {code: "Cel"},
	"degF": {code: "[degF]"}, "fahrenheit": {code: "[degF]"}, "degK": {code: "K"}, "kelvins": {code: "K"},
	"M": {code: "mol/L"}, "mM": {code: "mmol/L"}, "uM": {code: "umol/L"}, "nM": {code: "nmol/L"}, "pM": {code: "pmol/L"},
	"molar": {code: "mol/L"},
	"sec":   {code: "s"}, "secs": {code: "s"}, "msec": {code: "ms"}, "usec": {code: "us"},
	"mins": {code: "min"}, "minute": {code: "min"}, "minutes": {code: "min"}, "hr": {code: "h"}, "hrs": {code: "h"}, "days": {code: "d"}, "weeks": {code: "wk"},
	"months": {code: "mo"}, "yr": {code: "a"}, "yrs": {code: "a"}, "years": {code: "a"},
	"rpm": {code: "1/min", advice: "or {revolutions}/min"}, "cps": {code: "{counts}/s"}, "cpm": {code: "{counts}/min"},
	"xg": {code: "[g]"}, "rcf": {code: "[g]"}, "RCF": {code: "[g]"},
	"Da":  {code: "u", advice: "the dalton is the unified atomic mass unit; a molar mass is g/mol"},
	"kDa": {code: "ku", advice: "the dalton is the unified atomic mass unit; a molar mass is kg/mol"},
	"MDa": {code: "Mu", advice: "the dalton is the unified atomic mass unit"},
	"amu": {code: "u"}, "AMU": {code: "u"},
	"mAU":   {code: "10*-3.{AU}", advice: "AU is the astronomical unit; absorbance is a number"},
	"mAbs":  {code: "10*-3.{Abs}", advice: "absorbance is a number"},
	"mOD":   {code: "10*-3.{OD}", advice: "absorbance is a number"},
	"Abs":   {code: "{Abs}", advice: "absorbance is a number"},
	"OD":    {code: "{OD}", advice: "absorbance is a number"},
	"OD600": {code: "{OD600}", advice: "absorbance is a number"},
	"RFU":   {code: "{RFU}"}, "RLU": {code: "{RLU}"}, "FU": {code: "{FU}"}, "a.u.": {code: "{a.u.}"}, "arb": {code: "{arb}"},
	"cells": {code: "{cells}"}, "cell": {code: "{cell}"}, "counts": {code: "{counts}"}, "copies": {code: "{copies}"},
	"equiv":    {code: "{equiv}", advice: "equivalents of a reagent are a number"},
	"unitless": {code: "1"}, "(unitless)": {code: "1"}, "none": {code: "1"}, "-": {code: "1"}, "#": {code: "1"}, "dimensionless": {code: "1"},
	"psi": {code: "[psi]"}, "psia": {code: "[psi]{abs}"}, "psig": {code: "[psi]{gauge}"},
	"mmHg": {code: "mm[Hg]"}, "cmH2O": {code: "cm[H2O]"}, "inHg": {code: "[in_i'Hg]"},
	"Torr": {code: "mm[Hg]", advice: "they agree to 0.2 ppm"}, "torr": {code: "mm[Hg]", advice: "they agree to 0.2 ppm"},
	"mTorr": {code: "um[Hg]"}, "barg": {code: "bar{gauge}"}, "bara": {code: "bar{abs}"}, "mbara": {code: "mbar{abs}"},
	"ppm": {code: "[ppm]"}, "ppb": {code: "[ppb]"}, "ppt": {code: "[pptr]", advice: "parts per trillion; per thousand is [ppth]"},
	"wt%": {code: "%{wt}"}, "vol%": {code: "%{vol}"}, "mol%": {code: "%{mol}"}, "w/w%": {code: "%{wt}"}, "v/v%": {code: "%{vol}"},
	"%wt": {code: "%{wt}"}, "%vol": {code: "%{vol}"}, "%RH": {code: "%{RH}"}, "pct": {code: "%"},
	"sccm": {code: "cm3{standard}/min"}, "slm": {code: "L{standard}/min"}, "slpm": {code: "L{standard}/min"},
	"cc": {code: "cm3"}, "ccm": {code: "cm3"}, "lpm": {code: "L/min"}, "gpm": {code: "[gal_us]/min"},
	"cp": {code: "cP"},
	"gr": {code: "g"}, "gm": {code: "g"}, "gms": {code: "g"}, "kgs": {code: "kg"}, "mcg": {code: "ug"}, "mcL": {code: "uL"}, "liter": {code: "L"}, "litre": {code: "L"}, "liters": {code: "L"}, "litres": {code: "L"},
	"lbs": {code: "[lb_av]"}, "lb": {code: "[lb_av]"}, "oz": {code: "[oz_av]"}, "in": {code: "[in_i]"}, "ftlb": {code: "[ft_i].[lbf_av]"},
	"gal": {code: "[gal_us]"}, "IU": {code: "[IU]"}, "iu": {code: "[IU]"}, "CFU": {code: "[CFU]"}, "PFU": {code: "[PFU]"},
	"Ang": {code: "Ao"}, "angstrom": {code: "Ao"}, "micron": {code: "um"}, "microns": {code: "um"}, "mics": {code: "um"},
	"ohm": {code: "Ohm"}, "ohms": {code: "Ohm"}, "amp": {code: "A"}, "amps": {code: "A"}, "volts": {code: "V"}, "watts": {code: "W"},
	"kWh": {code: "kW.h"}, "Wh": {code: "W.h"}, "mAh": {code: "mA.h"}, "Ah": {code: "A.h"}, "BTU": {code: "[Btu]"}, "kcals": {code: "kcal"},
	"VA": {code: "V.A"}, "Nm": {code: "N.m"}, "Pas": {code: "Pa.s"}, "mPas": {code: "mPa.s"},
	"hz": {code: "Hz"}, "KHz": {code: "kHz"}, "degree": {code: "deg"}, "degrees": {code: "deg"}, "radians": {code: "rad"},
	"EUR": {code: "{EUR}", advice: "a currency is no unit of measure"}, "USD": {code: "{USD}", advice: "a currency is no unit of measure"},
}

// typography is what a keyboard, a PDF or a spreadsheet puts in the place of
// ASCII.
var typography = strings.NewReplacer(
	"° C", "Cel", "°C", "Cel", "ºC", "Cel", "℃", "Cel", "deg C", "Cel", "degrees C", "Cel",
	"° F", "[degF]", "°F", "[degF]", "ºF", "[degF]", "℉", "[degF]", "deg F", "[degF]", "°", "deg",
	"µ", "u", "μ", "u", "㎕", "uL", "Ω", "Ohm", "Ω", "Ohm", "Å", "Ao", "Å", "Ao", "‰", "[ppth]",
	"⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9",
	"⁻", "-", "−", "-", "–", "-", "⁺", "+",
	"·", ".", "⋅", ".", "×", ".", "•", ".", "∙", ".", "\u00a0", " ", "\u2009", " ", "\u202f", " ",
	"10^", "10^", "10*", "10*", "**", "", "^", "", "*", ".", "per ", "/",
)

// operators are freed of the spaces around them, on one side at a time.
var operators = []*strings.Replacer{
	strings.NewReplacer(" /", "/", " .", "."),
	strings.NewReplacer("/ ", "/", ". ", "."),
}

// suggest finds a valid code that a wrong one may have been meant to be, and
// a reason; both may be "".
func (t *table) suggest(code string, err *ParseError) (suggestion, advice string) {
	if len(code) > 128 {
		return "", err.Advice
	}
	if err.Advice != "" { // a special unit among others
		for special, difference := range differences {
			if s := strings.Replace(code, special, difference, 1); s != code && t.valid(s) {
				return s, err.Advice
			}
		}
		return "", err.Advice
	}
	trimmed := strings.TrimSpace(code)
	if trimmed == "" {
		return "1", ""
	}
	for _, s := range []string{trimmed, strings.Trim(trimmed, "[]()")} {
		if as, ok := t.spelled(s); ok && t.valid(as.code) {
			return as.code, as.advice
		}
	}
	s := strings.Join(strings.Fields(typography.Replace(trimmed)), " ")
	for _, r := range operators {
		s = r.Replace(s)
	}
	s, advice = t.respell(strings.ReplaceAll(s, " ", "."))
	if s == code || !t.valid(s) {
		return "", ""
	}
	return s, advice
}

func (t *table) valid(code string) bool {
	_, err := t.parse(code)
	return err == nil
}

// respell writes every symbol of a code as UCUM does and leaves the rest.
func (t *table) respell(code string) (respelled, advice string) {
	var b strings.Builder
	for i := 0; i < len(code); {
		end := i
		switch c := code[i]; {
		case strings.IndexByte("./()", c) >= 0:
			end++
		case c == '{':
			if n := strings.IndexByte(code[i:], '}'); n >= 0 {
				end += n + 1
			} else {
				end = len(code)
			}
		default:
			for end < len(code) && strings.IndexByte("./(){", code[end]) < 0 {
				if code[end] == '[' {
					if n := strings.IndexByte(code[end:], ']'); n > 0 {
						end += n
					}
				}
				end++
			}
			divided := strings.HasSuffix(b.String(), "/")
			s, a := t.respellTerm(code[i:end])
			if divided && strings.ContainsAny(s, "./") && !strings.HasPrefix(s, "{") {
				s = "(" + s + ")"
			}
			b.WriteString(s)
			if a != "" {
				advice = a
			}
			i = end
			continue
		}
		b.WriteString(code[i:end])
		i = end
	}
	return b.String(), advice
}

// respellTerm respells what stands between two operators: "hrs", "cm-1",
// "12h", "M-1cm-1".
func (t *table) respellTerm(term string) (respelled, advice string) {
	if as, ok := t.spelled(term); ok {
		return as.code, as.advice
	}
	var parts []string
	for term != "" {
		n := numberLength(term)
		if strings.HasPrefix(term, "10*") || strings.HasPrefix(term, "10^") {
			n = 3 + numberLength(term[3:])
		}
		if n > 0 {
			parts, term = append(parts, term[:n]), term[n:]
			continue
		}
		end := 0
		for end < len(term) && numberLength(term[end:]) == 0 {
			if term[end] == '[' {
				if n := strings.IndexByte(term[end:], ']'); n > 0 {
					end += n
				}
			}
			end++
		}
		symbol, exponent := term[:end], term[end:]
		exponent = exponent[:numberLength(exponent)]
		term = term[end+len(exponent):]
		as, ok := t.spelled(symbol)
		if !ok {
			as = spelling{code: symbol}
		}
		if as.advice != "" {
			advice = as.advice
		}
		parts = append(parts, raiseCode(as.code, exponent))
	}
	return strings.Join(parts, "."), advice
}

// numberLength is the length of the number, signed or not, at the start of s.
func numberLength(s string) int {
	n := 0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n++
	}
	digits := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == digits {
		return 0
	}
	return n
}

// raiseCode writes a code, at most a quotient of two symbols, with an exponent.
func raiseCode(code, exponent string) string {
	num, den, quotient := strings.Cut(code, "/")
	switch {
	case exponent == "":
		return code
	case !quotient:
		return code + exponent
	case exponent == "-1":
		return den + "/" + num
	case strings.HasPrefix(exponent, "-"):
		return den + exponent[1:] + "/" + num + exponent[1:]
	}
	return num + exponent + "/" + den + exponent
}

// spelled finds the code for one symbol: a code as it is, a laboratory
// spelling, a code without its brackets, a code in another case, or a name.
func (t *table) spelled(symbol string) (spelling, bool) {
	if _, ok := t.resolve(symbol); ok {
		return spelling{code: symbol}, true
	}
	if as, ok := spellings[symbol]; ok {
		return as, true
	}
	if _, ok := t.atoms["["+symbol+"]"]; ok {
		return spelling{code: "[" + symbol + "]"}, true
	}
	lower, upper := strings.ToLower(symbol), strings.ToUpper(symbol)
	if as, ok := spellings[lower]; ok {
		return as, true
	}
	for _, name := range []string{lower, strings.TrimSuffix(lower, "s"), strings.Replace(lower, "litre", "liter", 1), strings.Replace(lower, "metre", "meter", 1)} {
		if code, ok := t.names[name]; ok {
			return spelling{code: code}, true
		}
	}
	for _, key := range []string{upper, "[" + upper + "]"} {
		if code, ok := t.insensitive[key]; ok {
			return spelling{code: code}, true
		}
	}
	for n := 1; n <= 2 && n < len(upper); n++ {
		prefix, ok := t.insensitivePrefix[upper[:n]]
		if !ok {
			continue
		}
		if code, ok := t.insensitive[upper[n:]]; ok && t.atoms[code].metric {
			return spelling{code: prefix + code}, true
		}
	}
	return spelling{}, false
}
