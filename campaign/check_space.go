package campaign

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// fieldsFor says which fields a type of parameter must and may have beside its
// name and type.
var fieldsFor = map[lab.ParameterType]struct{ must, may []string }{
	lab.Continuous:  {[]string{"min", "max"}, []string{"scale", "unit", "aliases", "when"}},
	lab.Integer:     {[]string{"min", "max"}, []string{"scale", "unit", "aliases", "when"}},
	lab.Discrete:    {[]string{"values"}, []string{"unit", "aliases", "when"}},
	lab.Categorical: {[]string{"levels"}, []string{"descriptors", "descriptor_values", "aliases", "level_aliases", "when"}},
	lab.Composition: {[]string{"parts"}, []string{"sum", "step", "max_nonzero", "unit", "aliases", "level_aliases", "when"}},
}

// reserved are words that cannot be the name of a parameter or a table, since
// they are part of the language of expressions.
var reserved = strings.Fields(`
	true false null in as break const continue else for function if import let loop package namespace return var void while
	steps bool bytes double dyn duration int list map string timestamp type uint null_type`)

func (c *checker) parameters() {
	ps := c.doc.Space.Parameters
	c.unique("space.parameters", "name", namesOf(ps, func(p lab.Parameter) string { return p.Name }))
	c.aliases()
	for i, p := range ps {
		path := atIndex("space.parameters", i)
		if slices.Contains(reserved, p.Name) {
			c.addf(at(path, "name"), "%q is a word of the language of expressions", p.Name).right("another name, such as %q", p.Name+"_")
		}
		if _, ok := fieldsFor[p.Type]; !ok {
			continue // its type is complained of already
		}
		c.fieldsOfType(path, p)
		c.unit(at(path, "unit"), p.Unit, false)
		switch p.Type {
		case lab.Continuous, lab.Integer:
			c.interval(path, p)
		case lab.Discrete:
			c.values(at(path, "values"), p.Values)
		case lab.Categorical:
			c.distinct(at(path, "levels"), p.Levels)
			c.descriptorRows(path, p)
		case lab.Composition:
			c.composition(path, p)
		}
	}
}

// has reports which fields of a parameter are there, by JSON name.
func has(p lab.Parameter, field string) bool {
	switch field {
	case "min":
		return p.Min != nil
	case "max":
		return p.Max != nil
	case "scale":
		return p.Scale != ""
	case "values":
		return len(p.Values) > 0
	case "levels":
		return len(p.Levels) > 0
	case "descriptors":
		return p.Descriptors != nil
	case "descriptor_values":
		return len(p.DescriptorValues) > 0
	case "parts":
		return len(p.Parts) > 0
	case "sum":
		return p.Sum != nil
	case "step":
		return p.Step != nil
	case "max_nonzero":
		return p.MaxNonzero != nil
	case "aliases":
		return len(p.Aliases) > 0
	case "level_aliases":
		return len(p.LevelAliases) > 0
	case "when":
		return p.When != ""
	default:
		return p.Unit != ""
	}
}

func (c *checker) fieldsOfType(path string, p lab.Parameter) {
	names, _ := fieldsOf(typeOf(p))
	want := fieldsFor[p.Type]
	for _, name := range names[2:] { // behind name and type
		switch {
		case slices.Contains(want.must, name):
			if !has(p, name) {
				c.addf(at(path, name), "is missing").right("a parameter of type %s has %s", p.Type, strings.Join(want.must, " and "))
			}
		case has(p, name) && !slices.Contains(want.may, name):
			c.addf(at(path, name), "has no meaning for a parameter of type %s", p.Type).
				right("its fields are %s", strings.Join(append(slices.Clone(want.must), want.may...), ", "))
		}
	}
}

func (c *checker) interval(path string, p lab.Parameter) {
	if p.Min == nil || p.Max == nil {
		return
	}
	lo, hi := *p.Min, *p.Max
	if !(lo < hi) {
		c.addf(at(path, "max"), "is %s, which is not above min, %s", figure(hi), figure(lo)).right("a max above min; fix a value by writing it into the step")
	}
	if p.Scale == "log" && lo <= 0 {
		c.addf(at(path, "min"), "is %s on a logarithmic scale", figure(lo)).right("a min above 0, or scale: linear")
	}
	if p.Type != lab.Integer {
		return
	}
	for _, bound := range []struct {
		name string
		x    float64
	}{{"min", lo}, {"max", hi}} {
		if bound.x != math.Trunc(bound.x) || math.Abs(bound.x) > 1<<53 {
			c.addf(at(path, bound.name), "is %s in a parameter of whole numbers", figure(bound.x)).right("a whole number, or type: continuous")
		}
	}
}

