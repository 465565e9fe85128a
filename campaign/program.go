package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// Program is a document with all its expressions compiled. It is safe for
// concurrent use, and none of its methods reads a clock or random numbers.
type Program struct {
	doc         lab.Document
	constraints []*expr.Program
	conditions  []*expr.Program            // of the parameters, nil for those without; nil where none has one
	order       []int                      // of the parameters: each behind those that its condition names
	params      []map[string]*expr.Program // by step, in the order of the document
	observe     []*expr.Program
	sigma       []*expr.Program // nil where there is none
	stop        []*expr.Program
	cost        *expr.Program // nil where cost is not counted
	fidelity    *expr.Program // what experiments cost for the choice of a fidelity, nil without one
}

// Compile compiles every expression of a document. Problems are those of the
// expressions only; a Program is returned when there are none. [Check] the
// document first.
func Compile(doc lab.Document) (*Program, []lab.Problem) {
	var c complaints
	p := compile(Defaults(doc), &c, nil)
	if len(c.all) > 0 {
		return nil, sorted(c.all)
	}
	return p, nil
}

// compile leaves nil where an expression is wrong.
func compile(doc lab.Document, c *complaints, unsure map[string]bool) *Program {
	p := &Program{doc: doc, params: make([]map[string]*expr.Program, len(doc.Protocol.Steps))}
	space, err1 := spaceEnv(doc.Space)
	protocol, err2 := protocolEnv(doc)
	stop, err3 := stopEnv()
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			c.addf("", "%v", err).right("other names")
			return p
		}
	}
	names := expressionNames{c: c, doc: doc, unsure: unsure}
	p.conditionsOf(names, space)
	for i, x := range doc.Space.Constraints {
		p.constraints = append(p.constraints, names.compile(space, at(atIndex("space.constraints", i), "expr"), x.Expr, "a condition", expr.Bool))
	}
	for i, s := range doc.Protocol.Steps {
		p.params[i] = map[string]*expr.Program{}
		for _, name := range keysOf(s.Params) {
			if src := s.Params[name].Expr; src != "" {
				path := at(at(at(atIndex("protocol.steps", i), "params"), name), "expr")
				p.params[i][name] = names.compile(protocol, path, src, "a number, a text or a condition", expr.Number, expr.Text, expr.Bool)
			}
		}
	}
	for i, o := range doc.Protocol.Observe {
		path := atIndex("protocol.observe", i)
		p.observe = append(p.observe, names.compile(protocol, at(path, "expr"), o.Expr, "a number", expr.Number))
		p.sigma = append(p.sigma, names.compile(protocol, at(path, "sigma"), o.Sigma, "a number", expr.Number))
	}
	if m := doc.Budget.Cost; m != nil {
		p.cost = names.compile(protocol, "budget.cost.each", m.Each, "a number", expr.Number)
	}
	if f := doc.Plan.Fidelity; f != nil {
		p.fidelity = names.compile(protocol, "plan.fidelity.cost", f.Cost, "a number", expr.Number)
	}
	for i, r := range doc.Stop {
		p.stop = append(p.stop, names.compile(stop, at(atIndex("stop", i), "when"), r.When, "a condition", expr.Bool))
	}
	return p
}

// Feasible compiles the constraints of a space: the function tells whether
// settings meet them all. It is safe for concurrent use.
func Feasible(s lab.Space) (func([]lab.Setting) (bool, error), error) {
	p, problems := Compile(lab.Document{Space: s})
	if len(problems) > 0 {
		return nil, lab.Errorf(lab.Invalid, "compile the constraints: %s", problems[0])
	}
	return p.Feasible, nil
}

