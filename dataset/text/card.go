package text

import (
	"math"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

// Card is what a rendering says.
type Card struct {
	Number   int
	Campaign string
	Class    string
	Set      []Quantity
	Did      []Step
	Expected []Forecast
	Seen     []Quantity
	Failure  *Failure
	Why      string
}

// Quantity is a named number, label or list of numbers, as it is printed.
type Quantity struct {
	Name  string
	Value string // digits, numbers with points between, or a label
	Label bool   // Value is a label
	Sigma string // digits, or ""
	Unit  string // UCUM, or ""
}

// Step is what was asked of a device and what it answered.
type Step struct {
	Name, Command string
	State         string // "" for done
	Params        []Quantity
	Values        []Quantity
}

// Forecast is a prediction with the interval that 95 % of observations fall in.
type Forecast struct{ Name, Mean, Low, High, Unit string }

// Failure is what went wrong.
type Failure struct{ Step, Code, Message string }

// CardOf returns the card of an experiment.
func CardOf(e dataset.Experiment) Card {
	c := Card{Number: e.Number, Campaign: e.Campaign, Class: string(e.Class), Why: e.Decision.Reason, Set: Settings(e.Settings), Seen: Observed(e)}
	for _, s := range e.Steps {
		step := Step{Name: s.Step, Command: s.Command, Params: cells(s.Params), Values: cells(s.Values)}
		if s.State != lab.CommandDone {
			step.State = string(s.State)
		}
		c.Did = append(c.Did, step)
	}
	for _, p := range e.Predicted {
		if p.Value.Mean != nil {
			d := decimals((*p.Value.High - *p.Value.Low) / 4)
			c.Expected = append(c.Expected, Forecast{p.Name, fixed(*p.Value.Mean, d), fixed(*p.Value.Low, d), fixed(*p.Value.High, d), unitOf(p.Value.Unit)})
		}
	}
	if e.Failure != nil {
		c.Failure = &Failure{e.Failure.Step, e.Failure.Code, e.Failure.Message}
	}
	return c
}

// Settings returns the settings of an experiment as they are printed.
func Settings(settings dataset.Object[dataset.SettingCell]) []Quantity {
	var out []Quantity
	for _, s := range settings {
		switch v := s.Value.Value; v.Kind() {
		case lab.IsNumber:
			out = append(out, Quantity{Name: s.Name, Value: Short(v.Number()), Unit: unitOf(s.Value.Unit)})
		case lab.IsLabel:
			out = append(out, Quantity{Name: s.Name, Value: v.Label(), Label: true})
		case lab.IsParts:
			parts := make([]string, len(v.Parts()))
			for i, x := range v.Parts() {
				parts[i] = Short(x)
			}
			out = append(out, Quantity{Name: s.Name, Value: strings.Join(parts, ":"), Unit: unitOf(s.Value.Unit)})
		default: // it is absent
		}
	}
	return out
}

// Observed returns what an experiment saw, as it is printed.
func Observed(e dataset.Experiment) []Quantity {
	var out []Quantity
	for _, o := range e.Observed {
		if o.Value.Value == nil {
			continue
		}
		q := Quantity{Name: o.Name, Value: Short(*o.Value.Value), Unit: unitOf(o.Value.Unit)}
		if s := o.Value.Sigma; s != nil && *s > 0 {
			d := decimals(*s)
			q.Value, q.Sigma = fixed(*o.Value.Value, d), fixed(*s, d)
		}
		out = append(out, q)
	}
	return out
}

// cells returns what a device was told or told: series are summarised.
func cells(cells []dataset.Cell) []Quantity {
	var out []Quantity
	for _, c := range cells {
		switch {
		case c.Number != nil:
			x, err := c.Number.Float64()
			if err != nil {
				continue
			}
			out = append(out, Quantity{Name: c.Name, Value: Short(x), Unit: unitOf(c.Unit)})
		case c.Text != nil:
			if len(*c.Text) >= 36 && isUUID((*c.Text)[:36]) {
				continue // a sample's or command's name tells a reader nothing
			}
			out = append(out, Quantity{Name: c.Name, Value: *c.Text, Label: true})
		case c.JSON != nil:
			if s, ok := Summarise(*c.JSON); ok {
				out = append(out, Quantity{Name: c.Name, Value: s.String(), Label: true})
			}
		}
	}
	return out
}

func isUUID(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdef", rune(s[i])) {
			return false
		}
	}
	return true
}

func unitOf(u lab.Unit) string {
	if u == "1" {
		return ""
	}
	return string(u)
}

// Short writes a number with up to six figures.
func Short(x float64) string {
	if x == 0 {
		return "0"
	}
	return strconv.FormatFloat(round(x, 6), 'g', -1, 64)
}

func round(x float64, figures int) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', figures-1, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// decimals is how many places two figures of sigma need; it may be below 0.
func decimals(sigma float64) int {
	if !(sigma > 0) || math.IsInf(sigma, 0) {
		return 6
	}
	return 1 - int(math.Floor(math.Log10(sigma)))
}

// fixed writes x to a number of places, of which there may be fewer than none.
// Numbers too large or small for that are in figures.
func fixed(x float64, places int) string {
	if places > 12 || math.Abs(x) >= 1e15 {
		return Short(x)
	}
	if places >= 0 {
		s := strconv.FormatFloat(x, 'f', places, 64)
		if strings.Trim(s, "-0.") == "" {
			return "0"
		}
		return s
	}
	p := math.Pow(10, float64(-places))
	return strconv.FormatFloat(math.Round(x/p)*p, 'f', 0, 64)
}
