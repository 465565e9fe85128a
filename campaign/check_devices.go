package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// specs returns what the laboratory's devices know of a step's command.
func (c *checker) specs(s lab.Step) []lab.CommandSpec {
	var out []lab.CommandSpec
	for _, k := range c.capabilities {
		if k.Name != s.Capability {
			continue
		}
		for _, spec := range k.Commands {
			if spec.Name == s.Command {
				out = append(out, spec)
			}
		}
	}
	return out
}

// devices checks each step against what devices can do. Where several offer
// its capability, one that can do it is enough.
func (c *checker) devices() {
	points := c.samplePoints()
	for i, s := range c.doc.Protocol.Steps {
		path := atIndex("protocol.steps", i)
		specs := c.specs(s)
		if len(specs) == 0 {
			c.incapable(path, s)
			continue
		}
		var least []lab.Problem
		for k, spec := range specs {
			d := deviceCheck{checker: c, step: i, path: path, spec: spec, points: points}
			d.run()
			if k == 0 || len(d.all) < len(least) {
				least = d.all
			}
		}
		c.all = append(c.all, least...)
	}
}

func (c *checker) incapable(path string, s lab.Step) {
	if s.Capability == "" || s.Command == "" {
		return
	}
	var capabilities, commands []string
	for _, k := range c.capabilities {
		capabilities = append(capabilities, k.Name)
		if k.Name == s.Capability {
			for _, spec := range k.Commands {
				commands = append(commands, spec.Name)
			}
		}
	}
	slices.Sort(capabilities)
	slices.Sort(commands)
	if !slices.Contains(capabilities, s.Capability) {
		c.addf(at(path, "capability"), "no device offers %q", clip(s.Capability)).right("%s", known(s.Capability, slices.Compact(capabilities), "capabilities"))
		return
	}
	c.addf(at(path, "command"), "%s has no command %q", s.Capability, clip(s.Command)).right("%s", known(s.Command, slices.Compact(commands), "commands"))
}

// deviceCheck holds one step against one description of its command. Its
// complaints are its own, for they may be dropped in favour of another's.
type deviceCheck struct {
	complaints
	*checker
	step   int
	path   string
	spec   lab.CommandSpec
	points [][]lab.Setting
}

func (d *deviceCheck) addf(path, format string, args ...any) complaint {
	return d.complaints.addf(path, format, args...)
}

func (d *deviceCheck) run() {
	s := d.doc.Protocol.Steps[d.step]
	var names []string
	for _, want := range d.spec.Params {
		names = append(names, want.Name)
		_, given := s.Params[want.Name]
		filled := (s.From != "" || s.To != "") && (want.Name == "from" || want.Name == "to" || want.Name == "sample")
		if want.Required && !given && !filled {
			d.addf(at(at(d.path, "params"), want.Name), "is missing").right("%s", wish(want))
		}
	}
	for _, name := range keysOf(s.Params) {
		path := at(at(d.path, "params"), name)
		want, ok := paramSpec(&d.spec, name)
		if !ok {
			d.addf(path, "command %s of %s knows no such parameter", s.Command, s.Capability).right("%s", known(name, names, "parameters"))
			continue
		}
		if d.typed(path, s.Params[name], name, want) && d.inUnit(path, s.Params[name], want) {
			d.limits(path, name, want)
		}
	}
}

// wish describes a parameter as an author would write it.
func wish(want lab.ParamSpec) string {
	switch {
	case len(want.Enum) > 0:
		return "one of " + clip(strings.Join(want.Enum, ", "))
	case want.Type == "boolean":
		return `a condition: {expr: "true"}`
	case want.Type == "string":
		return `a text: {value: …} or {expr: …}`
	}
	s := "a number: {value: …}"
	if want.Type == "integer" {
		s = "a whole number: {value: …}"
	}
	if want.Unit != "" {
		s = strings.TrimSuffix(s, "}") + ", unit: " + string(want.Unit) + "}"
	}
	return s + span(want)
}

