package importer

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset/tabular"
)

// maxLevels bounds the distinct texts and the numbers kept of a column.
const (
	maxLevels  = 256
	maxNumbers = 4096
)

// profile is what the cells of a column look like, in bounded memory.
type profile struct {
	there, blank   int
	numbers, whole int
	zeros          int // "007": a name made of digits
	times          int
	withUnit       int // "12 mL"
	percents       int // shown as a percentage
	texts          int
	suffix         map[string]int
	levels         map[string]int
	sample         []float64
	stride         int
	form           string          // of the last time
	units          map[string]bool // endings of numbers, and whether they are units
}

func newProfile() *profile {
	return &profile{suffix: map[string]int{}, levels: map[string]int{}, units: map[string]bool{}, stride: 1}
}

// add looks at a cell.
func (p *profile) add(c *tabular.Cell, decimal string) {
	t := strings.TrimSpace(c.Text)
	if tabular.IsMissing(t) {
		p.blank++
		return
	}
	p.there++
	if n, ok := p.levels[t]; ok || len(p.levels) < maxLevels {
		p.levels[t] = n + 1
	}
	if strings.HasSuffix(c.Shown, "%") {
		p.percents++
	}
	switch {
	case tabular.IsNumber(t, decimal):
		p.addNumber(t, decimal)
		if c.Shown != "" && !strings.HasSuffix(c.Shown, "%") && isTime(c.Shown) {
			p.times++
		}
	case p.isTime(t):
		p.times++
	default:
		if number, unit := p.splitUnit(t, decimal); number != "" {
			p.withUnit++
			if len(p.suffix) < maxLevels {
				p.suffix[unit]++
			}
			p.addNumber(number, decimal)
			return
		}
		p.texts++
	}
}

// isTime is [isTime] that tries the form of the cell before first.
func (p *profile) isTime(t string) bool {
	if p.form != "" {
		if _, err := time.Parse(p.form, t); err == nil {
			return true
		}
	}
	form := timeForm(t)
	if form != "" {
		p.form = form
	}
	return form != ""
}

// splitUnit is [splitUnit] that remembers the endings it has seen.
func (p *profile) splitUnit(t, decimal string) (number, unit string) {
	n := numberPrefix(t, decimal)
	if n == 0 || len(t)-n > maxUnitText {
		return "", ""
	}
	unit = strings.TrimSpace(t[n:])
	is, known := p.units[unit]
	if !known {
		r := ReadUnit(unit)
		if is = r.Unit != "" || r.Question != ""; len(p.units) < maxLevels {
			p.units[unit] = is
		}
	}
	if !is {
		return "", ""
	}
	return t[:n], unit
}

func (p *profile) addNumber(t, decimal string) {
	digits := strings.TrimLeft(t, "+-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		p.zeros++
	}
	p.numbers++
	x, ok := plainNumber(t, decimal[0])
	if !ok {
		var err error
		if x, err = strconv.ParseFloat(strings.Replace(t, decimal, ".", 1), 64); err != nil {
			return
		}
	}
	if x == math.Trunc(x) && !strings.ContainsAny(t, "eE"+decimal) {
		p.whole++
	}
	if (p.numbers-1)%p.stride == 0 {
		p.sample = append(p.sample, x)
		if len(p.sample) == maxNumbers { // keep every second one, and take half as many from now on
			half := p.sample[:0]
			for i := 0; i < maxNumbers; i += 2 {
				half = append(half, p.sample[i])
			}
			p.sample, p.stride = half, p.stride*2
		}
	}
}

// believable returns bounds far outside of the column's own numbers: a factor
// of the cube of their spread, and at least of a hundred, on a logarithmic
// scale. It returns nil for columns that are too few or cross zero.
func (p *profile) believable() (below, above *float64) {
	x := slices.Clone(p.sample)
	x = slices.DeleteFunc(x, func(v float64) bool { return v == 0 })
	if len(x) < 8 {
		return nil, nil
	}
	slices.Sort(x)
	lo, hi := x[len(x)/20], x[len(x)-1-len(x)/20]
	if lo <= 0 {
		if hi <= 0 {
			return nil, nil
		}
		reach := 100 * max(hi, -lo)
		reach = math.Pow(10, math.Ceil(math.Log10(reach)))
		minus := -reach
		return &minus, &reach
	}
	median := x[len(x)/2]
	reach := max(2, 3*math.Log10(hi/lo))
	b, a := math.Pow(10, math.Floor(math.Log10(median)-reach)), math.Pow(10, math.Ceil(math.Log10(median)+reach))
	if b == 0 || math.IsInf(a, 0) {
		return nil, nil
	}
	return &b, &a
}

// maxUnitText is the longest text that is taken for a unit after a number.
const maxUnitText = 24

// splitUnit divides "12.5 mL" into number and unit; number is "" when the text
// is nothing of the kind.
func splitUnit(t, decimal string) (number, unit string) {
	n := numberPrefix(t, decimal)
	if n == 0 || len(t)-n > maxUnitText {
		return "", ""
	}
	unit = strings.TrimSpace(t[n:])
	if r := ReadUnit(unit); unit != "" && (r.Unit != "" || r.Question != "") {
		return t[:n], unit
	}
	return "", ""
}

// numberPrefix returns the length of the longest number that t begins with.
func numberPrefix(t, decimal string) int {
	if t == "" || t[0] != '+' && t[0] != '-' && t[0] != decimal[0] && (t[0] < '0' || t[0] > '9') {
		return 0
	}
	end := 1
	for end < len(t) && (t[end] >= '0' && t[end] <= '9' || t[end] == decimal[0] || t[end] == 'e' || t[end] == 'E' || t[end] == '+' || t[end] == '-') {
		end++
	}
	for ; end > 0; end-- {
		if tabular.IsNumber(t[:end], decimal) {
			return end
		}
		if end > 40 {
			return 0
		}
	}
	return 0
}

var timeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02",
	"1/2/2006", "1/2/2006 15:04", "1/2/2006 15:04:05", "1/2/2006 3:04 PM", "1/2/06 15:04", "01-02-06", "02.01.2006", "02.01.2006 15:04", "15:04:05", "15:04:05Z07:00", "15:04", "3:04 PM", "3:04:05 PM",
}

func isTime(t string) bool { return timeForm(t) != "" }

// timeForm returns the form of a date or time, or "".
func timeForm(t string) string {
	if len(t) < 4 || len(t) > 40 || t[0] < '0' || t[0] > '9' {
		return ""
	}
	signs := 0
	for i := range len(t) {
		switch c := t[i]; {
		case c >= '0' && c <= '9' || strings.IndexByte(" .TZAPM+", c) >= 0:
		case c == ':' || c == '-' || c == '/':
			signs++
		default:
			return ""
		}
	}
	if signs == 0 && strings.Count(t, ".") < 2 && !strings.HasSuffix(t, "M") {
		return ""
	}
	for _, form := range timeForms {
		if _, err := time.Parse(form, t); err == nil {
			return form
		}
	}
	return ""
}