func (c *checker) values(path string, values []float64) {
	ascending := slices.Clone(values)
	slices.Sort(ascending)
	if distinct := slices.Compact(slices.Clone(ascending)); len(distinct) < len(values) {
		c.addf(path, "holds a value twice").right("%s", figures(distinct))
		return
	}
	if !slices.Equal(ascending, values) {
		c.addf(path, "is not in ascending order").right("%s", figures(ascending))
	}
}

func figures(xs []float64) string {
	s := make([]string, len(xs))
	for i, x := range xs {
		s[i] = figure(x)
	}
	return clip("[" + strings.Join(s, ", ") + "]")
}

func (c *checker) distinct(path string, names []string) {
	for i, name := range names {
		if j := slices.Index(names, name); j < i {
			c.addf(atIndex(path, i), "%q is there already, as number %d", clip(name), j+1).right("name each once")
		}
	}
}

func (c *checker) composition(path string, p lab.Parameter) {
	c.distinct(at(path, "parts"), p.Parts)
	sum := *p.Sum // by Defaults
	if !(sum > 0) {
		c.addf(at(path, "sum"), "is %s", figure(sum)).right("a number above 0; 1 for fractions, 100 for per cent")
		return
	}
	if p.MaxNonzero != nil && *p.MaxNonzero > len(p.Parts) && len(p.Parts) > 0 {
		c.addf(at(path, "max_nonzero"), "is %d, of %d parts", *p.MaxNonzero, len(p.Parts)).right("from 1 to %d", len(p.Parts))
	}
	if p.Step == nil {
		return
	}
	step := *p.Step
	n := sum / step
	switch whole := math.Round(n); {
	case !(step > 0):
		c.addf(at(path, "step"), "is %s", figure(step)).right("a number above 0")
	case whole < 1 || whole > 1e6:
		c.addf(at(path, "step"), "is %s, for a sum of %s", figure(step), figure(sum)).right("a step from a millionth of the sum to the sum")
	case math.Abs(n-whole) > 1e-9*whole:
		c.addf(at(path, "step"), "is %s, which does not divide the sum, %s", figure(step), figure(sum)).right("for example %s", figure(round12(sum/whole)))
	}
}

// round12 rounds to twelve digits, for a number that a person is to read.
func round12(x float64) float64 {
	var y float64
	if _, err := fmt.Sscanf(fmt.Sprintf("%.12g", x), "%g", &y); err != nil {
		return x
	}
	return y
}

// files checks the names of files; their content is the business of [Resolve].
func (c *checker) files() {
	check := func(path string, f *lab.File) {
		if f != nil && f.File != "" && !fs.ValidPath(f.File) {
			c.addf(at(path, "file"), "is %q", clip(f.File)).right("a path below the document, with / and without .. or a leading /")
		}
	}
	check("space.candidates", c.doc.Space.Candidates)
	for i, p := range c.doc.Space.Parameters {
		check(at(atIndex("space.parameters", i), "descriptors"), p.Descriptors)
	}
}

// descriptorRows checks rows that were filled in, by us or by somebody.
func (c *checker) descriptorRows(path string, p lab.Parameter) {
	rows := p.DescriptorValues
	if len(rows) == 0 {
		return
	}
	path = at(path, "descriptor_values")
	switch {
	case p.Descriptors == nil:
		c.addf(path, "is there without descriptors").right("name the file in descriptors; the values are read from it")
	case len(rows) != len(p.Levels):
		c.addf(path, "has %d rows for %d levels", len(rows), len(p.Levels)).right("leave it out; it is read from the file")
	default:
		for i, row := range rows {
			if len(row) != len(rows[0]) || slices.ContainsFunc(row, func(x float64) bool { return x-x != 0 }) {
				c.addf(atIndex(path, i), "is not %d finite numbers", len(rows[0])).right("leave it out; it is read from the file")
			}
		}
	}
}