func span(want lab.ParamSpec) string {
	switch {
	case want.Min != nil && want.Max != nil:
		return fmt.Sprintf(" from %s to %s", figure(*want.Min), figure(*want.Max))
	case want.Min != nil:
		return " of at least " + figure(*want.Min)
	case want.Max != nil:
		return " of at most " + figure(*want.Max)
	}
	return ""
}

// typed reports whether the parameter is of a type that the device takes.
func (d *deviceCheck) typed(path string, p lab.Param, name string, want lab.ParamSpec) bool {
	var kind expr.Type
	switch x := d.program.params[d.step][name]; {
	case x != nil:
		kind = x.Type()
	case p.Value.Kind() == lab.IsNumber:
		kind = expr.Number
	case p.Value.Kind() == lab.IsLabel:
		kind = expr.Text
	case p.Value.Kind() == lab.IsParts:
		d.addf(at(path, "value"), "is a list").right("%s", wish(want))
		return false
	default:
		return false // complained of already
	}
	fits := map[string]expr.Type{"number": expr.Number, "integer": expr.Number, "string": expr.Text, "boolean": expr.Bool}
	if kind == expr.Dyn || kind == fits[want.Type] || want.Type == "" {
		return true
	}
	d.addf(path, "is a %s, the device takes a %s", kind, want.Type).right("%s", wish(want))
	return false
}

func (d *deviceCheck) inUnit(path string, p lab.Param, want lab.ParamSpec) bool {
	if d.has(at(path, "unit")) || d.checker.has(at(path, "unit")) {
		return false
	}
	number := want.Type == "number" || want.Type == "integer" || want.Type == "" && p.Unit != ""
	switch {
	case !number && p.Unit != "":
		d.addf(at(path, "unit"), "is there for a %s", want.Type).right("leave it out")
	case !number:
		return true
	case p.Unit == "" && unitOr1(want.Unit) != "1":
		d.addf(at(path, "unit"), "is missing").right("the unit of the number; the device takes %s", want.Unit)
	case convertible(p.Unit, want.Unit) != nil:
		d.addf(at(path, "unit"), "%q cannot be converted to %q, which the device takes", unitOr1(p.Unit), unitOr1(want.Unit)).right("a unit of the same quantity")
	default:
		return true
	}
	return false
}

// limits computes the parameter wherever it can be computed before there are
// results, and complains of what the device would refuse: once, with the
// settings that are worst.
func (d *deviceCheck) limits(path, name string, want lab.ParamSpec) {
	p := d.doc.Protocol.Steps[d.step].Params[name]
	x := d.program.params[d.step][name]
	if x == nil {
		v, err := d.program.value(d.step, name, nil, nil)
		if err == nil {
			_, err = fit(v, p.Unit, name, &d.spec)
		}
		if err != nil {
			d.addf(at(path, "value"), "%v", err).right("%s", wish(want))
		}
		return
	}
	for _, used := range x.Names() {
		if used == varSteps || strings.HasPrefix(used, varSteps+".") {
			return // known only when those steps are done
		}
	}
	for _, settings := range d.points {
		vars, _, err := d.program.scope(settings, nil)
		if err != nil {
			return
		}
		v, err := d.program.value(d.step, name, vars, nil)
		if err == nil {
			_, err = fit(v, p.Unit, name, &d.spec)
		}
		if errors.Is(err, expr.ErrAbsent) {
			return // told by [checker.guarded]
		}
		if err != nil {
			c := d.addf(at(path, "expr"), "%v%s", err, where(x, settings))
			if len(x.Names()) == 0 {
				c.right("%s", wish(want))
			} else {
				c.right("%s; narrow the space, or add a constraint", wish(want))
			}
			return
		}
	}
}

// where says at which settings something happened, those that matter only.
func where(x *expr.Program, settings []lab.Setting) string {
	var at []string
	for _, s := range settings {
		if slices.ContainsFunc(x.Names(), func(n string) bool { return n == s.Name || strings.HasPrefix(n, s.Name+".") }) {
			at = append(at, strings.TrimSpace(fmt.Sprintf("%s = %s %s", s.Name, s.Value, s.Unit)))
		}
	}
	if len(at) == 0 {
		return ""
	}
	return ", where " + strings.Join(at, ", ")
}
