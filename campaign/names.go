package campaign

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// The names that stop rules speak in.
const (
	fnBest        = "best"
	fnSince       = "since_improvement"
	fnCount       = "count"
	varDone       = "experiments"
	hypervolume   = "hypervolume"
	varSteps      = "steps"
	countDone     = "done"
	countWell     = "succeeded"
	countFailures = "failed"
)

// variablesOf returns the parameters of a space as variables. Names that
// cannot be ones, or are there already, are left out: they are complained of
// where they are declared.
func variablesOf(ps []lab.Parameter) []expr.Var {
	kinds := map[lab.ParameterType]expr.Type{
		lab.Continuous: expr.Number, lab.Integer: expr.Number, lab.Discrete: expr.Number,
		lab.Categorical: expr.Text, lab.Composition: expr.Numbers,
	}
	var vars []expr.Var
	for _, p := range ps {
		kind, ok := kinds[p.Type]
		if !ok {
			kind = expr.Dyn
		}
		vars = declare(vars, p.Name, kind)
	}
	return vars
}

func declare(vars []expr.Var, name string, kind expr.Type) []expr.Var {
	taken := func(v expr.Var) bool { return v.Name == name }
	if !expr.Identifier(name) || slices.Contains(reserved, name) || slices.ContainsFunc(vars, taken) {
		return vars
	}
	return append(vars, expr.Var{Name: name, Type: kind})
}

// spaceEnv is what constraints may speak of.
func spaceEnv(s lab.Space) (*expr.Env, error) { return expr.NewEnv(variablesOf(s.Parameters)) }

// protocolEnv is what steps and observations may speak of.
func protocolEnv(doc lab.Document) (*expr.Env, error) {
	vars := variablesOf(doc.Space.Parameters)
	for _, name := range keysOf(doc.Protocol.Tables) {
		vars = declare(vars, name, expr.Numbers)
	}
	return expr.NewEnv(append(vars, expr.Var{Name: varSteps, Type: expr.Dyn}))
}

// stopEnv is what stop rules may speak of.
func stopEnv() (*expr.Env, error) {
	return expr.NewEnv(
		[]expr.Var{{Name: varDone, Type: expr.Number}},
		expr.Func{Name: fnBest, Args: []expr.Type{expr.Text}, Result: expr.Number},
		expr.Func{Name: fnSince, Args: []expr.Type{expr.Text}, Result: expr.Number},
		expr.Func{Name: fnCount, Args: []expr.Type{expr.Text}, Result: expr.Number},
	)
}

func keysOf[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// settingVars gives settings to expressions: numbers as they are, in the unit
// of their parameter, levels as texts, compositions as tables by part.
func settingVars(ps []lab.Parameter, settings []lab.Setting) (map[string]any, error) {
	vars := make(map[string]any, len(settings)+4)
	for _, p := range ps {
		if p.When != "" {
			vars[p.Name] = expr.Absent
		}
	}
	for _, s := range settings {
		i := slices.IndexFunc(ps, func(p lab.Parameter) bool { return p.Name == s.Name })
		if i < 0 {
			return nil, lab.Errorf(lab.Invalid, "setting %q is of no parameter", s.Name)
		}
		v, err := native(ps[i], s.Value)
		if err != nil {
			return nil, err
		}
		vars[s.Name] = v
	}
	return vars, nil
}

func native(p lab.Parameter, v lab.Value) (any, error) {
	want := lab.IsNumber
	switch p.Type {
	case lab.Categorical:
		want = lab.IsLabel
	case lab.Composition:
		want = lab.IsParts
	default:
	}
	if v.Kind() != want || want == lab.IsParts && len(v.Parts()) != len(p.Parts) {
		return nil, lab.Errorf(lab.Invalid, "setting %s = %s is no value of a parameter of type %s", p.Name, v, p.Type)
	}
	switch want {
	case lab.IsLabel:
		return v.Label(), nil
	case lab.IsParts:
		m := make(map[string]float64, len(p.Parts))
		for i, part := range p.Parts {
			m[part] = v.Parts()[i]
		}
		return m, nil
	default:
		return v.Number(), nil
	}
}

// resultVars gives the results of steps to expressions, as "steps".
func resultVars(results []lab.StepResult) (map[string]any, error) {
	steps := make(map[string]any, len(results))
	for _, r := range results {
		values := map[string]any{}
		if len(r.Values) > 0 {
			if err := json.Unmarshal(r.Values, &values); err != nil {
				return nil, lab.Errorf(lab.Invalid, "results of step %q are no object: %w", r.Step, err)
			}
		}
		if values == nil { // the results were null
			values = map[string]any{}
		}
		steps[r.Step] = values
	}
	return steps, nil
}

// missing says which result an expression asked for and did not get, or "".
func missing(p *expr.Program, steps map[string]any) string {
	for _, name := range p.Names() {
		path := strings.Split(name, ".")
		if path[0] != varSteps || len(path) < 3 {
			continue
		}
		values, ok := steps[path[1]].(map[string]any)
		if !ok {
			return fmt.Sprintf("step %q has no results", path[1])
		}
		switch v, ok := values[path[2]]; {
		case !ok && len(values) == 0:
			return fmt.Sprintf("step %q gave no %q; it gave nothing", path[1], path[2])
		case !ok:
			return fmt.Sprintf("step %q gave no %q; it gave %s", path[1], path[2], strings.Join(keysOf(values), ", "))
		case v == nil:
			return fmt.Sprintf("step %q gave null for %q", path[1], path[2])
		}
	}
	return ""
}
