package campaign

import (
	"errors"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// Active compiles the conditions of a space: the function tells of each parameter
// whether it is there, given values of all that may be. It is safe for concurrent
// use.
func Active(s lab.Space) (func([]lab.Setting) []bool, error) {
	p, problems := Compile(lab.Document{Space: s})
	if len(problems) > 0 {
		return nil, lab.Errorf(lab.Invalid, "compile the conditions: %s", problems[0])
	}
	return p.Active, nil
}

// Active tells of each parameter, in the order of the space, whether it is there:
// its condition holds, or it has none. A condition that cannot be computed, and one
// that cannot be told without a parameter that is absent, does not hold. Values of
// absent parameters are passed over, so that they may be among the settings or not.
func (p *Program) Active(settings []lab.Setting) []bool {
	active, _ := p.active(settings)
	return active
}

// active is [Program.Active] with the first condition that cannot be computed as
// an error.
func (p *Program) active(settings []lab.Setting) ([]bool, error) {
	out := make([]bool, len(p.doc.Space.Parameters))
	if p.conditions == nil {
		for i := range out {
			out[i] = true
		}
		return out, nil
	}
	vars, failed := settingVars(p.doc.Space.Parameters, settings)
	for _, i := range p.order {
		q := p.doc.Space.Parameters[i]
		if x := p.conditions[i]; x != nil {
			holds, err := x.Bool(vars)
			if err != nil && failed == nil && !errors.Is(err, expr.ErrAbsent) {
				failed = lab.Errorf(lab.Invalid, "condition of %s: %w", q.Name, err)
			}
			if !holds {
				vars[q.Name] = expr.Absent
				continue
			}
		}
		out[i] = true
	}
	return out, failed
}

// present returns the settings without those of absent parameters.
func (p *Program) present(settings []lab.Setting) ([]lab.Setting, error) {
	if p.conditions == nil {
		return settings, nil
	}
	active, err := p.active(settings)
	if err != nil {
		return nil, err
	}
	out := make([]lab.Setting, 0, len(settings))
	for _, s := range settings {
		i := slices.IndexFunc(p.doc.Space.Parameters, func(q lab.Parameter) bool { return q.Name == s.Name })
		if i >= 0 && active[i] {
			out = append(out, s)
		}
	}
	return out, nil
}

// conditionsOf compiles the conditions and puts the parameters in an order in
// which each comes behind those that its condition names.
func (p *Program) conditionsOf(names expressionNames, env *expr.Env) {
	ps := p.doc.Space.Parameters
	if !slices.ContainsFunc(ps, func(q lab.Parameter) bool { return q.When != "" }) {
		return
	}
	p.conditions = make([]*expr.Program, len(ps))
	for i, q := range ps {
		p.conditions[i] = names.compile(env, at(atIndex("space.parameters", i), "when"), q.When, "a condition over other parameters", expr.Bool)
	}
	state := make([]int, len(ps)) // 1 while what it needs is looked for, 2 when it is placed
	var way []string
	var place func(i int) bool
	place = func(i int) bool {
		way = append(way, ps[i].Name)
		defer func() { way = way[:len(way)-1] }()
		switch state[i] {
		case 1:
			names.c.addf(at(atIndex("space.parameters", i), "when"), "goes round: %s", strings.Join(way[slices.Index(way, ps[i].Name):], " needs ")).
				right("conditions over parameters that are there without this one")
			return false
		case 2:
			return true
		}
		state[i] = 1
		if x := p.conditions[i]; x != nil {
			for _, name := range x.Names() {
				root, _, _ := strings.Cut(name, ".")
				j := slices.IndexFunc(ps, func(q lab.Parameter) bool { return q.Name == root })
				if j >= 0 && !place(j) {
					p.conditions[i] = nil // told once
				}
			}
		}
		state[i] = 2
		p.order = append(p.order, i)
		return true
	}
	for i := range ps {
		place(i)
	}
}

// conditional returns the parameters that may be absent.
func conditional(s lab.Space) []string {
	var out []string
	for _, p := range s.Parameters {
		if p.When != "" {
			out = append(out, p.Name)
		}
	}
	return out
}

// conditions checks when parameters are there: for some settings, by conditions
// that can be computed for all; that points of a pool keep to it; and that no
// expression needs a parameter where it is absent.
func (c *checker) conditions() {
	if conditional(c.doc.Space) == nil {
		return
	}
	points := c.trial()
	if c.has("space.parameters") || len(points) == 0 {
		return
	}
	there := make([]int, len(c.doc.Space.Parameters))
	for _, settings := range points {
		for _, s := range settings {
			i := slices.IndexFunc(c.doc.Space.Parameters, func(p lab.Parameter) bool { return p.Name == s.Name })
			there[i]++
		}
	}
	for i, n := range there {
		if n == 0 {
			c.addf(at(atIndex("space.parameters", i), "when"), "holds for none of %d settings that were tried", len(points)).
				right("a condition that holds somewhere, or leave the parameter out")
		}
	}
	c.guarded()
}

// standIns are what results are taken to be where an expression is tried before
// there are any.
var standIns = []float64{1, 0, -1, 1e6}

// guarded complains of expressions that need an absent parameter. Results are not
// there yet: some numbers stand in for them, and any fault but that is left for
// when they are.
func (c *checker) guarded() {
	try := func(path string, x *expr.Program) {
		if x == nil || !slices.ContainsFunc(x.Names(), func(name string) bool {
			root, _, _ := strings.Cut(name, ".")
			return slices.Contains(conditional(c.doc.Space), root)
		}) {
			return
		}
		for _, settings := range c.samplePoints() {
			vars, _, err := c.program.scope(settings, nil)
			if err != nil {
				return
			}
			for _, number := range standIns {
				vars[varSteps] = invented(x, number)
				if _, err := x.Value(vars); errors.Is(err, expr.ErrAbsent) {
					c.addf(path, "%s, where %s", cause(err), clip(describe(c.behind(x, settings)))).right("ask for its condition before, as in base == 'none' ? 0 : amount, or give the parameter a value everywhere")
					return
				}
			}
		}
	}
	for i, s := range c.doc.Protocol.Steps {
		for _, name := range keysOf(s.Params) {
			try(at(at(at(atIndex("protocol.steps", i), "params"), name), "expr"), c.program.params[i][name])
		}
	}
	for i := range c.program.observe {
		path := atIndex("protocol.observe", i)
		try(at(path, "expr"), c.program.observe[i])
		try(at(path, "sigma"), c.program.sigma[i])
	}
}

// behind returns those of settings that the conditions of the parameters that an
// expression names speak of.
func (c *checker) behind(x *expr.Program, settings []lab.Setting) []lab.Setting {
	var out []lab.Setting
	for _, s := range settings {
		for i, p := range c.doc.Space.Parameters {
			if when := c.program.conditions[i]; when != nil && speaksOf(x, p.Name) && speaksOf(when, s.Name) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// speaksOf reports whether an expression names a variable or something in it.
func speaksOf(x *expr.Program, name string) bool {
	return slices.ContainsFunc(x.Names(), func(n string) bool {
		root, _, _ := strings.Cut(n, ".")
		return root == name
	})
}

// invented returns results for all that an expression looks at.
func invented(x *expr.Program, number float64) map[string]any {
	steps := map[string]any{}
	for _, name := range x.Names() {
		path := strings.Split(name, ".")
		if path[0] != varSteps || len(path) < 3 {
			continue
		}
		values, ok := steps[path[1]].(map[string]any)
		if !ok {
			values = map[string]any{}
			steps[path[1]] = values
		}
		values[path[2]] = number
	}
	return steps
}