// Feasible reports whether settings meet every constraint of the space.
func (p *Program) Feasible(settings []lab.Setting) (bool, error) {
	vars, err := settingVars(p.doc.Space.Parameters, settings)
	if err != nil {
		return false, err
	}
	for i, x := range p.constraints {
		ok, err := met(x, vars)
		if err != nil {
			return false, lab.Errorf(lab.Invalid, "constraint %d: %w", i+1, err)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// met evaluates a constraint. One that cannot be told without a parameter that
// is absent asks nothing.
func met(x *expr.Program, vars map[string]any) (bool, error) {
	ok, err := x.Bool(vars)
	if errors.Is(err, expr.ErrAbsent) {
		return true, nil
	}
	return ok, err
}

// Observe reads the objectives from the results of an experiment, in the order
// of the objectives and in their units. It is an error when a result is
// missing or is no finite number, and the error says which.
func (p *Program) Observe(settings []lab.Setting, results []lab.StepResult) ([]lab.Measured, error) {
	vars, steps, err := p.scope(settings, results)
	if err != nil {
		return nil, err
	}
	out := make([]lab.Measured, 0, len(p.doc.Objectives))
	for _, o := range p.doc.Objectives {
		i := slices.IndexFunc(p.doc.Protocol.Observe, func(x lab.Observe) bool { return x.Objective == o.Name })
		if i < 0 {
			return nil, lab.Errorf(lab.Invalid, "observe %s: nothing says how it is read", o.Name)
		}
		value, err := p.observe[i].Number(vars)
		if err != nil {
			return nil, because("observe "+o.Name, p.observe[i], steps, err)
		}
		m := lab.Measured{Name: o.Name, Value: value, Unit: o.Unit}
		if sigma := p.sigma[i]; sigma != nil {
			s, err := sigma.Number(vars)
			if err != nil {
				return nil, because("observe the sigma of "+o.Name, sigma, steps, err)
			}
			if s < 0 {
				return nil, lab.Errorf(lab.Invalid, "observe the sigma of %s: %s is negative", o.Name, figure(s))
			}
			m.Sigma = &s
		}
		out = append(out, m)
	}
	return out, nil
}

// because names the missing result behind an error, where there is one.
func because(doing string, p *expr.Program, steps map[string]any, err error) error {
	if what := missing(p, steps); what != "" {
		return lab.Errorf(lab.Invalid, "%s: %s", doing, what)
	}
	return lab.Errorf(lab.Invalid, "%s: %w", doing, err)
}

func (p *Program) scope(settings []lab.Setting, results []lab.StepResult) (vars, steps map[string]any, err error) {
	if vars, err = settingVars(p.doc.Space.Parameters, settings); err != nil {
		return nil, nil, err
	}
	if steps, err = resultVars(results); err != nil {
		return nil, nil, err
	}
	for name, table := range p.doc.Protocol.Tables {
		if _, ok := vars[name]; !ok { // as where they are declared
			vars[name] = table
		}
	}
	vars[varSteps] = steps
	return vars, steps, nil
}

// Input is what a step's parameters are computed from.
type Input struct {
	Settings []lab.Setting
	Results  []lab.StepResult // of earlier steps
	// Spec describes the command as the device offers it. With it numbers are
	// converted into the device's units, and what is missing, of the wrong
	// type or outside the limits is an error; without it they stay in the
	// units of the document.
	Spec *lab.CommandSpec
	// From and To are the devices that a transfer carries between, and Sample
	// is the sample's id on the wire. They are parameters of every transfer.
	From, To, Sample string
}

// Params computes the parameters of a step's command: a JSON object with its
// keys in order, the same bytes for the same input. A number past a limit by
// no more than rounding is the limit; any other one is an error of kind
// [lab.Unsafe].
func (p *Program) Params(step string, in Input) (json.RawMessage, error) {
	i := slices.IndexFunc(p.doc.Protocol.Steps, func(s lab.Step) bool { return s.ID == step })
	if i < 0 {
		return nil, lab.Errorf(lab.NotFound, "compute parameters: there is no step %q", step)
	}
	s := p.doc.Protocol.Steps[i]
	vars, steps, err := p.scope(in.Settings, in.Results)
	if err != nil {
		return nil, fmt.Errorf("compute parameters of step %s: %w", step, err)
	}
	out := map[string]any{}
	for _, name := range keysOf(s.Params) {
		v, err := p.value(i, name, vars, steps)
		if err == nil {
			v, err = fit(v, s.Params[name].Unit, name, in.Spec)
		}
		if err != nil {
			return nil, fmt.Errorf("compute parameter %s of step %s: %w", name, step, err)
		}
		out[name] = v
	}
	if isTransfer(s) {
		if in.From == "" || in.To == "" || in.Sample == "" {
			return nil, lab.Errorf(lab.Invalid, "compute parameters of step %s: a transfer needs from, to and sample", step)
		}
		out["from"], out["to"], out["sample"] = in.From, in.To, in.Sample
	}
	if err := complete(out, in.Spec); err != nil {
		return nil, fmt.Errorf("compute parameters of step %s: %w", step, err)
	}
	return json.Marshal(out)
}

// value evaluates a parameter in the author's unit.
func (p *Program) value(step int, name string, vars, steps map[string]any) (any, error) {
	param := p.doc.Protocol.Steps[step].Params[name]
	if x := p.params[step][name]; x != nil {
		v, err := x.Value(vars)
		if err != nil {
			return nil, because("evaluate", x, steps, err)
		}
		return v, nil
	}
	switch param.Value.Kind() {
	case lab.IsNumber:
		return param.Value.Number(), nil
	case lab.IsLabel:
		return param.Value.Label(), nil
	case lab.IsParts:
		return param.Value.Parts(), nil
	default:
		return nil, lab.Errorf(lab.Invalid, "it has neither a value nor an expression")
	}
}

// whole is how far from a whole number a number of that type may be, and slack
// how far past a limit one may be before it is no longer rounding.
const whole, slack = 1e-9, 1e-9

// fit makes v what the device wants of the parameter.
func fit(v any, unit lab.Unit, name string, spec *lab.CommandSpec) (any, error) {
	if x, ok := v.(float64); ok && x == 0 {
		v = 0.0 // not -0, which is written otherwise
	}
	if spec == nil {
		return v, nil
	}
	want, ok := paramSpec(spec, name)
	if !ok {
		return nil, lab.Errorf(lab.Invalid, "command %s does not know it", spec.Name)
	}
	switch x := v.(type) {
	case float64:
		if !slices.Contains([]string{"number", "integer", ""}, want.Type) {
			return nil, lab.Errorf(lab.Invalid, "it is a number, the device wants a %s", want.Type)
		}
		return fitNumber(x, unit, want)
	case string:
		if want.Type != "string" && want.Type != "" {
			return nil, lab.Errorf(lab.Invalid, "it is a text, the device wants a %s", want.Type)
		}
		if len(want.Enum) > 0 && !slices.Contains(want.Enum, x) {
			return nil, lab.Errorf(lab.Unsafe, "%q is none of %s, which the device takes", x, clip(strings.Join(want.Enum, ", ")))
		}
		return x, nil
	case bool:
		if want.Type != "boolean" && want.Type != "" {
			return nil, lab.Errorf(lab.Invalid, "it is a condition, the device wants a %s", want.Type)
		}
		return x, nil
	default:
		return nil, lab.Errorf(lab.Invalid, "it is a list or a table, the device wants a %s", want.Type)
	}
}

func fitNumber(x float64, unit lab.Unit, want lab.ParamSpec) (any, error) {
	y, err := convert(x, unit, want.Unit)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "%w", err)
	}
	if want.Type == "integer" {
		if math.Abs(y-math.Round(y)) > whole*max(1, math.Abs(y)) {
			return nil, lab.Errorf(lab.Invalid, "%s is no whole number", figure(y))
		}
		y = math.Round(y)
	}
	if want.Min != nil && y < *want.Min {
		if *want.Min-y > slack*max(1e-12, math.Abs(*want.Min)) {
			return nil, lab.Errorf(lab.Unsafe, "%s %s is below the device's limit of %s %s", figure(y), want.Unit, figure(*want.Min), want.Unit)
		}
		y = *want.Min
	}
	if want.Max != nil && y > *want.Max {
		if y-*want.Max > slack*max(1e-12, math.Abs(*want.Max)) {
			return nil, lab.Errorf(lab.Unsafe, "%s %s is above the device's limit of %s %s", figure(y), want.Unit, figure(*want.Max), want.Unit)
		}
		y = *want.Max
	}
	return y + 0, nil // -0 is written as 0
}

func paramSpec(spec *lab.CommandSpec, name string) (lab.ParamSpec, bool) {
	for _, p := range spec.Params {
		if p.Name == name {
			return p, true
		}
	}
	return lab.ParamSpec{}, false
}

// complete reports a parameter that the device cannot do without.
func complete(params map[string]any, spec *lab.CommandSpec) error {
	if spec == nil {
		return nil
	}
	for _, want := range spec.Params {
		if _, ok := params[want.Name]; !ok && want.Required {
			return lab.Errorf(lab.Invalid, "command %s needs %s", spec.Name, want.Name)
		}
	}
	return nil
}
