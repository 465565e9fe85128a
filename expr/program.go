package expr

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// ErrCost tells an evaluation that was ended because it cost too much.
var ErrCost = errors.New("the expression costs too much to evaluate")

// ErrAbsent tells an evaluation that needed a variable which is [Absent].
var ErrAbsent = errors.New("has no value here")

// Absent is the value of a variable that an expression may name and must not
// need: touching it is [ErrAbsent], unless the result does not depend on it, as in
// base == 'none' || amount > 2 where base is none.
var Absent = absent{}

type absent struct{}

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	source string
	cel    cel.Program
	kind   Type
	names  []string
	vars   []Var
	late   []Func
}

// Source returns the expression as it was written.
func (p *Program) Source() string { return p.source }

// Type returns what the expression yields.
func (p *Program) Type() Type { return p.kind }

// Names returns the variables which the expression uses, sorted, each with
// the fields that it selects: "base", "steps.look.area".
func (p *Program) Names() []string { return slices.Clone(p.names) }

// Number evaluates an expression that yields a finite number.
func (p *Program) Number(vars map[string]any) (float64, error) {
	return as[float64](p, Number, vars)
}

// Text evaluates an expression that yields a text.
func (p *Program) Text(vars map[string]any) (string, error) {
	return as[string](p, Text, vars)
}

// Bool evaluates an expression that yields a bool.
func (p *Program) Bool(vars map[string]any) (bool, error) {
	return as[bool](p, Bool, vars)
}

// Value evaluates the expression. Variables that it does not use may be
// absent. The result is a float64, a string, a bool, a map[string]float64 or,
// only from [Dyn], a []any or map[string]any.
func (p *Program) Value(vars map[string]any) (any, error) {
	scope, err := p.scope(vars)
	if err != nil {
		return nil, p.fail(err)
	}
	v, _, err := p.cel.Eval(scope)
	if err != nil && scope.touched != "" {
		return nil, p.fail(fmt.Errorf("`%s` %w", scope.touched, ErrAbsent))
	}
	if cancelled := (interpreter.EvalCancelledError{}); errors.As(err, &cancelled) {
		return nil, p.fail(ErrCost)
	}
	if err != nil {
		return nil, p.fail(err)
	}
	value, err := toNative(v)
	if err != nil {
		return nil, p.fail(err)
	}
	return value, nil
}

func as[T any](p *Program, want Type, vars map[string]any) (T, error) {
	var zero T
	if p.kind != want && p.kind != Dyn {
		return zero, p.fail(fmt.Errorf("it yields a %s, not a %s", p.kind, want))
	}
	value, err := p.Value(vars)
	if err != nil {
		return zero, err
	}
	v, ok := value.(T)
	if !ok {
		return zero, p.fail(fmt.Errorf("it yielded %v, not a %s", value, want))
	}
	return v, nil
}

func (p *Program) fail(err error) error {
	return fmt.Errorf("evaluate %s: %w", excerpt(p.source), err)
}

// scope is the variables and the functions of one evaluation, as CEL's
// FunctionActivation.
type scope struct {
	vars   []Var
	values []ref.Val
	late   map[string]cel.LateBoundFunction
	// touched is a variable that was asked for and is absent.
	touched string
}

// scope checks that all the expression needs is there and of its type.
func (p *Program) scope(vars map[string]any) (*scope, error) {
	s := &scope{vars: p.vars, values: make([]ref.Val, len(p.vars))}
	for i, v := range p.vars {
		native, ok := vars[v.Name]
		if !ok {
			return nil, fmt.Errorf("variable `%s` is missing", v.Name)
		}
		if native == Absent {
			continue
		}
		value := adapter{}.NativeToValue(native)
		if fault, bad := value.(*types.Err); bad {
			return nil, fmt.Errorf("variable `%s`: %w", v.Name, error(fault))
		}
		if !holds(v.Type, value) {
			return nil, fmt.Errorf("variable `%s` is a %T, not a %s", v.Name, native, v.Type)
		}
		s.values[i] = value
	}
	for _, f := range p.late {
		call, ok := vars[f.Name].(Call)
		if !ok {
			return nil, fmt.Errorf("function `%s` is missing", f.Name)
		}
		if s.late == nil {
			s.late = make(map[string]cel.LateBoundFunction, len(p.late))
		}
		bound := f.bind(call)
		s.late[f.Name] = func(_ string, args ...ref.Val) ref.Val { return bound(args...) }
	}
	return s, nil
}

// ResolveName implements CEL's Activation.
func (s *scope) ResolveName(name string) (any, bool) {
	for i := range s.vars {
		if s.vars[i].Name == name {
			if s.values[i] == nil {
				s.touched = name
				return nil, false
			}
			return s.values[i], true
		}
	}
	return nil, false
}

// Parent implements CEL's Activation.
func (s *scope) Parent() cel.Activation { return nil }

// ResolveFunction implements CEL's FunctionActivation.
func (s *scope) ResolveFunction(name string) (cel.LateBoundFunction, bool) {
	f, ok := s.late[name]
	return f, ok
}

var _ cel.FunctionActivation = (*scope)(nil)
