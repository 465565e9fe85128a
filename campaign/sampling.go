package campaign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// How many settings are tried to find out whether a space is empty and whether
// a device would refuse something.
const (
	randomPoints = 2048
	cornerPoints = 2048
)

// samplePoints returns settings at which to try the document: the points of
// the pool, or corners of the space and random points in it. They meet the
// constraints. They depend on the document only.
func (c *checker) samplePoints() [][]lab.Setting {
	all := c.trial()
	out := all[:0:0]
	for _, settings := range all {
		if ok, err := c.meets(settings); ok && err == nil {
			out = append(out, settings)
		}
	}
	return out
}

// meets is Feasible by the constraints that could be compiled.
func (c *checker) meets(settings []lab.Setting) (bool, error) {
	vars, err := settingVars(c.doc.Space.Parameters, settings)
	if err != nil {
		return false, err
	}
	for _, x := range c.program.constraints {
		if x == nil {
			continue
		}
		if ok, err := met(x, vars); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// trial returns settings to try, without regard to constraints, and none when
// the parameters are wrong.
func (c *checker) trial() [][]lab.Setting {
	if !c.tried {
		c.tried, c.trials = true, c.reduced(c.makeTrial())
	}
	return c.trials
}

// reduced takes absent parameters out of settings to try. It returns none where a
// condition cannot be computed, which it complains of.
func (c *checker) reduced(points [][]lab.Setting) [][]lab.Setting {
	if c.program.conditions == nil || len(c.doc.Space.Pool) > 0 {
		return points
	}
	for k, settings := range points {
		present, err := c.program.present(settings)
		if err != nil {
			c.addf("space.parameters", "%s, at %s", causeOf(err), clip(describe(settings))).right("conditions that can be computed for all settings")
			return nil
		}
		points[k] = present
	}
	return points
}

// causeOf is [cause] of an error with words before it.
func causeOf(err error) string {
	s := err.Error()
	if i := strings.LastIndex(s, "`: "); i >= 0 {
		if before, _, ok := strings.Cut(s, ": evaluate `"); ok {
			return before + ": " + s[i+3:]
		}
	}
	return s
}

// describe writes settings for a complaint.
func describe(settings []lab.Setting) string {
	words := make([]string, len(settings))
	for i, s := range settings {
		words[i] = s.Name + " = " + s.Value.String()
	}
	return strings.Join(words, ", ")
}

func (c *checker) makeTrial() [][]lab.Setting {
	s := c.doc.Space
	if c.has("space.parameters") || c.has("space.pool") || len(s.Parameters) == 0 {
		return nil
	}
	if len(s.Pool) > 0 {
		step := 1 + len(s.Pool)/(randomPoints+cornerPoints)
		var out [][]lab.Setting
		for i := 0; i < len(s.Pool); i += step {
			out = append(out, settingsOf(s, s.Pool[i]))
		}
		return out
	}
	r := rand.New(rand.NewPCG(c.doc.Seed, 0x6174_6861_6e6f_72))
	out := corners(s, r)
	for range randomPoints {
		point := make([]lab.Value, len(s.Parameters))
		for i, p := range s.Parameters {
			point[i] = random(p, r)
		}
		out = append(out, settingsOf(s, point))
	}
	return out
}

func settingsOf(s lab.Space, point []lab.Value) []lab.Setting {
	out := make([]lab.Setting, 0, len(point))
	for i, v := range point {
		if v.Kind() != lab.Absent {
			out = append(out, lab.Setting{Name: s.Parameters[i].Name, Value: v, Unit: s.Parameters[i].Unit})
		}
	}
	return out
}

// corners returns combinations of the outermost values of each parameter and
// of all levels: all of them where they are few, else a random choice.
func corners(s lab.Space, r *rand.Rand) [][]lab.Setting {
	values := make([][]lab.Value, len(s.Parameters))
	n := 1.0
	for i, p := range s.Parameters {
		values[i] = outermost(p)
		n *= float64(len(values[i]))
	}
	point := make([]lab.Value, len(values))
	var out [][]lab.Setting
	if n > cornerPoints {
		for range cornerPoints {
			for i := range values {
				point[i] = values[i][r.IntN(len(values[i]))]
			}
			out = append(out, settingsOf(s, point))
		}
		return out
	}
	for k := range int(n) {
		for i := range values {
			point[i] = values[i][k%len(values[i])]
			k /= len(values[i])
		}
		out = append(out, settingsOf(s, point))
	}
	return out
}

func outermost(p lab.Parameter) []lab.Value {
	var out []lab.Value
	switch p.Type {
	case lab.Continuous, lab.Integer:
		out = append(out, lab.Number(*p.Min), lab.Number(*p.Max))
	case lab.Discrete:
		for _, x := range p.Values {
			out = append(out, lab.Number(x))
		}
	case lab.Categorical:
		for _, l := range p.Levels {
			out = append(out, lab.Label(l))
		}
	case lab.Composition:
		for i := range p.Parts {
			x := make([]float64, len(p.Parts))
			x[i] = *p.Sum
			out = append(out, lab.Parts(x))
		}
	}
	return out
}

func random(p lab.Parameter, r *rand.Rand) lab.Value {
	switch p.Type {
	case lab.Continuous, lab.Integer:
		lo, hi := *p.Min, *p.Max
		x := lo + r.Float64()*(hi-lo)
		if p.Scale == "log" {
			x = math.Exp(math.Log(lo) + r.Float64()*(math.Log(hi)-math.Log(lo)))
		}
		if p.Type == lab.Integer {
			x = math.Round(x)
		}
		return lab.Number(min(max(x, lo), hi))
	case lab.Discrete:
		return lab.Number(p.Values[r.IntN(len(p.Values))])
	case lab.Categorical:
		return lab.Label(p.Levels[r.IntN(len(p.Levels))])
	default:
		return randomParts(p, r)
	}
}

// randomParts draws a composition uniformly (normalised exponentials) over
// some of its parts, and moves it to the grid by largest remainders.
func randomParts(p lab.Parameter, r *rand.Rand) lab.Value {
	present := len(p.Parts)
	if p.MaxNonzero != nil {
		present = 1 + r.IntN(min(*p.MaxNonzero, len(p.Parts)))
	}
	which := r.Perm(len(p.Parts))[:present]
	x := make([]float64, len(p.Parts))
	total := 0.0
	for _, i := range which {
		x[i] = r.ExpFloat64()
		total += x[i]
	}
	for _, i := range which {
		x[i] *= *p.Sum / total
	}
	if p.Step == nil {
		return lab.Parts(x)
	}
	left := int(math.Round(*p.Sum / *p.Step))
	for _, i := range which {
		n := math.Floor(x[i] / *p.Step)
		left -= int(n)
		x[i] = n * *p.Step
	}
	for k := 0; left > 0; k, left = k+1, left-1 {
		x[which[k%present]] += *p.Step
	}
	return lab.Parts(x)
}

// space complains of constraints that cannot be computed and of a space that
// seems to be empty.
func (c *checker) space() {
	points := c.trial()
	if len(points) == 0 || c.has("space.constraints") || len(c.program.constraints) == 0 {
		return
	}
	holds := make([]int, len(c.program.constraints))
	feasible := 0
	for _, settings := range points {
		vars, err := settingVars(c.doc.Space.Parameters, settings)
		if err != nil {
			return
		}
		all := true
		for i, x := range c.program.constraints {
			ok, err := met(x, vars)
			if err != nil {
				c.addf(at(atIndex("space.constraints", i), "expr"), "cannot be computed%s: %v", where(x, settings), cause(err)).
					right("a condition that can be computed for all settings; test for the exception before, as in x > 0 && y / x < 2")
				return
			}
			if ok {
				holds[i]++
			}
			all = all && ok
		}
		if all {
			feasible++
		}
	}
	if feasible > 0 {
		return
	}
	for i, n := range holds {
		if n == 0 {
			c.addf(at(atIndex("space.constraints", i), "expr"), "holds for none of %d settings that were tried", len(points)).
				right("a condition that leaves room; for amounts that add up use a parameter of type composition")
			return
		}
	}
	c.addf("space.constraints", "none of %d settings that were tried meets all constraints at once", len(points)).right("constraints that leave room together")
}

// cause takes the expression out of an error, which stands beside it anyway.
func cause(err error) string {
	s := err.Error()
	if strings.HasPrefix(s, "evaluate `") {
		if i := strings.LastIndex(s, "`: "); i >= 0 {
			return s[i+3:]
		}
	}
	return s
}

// cautions says which units are valid and perhaps not meant.
func cautions(doc lab.Document) []string {
	var notes []string
	say := func(path string, u lab.Unit) {
		if text := ucum.Caution(string(u)); text != "" {
			notes = append(notes, fmt.Sprintf("%s: %s", path, text))
		}
	}
	for i, p := range doc.Space.Parameters {
		say(at(atIndex("space.parameters", i), "unit"), p.Unit)
	}
	for i, o := range doc.Objectives {
		say(at(atIndex("objectives", i), "unit"), o.Unit)
	}
	for i, s := range doc.Protocol.Steps {
		for _, name := range keysOf(s.Params) {
			say(at(at(at(atIndex("protocol.steps", i), "params"), name), "unit"), s.Params[name].Unit)
		}
	}
	return slices.Compact(notes)
}