// pool checks points that were filled in, by us or by somebody.
func (c *checker) pool() {
	s := c.doc.Space
	if len(s.Pool) == 0 {
		return
	}
	if s.Candidates == nil {
		c.addf("space.pool", "is there without candidates").right("name the file in candidates; the points are read from it")
		return
	}
	for i, point := range s.Pool {
		path := atIndex("space.pool", i)
		if len(point) != len(s.Parameters) {
			c.addf(path, "has a length of %d, for %d parameters", len(point), len(s.Parameters)).right("leave the pool out; it is read from the file")
			continue
		}
		for j, v := range point {
			if wrong := misfit(s.Parameters[j], v); wrong != "" {
				c.addf(atIndex(path, j), "%s: %s", s.Parameters[j].Name, wrong).right("leave the pool out; it is read from the file")
			}
		}
	}
}

// poolConditions checks that points have values of the parameters that are there,
// and of no others.
func (c *checker) poolConditions() {
	s := c.doc.Space
	if len(s.Pool) == 0 || c.program.conditions == nil || c.has("space.pool") || c.has("space.parameters") {
		return
	}
	told := 0
	for i, point := range s.Pool {
		active, err := c.program.active(settingsOf(s, point))
		if err != nil {
			c.addf(atIndex("space.pool", i), "%s", causeOf(err)).right("conditions that can be computed for all points")
			return
		}
		for j, v := range point {
			p := s.Parameters[j]
			switch {
			case told == mostRows:
				return
			case v.Kind() == lab.Absent && active[j]:
				told++
				c.addf(atIndex(atIndex("space.pool", i), j), "%s has no value, and its condition holds: %s", p.Name, clip(p.When)).right("a value in the file of candidates")
			case v.Kind() != lab.Absent && !active[j]:
				told++
				c.addf(atIndex(atIndex("space.pool", i), j), "%s has a value, and its condition does not hold: %s", p.Name, clip(p.When)).right("an empty field in the file of candidates")
			}
		}
	}
}

// misfit says why v can be no value of p, or "".
func misfit(p lab.Parameter, v lab.Value) string {
	if v.Kind() == lab.Absent && p.When != "" {
		return ""
	}
	switch p.Type {
	case lab.Categorical:
		if v.Kind() != lab.IsLabel {
			return v.String() + " is no text"
		}
		if !slices.Contains(p.Levels, v.Label()) {
			return fmt.Sprintf("%q is no level; %s", clip(v.Label()), known(v.Label(), p.Levels, "levels"))
		}
		return ""
	case lab.Composition:
		return misfitParts(p, v)
	default: // numbers
	}
	x := v.Number()
	switch {
	case v.Kind() != lab.IsNumber || x-x != 0:
		return v.String() + " is no finite number"
	case p.Type == lab.Discrete && !slices.Contains(p.Values, x):
		return figure(x) + " is none of " + figures(p.Values)
	case p.Type == lab.Integer && x != math.Trunc(x):
		return figure(x) + " is no whole number"
	case p.Min != nil && x < *p.Min:
		return fmt.Sprintf("%s is below min, %s", figure(x), figure(*p.Min))
	case p.Max != nil && x > *p.Max:
		return fmt.Sprintf("%s is above max, %s", figure(x), figure(*p.Max))
	}
	return ""
}

func misfitParts(p lab.Parameter, v lab.Value) string {
	parts := v.Parts()
	if len(parts) != len(p.Parts) {
		return fmt.Sprintf("%d fractions for %d parts", len(parts), len(p.Parts))
	}
	total, present, want := 0.0, 0, 1.0
	if p.Sum != nil {
		want = *p.Sum
	}
	for _, x := range parts {
		if !(x >= 0) || x-x != 0 {
			return figure(x) + " is no fraction"
		}
		if x > 0 {
			present++
		}
		total += x
	}
	switch {
	case math.Abs(total-want) > 1e-6*want:
		return fmt.Sprintf("the fractions add up to %s, not to %s", figure(round12(total)), figure(want))
	case p.Step != nil && slices.ContainsFunc(parts, func(x float64) bool { return math.Abs(x / *p.Step - math.Round(x / *p.Step)) > 1e-6 }):
		return fmt.Sprintf("%s is not on the grid of steps of %s", v, figure(*p.Step))
	case p.MaxNonzero != nil && present > *p.MaxNonzero:
		return fmt.Sprintf("%d parts are present, at most %d may be", present, *p.MaxNonzero)
	}
	return ""
}
