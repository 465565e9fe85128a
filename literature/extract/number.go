package extract

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/literature"
)

// number is a number as it stands in a text.
type number struct {
	span, high   literature.Span // high is the other end of a range, else span
	value, upper float64
	ratio        bool // parts such as 1:3
}

// Parse reads a number as papers write it: "0.5", "1,000", "-5", "−5", "3 x 10-3",
// "1.2 × 10^3", "three". Of a ratio, "1:3" or "6:3:1", it is the first part over
// the second. ok is false when s is anything else.
func Parse(s string) (x float64, ok bool) {
	s = strings.TrimSpace(s)
	if w, ok := numberWords[strings.ToLower(s)]; ok {
		return w, true
	}
	if a, rest, ratio := strings.Cut(s, ":"); ratio {
		b, _, _ := strings.Cut(rest, ":")
		x, okA := Parse(a)
		y, okB := Parse(b)
		return x / y, okA && okB && y != 0 && !strings.Contains(a, ":")
	}
	s = minus.Replace(s)
	mantissa, exponent := s, ""
	for _, sign := range []string{"x", "×", "*"} {
		if a, b, found := strings.Cut(s, sign); found {
			b = strings.TrimSpace(b)
			rest, ten := strings.CutPrefix(b, "10")
			if !ten {
				return 0, false
			}
			mantissa, exponent = strings.TrimSpace(a), strings.TrimPrefix(strings.ReplaceAll(rest, " ", ""), "^")
			if exponent == "" {
				exponent = "1"
			}
		}
	}
	mantissa = strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(mantissa, ",", ""), " ", ""), "+")
	if exponent != "" {
		if _, err := strconv.Atoi(exponent); err != nil {
			return 0, false
		}
		mantissa += "e" + exponent
	}
	for i := range len(mantissa) { // ParseFloat also takes "inf", hexadecimals and underscores
		if c := mantissa[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' {
			return 0, false
		}
	}
	x, err := strconv.ParseFloat(mantissa, 64)
	return x, err == nil && !math.IsInf(x, 0)
}

var minus = strings.NewReplacer("−", "-", "–", "-", "- ", "-")

var numberWords = map[string]float64{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "twice": 2, "half": 0.5,
}

// numberAt reads a number whose first digit is at i.
func numberAt(t string, i int) (number, bool) {
	start := i
	if i > 0 {
		r, n := utf8.DecodeLastRuneInString(t[:i])
		switch {
		case r == '.' || r == '_' || r == ')' || r == ']' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return number{}, false
		case r == '-' || r == '−':
			before, _ := utf8.DecodeLastRuneInString(t[:i-n])
			if before != ' ' && before != '(' && before != '\n' {
				return number{}, false // the 2 of "P-2"
			}
			start = i - n
		}
	}
	end := digits(t, i)
	end = power(t, end)
	n := number{span: literature.Span{Start: start, End: end}}
	n.high = n.span
	if end+1 < len(t) && (t[end] == ':' || t[end] == ' ' && t[end+1] == ':') && ratioEnd(t, end) > end {
		n.ratio = true
		n.span.End = ratioEnd(t, end)
		n.high = n.span
		var ok bool
		n.value, ok = Parse(n.span.Of(t))
		n.upper = n.value
		return n, ok
	}
	if h, ok := rangeEnd(t, end); ok {
		n.high = h
	}
	var ok, okHigh bool
	n.value, ok = Parse(n.span.Of(t))
	n.upper, okHigh = Parse(n.high.Of(t))
	return n, ok && okHigh
}

// digits returns the end of "1", "0.5", "1,000" or "15 000" that begins at i.
func digits(t string, i int) int {
	isDigit := func(j int) bool { return j < len(t) && t[j] >= '0' && t[j] <= '9' }
	from := i
	for isDigit(i) {
		i++
	}
	for i < len(t) && i-from <= 11 && (t[i] == ',' || t[i] == ' ' && i > from && i-from <= 3) && isDigit(i+1) && isDigit(i+2) && isDigit(i+3) && !isDigit(i+4) && t[from] != '0' {
		i += 4
	}
	if i < len(t) && t[i] == '.' && isDigit(i+1) {
		i++
		for isDigit(i) {
			i++
		}
	}
	return i
}

// power returns the end of "x 10-3" after a mantissa that ends at i, or i.
func power(t string, i int) int {
	j := skipSpace(t, i)
	for _, sign := range []string{"x", "×", "*"} {
		rest, ok := strings.CutPrefix(t[j:], sign)
		if !ok {
			continue
		}
		k := skipSpace(t, len(t)-len(rest))
		if !strings.HasPrefix(t[k:], "10") {
			return i
		}
		k += 2
		m := skipSpace(t, k)
		m += len(t[m:]) - len(strings.TrimPrefix(t[m:], "^"))
		for _, s := range []string{"-", "−", "–"} {
			if strings.HasPrefix(t[m:], s) {
				m = skipSpace(t, m+len(s))
				break
			}
		}
		if e := digits(t, m); e > m && e-m <= 2 {
			return e
		}
		if k < len(t) && t[k] >= '0' && t[k] <= '9' {
			return i // 5 x 105 may be a size
		}
		return k
	}
	return i
}

func ratioEnd(t string, i int) int {
	for {
		j := skipSpace(t, i)
		if j >= len(t) || t[j] != ':' {
			return i
		}
		j = skipSpace(t, j+1)
		e := digits(t, j)
		if e == j {
			return i
		}
		i = e
	}
}

// rangeEnd reads the other end of "40-60" or "40 ~ 60", whose first ends at i.
// Ends joined by a word are two numbers that share a unit.
func rangeEnd(t string, i int) (literature.Span, bool) {
	j := skipSpace(t, i)
	for _, s := range []string{"-", "–", "—", "~", "∼"} {
		if !strings.HasPrefix(t[j:], s) {
			continue
		}
		k := skipSpace(t, j+len(s))
		if e := digits(t, k); e > k {
			return literature.Span{Start: k, End: e}, true
		}
	}
	return literature.Span{}, false
}

// skipSpace returns the first place at or after i that is no space, at most two
// further on.
func skipSpace(t string, i int) int {
	for n := 0; n < 2 && i < len(t); n++ {
		switch {
		case t[i] == ' ':
			i++
		case strings.HasPrefix(t[i:], "\u00a0"), strings.HasPrefix(t[i:], "\u2009"), strings.HasPrefix(t[i:], "\u202f"):
			_, w := utf8.DecodeRuneInString(t[i:])
			i += w
		default:
			return i
		}
	}
	return i
}
