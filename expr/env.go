package expr

import (
	"fmt"
	"regexp"
	"slices"
	"sort"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// Limits of an expression.
const (
	// MaxLength is the longest expression, in characters.
	MaxLength = 4096

	maxDepth = 250       // of what the parser may nest; a sum nests by its terms
	maxNodes = 5_000     // after macros are written out
	maxCost  = 1_000_000 // CEL's units, about a step each; some 0.1 s
)

// Type is what a variable holds or an expression yields.
type Type int

// The types. The zero Type is none of them.
const (
	Number  Type = iota + 1 // float64, finite
	Text                    // string
	Bool                    // bool
	Numbers                 // map[string]float64: a table that is indexed by a text
	Dyn                     // any of these, or maps and lists of them, known only when evaluated
)

// String returns the word that error messages use.
func (t Type) String() string {
	switch t {
	case Number:
		return "number"
	case Text:
		return "text"
	case Bool:
		return "bool"
	case Numbers:
		return "table of numbers"
	case Dyn:
		return "value"
	}
	return "unknown type"
}

var celTypes = map[Type]*cel.Type{
	Number:  cel.DoubleType,
	Text:    cel.StringType,
	Bool:    cel.BoolType,
	Numbers: cel.MapType(cel.StringType, cel.DoubleType),
	Dyn:     cel.DynType,
}

func typeOf(t *cel.Type) (Type, bool) {
	for ours, theirs := range celTypes {
		if theirs.IsExactType(t) {
			return ours, true
		}
	}
	return 0, false
}

// Var declares a variable.
type Var struct {
	Name string
	Type Type
}

// Call is what a function does. Its arguments are float64, string, bool,
// map[string]float64 or, for [Dyn], any of these, []any and map[string]any.
// It must be safe for concurrent use and give the same result for the same
// arguments within one evaluation.
type Call func(args []any) (any, error)

// Func declares a function.
type Func struct {
	Name   string
	Args   []Type
	Result Type

	// Call is the function. When it is nil, each evaluation brings its own,
	// as a [Call] under the function's name among the variables: the stop
	// rules' "best" looks at the state of the moment.
	Call Call
}

// Env is what expressions may speak of. It is safe for concurrent use.
type Env struct {
	cel   *cel.Env
	vars  map[string]Type
	funcs map[string]Func
	known []string // names of variables and functions, sorted
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are words that CEL keeps for itself.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"namespace", "null", "package", "return", "true", "var", "void", "while",
}

// Identifier says whether a name can be used in an expression: ASCII letters,
// digits and underscores, no digit first, and no word that CEL reserves.
func Identifier(name string) bool {
	return identifier.MatchString(name) && !slices.Contains(reserved, name)
}

// NewEnv declares variables and functions. It is an error when a name is no
// [Identifier], is declared twice, or is that of a function which is there
// already.
func NewEnv(vars []Var, funcs ...Func) (*Env, error) {
	e := &Env{vars: make(map[string]Type, len(vars)), funcs: make(map[string]Func, len(funcs))}
	options := baseOptions()
	for _, v := range vars {
		if err := e.admit("variable", v.Name, v.Type); err != nil {
			return nil, err
		}
		e.vars[v.Name] = v.Type
		options = append(options, cel.Variable(v.Name, celTypes[v.Type]))
		e.known = append(e.known, v.Name)
	}
	for _, f := range funcs {
		if err := e.admit("function", f.Name, append([]Type{f.Result}, f.Args...)...); err != nil {
			return nil, err
		}
		if slices.Contains(builtins, f.Name) {
			return nil, fmt.Errorf("declare function %q: it is built in already", f.Name)
		}
		e.funcs[f.Name] = f
		options = append(options, f.option())
		e.known = append(e.known, f.Name)
	}
	e.known = append(e.known, builtins...)
	sort.Strings(e.known)
	var err error
	if e.cel, err = cel.NewCustomEnv(options...); err != nil {
		return nil, fmt.Errorf("declare names of expressions: %w", err)
	}
	return e, nil
}

func (e *Env) admit(kind, name string, ts ...Type) error {
	if !Identifier(name) {
		return fmt.Errorf("declare %s %q: a name has letters, digits and underscores, begins with no digit and is no reserved word", kind, name)
	}
	_, isVar := e.vars[name]
	_, isFunc := e.funcs[name]
	if isVar || isFunc {
		return fmt.Errorf("declare %s %q: the name is declared twice", kind, name)
	}
	for _, t := range ts {
		if celTypes[t] == nil {
			return fmt.Errorf("declare %s %q: %d is no type", kind, name, t)
		}
	}
	return nil
}

// baseOptions is CEL without what works on integers, times, bytes and regular
// expressions, and with our mathematics.
func baseOptions() []cel.EnvOption {
	subset := env.NewLibrarySubset()
	for _, name := range []string{
		operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.NotStrictlyFalse,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.Index, operators.In, overloads.Contains, overloads.StartsWith, overloads.EndsWith,
	} {
		subset.IncludeFunctions = append(subset.IncludeFunctions, env.NewFunction(name))
	}
	for name, ids := range map[string][]string{
		operators.Add:               {overloads.AddDouble, overloads.AddString, overloads.AddList},
		operators.Subtract:          {overloads.SubtractDouble},
		operators.Multiply:          {overloads.MultiplyDouble},
		operators.Negate:            {overloads.NegateDouble},
		overloads.TypeConvertString: {overloads.DoubleToString},
		overloads.TypeConvertDouble: {overloads.StringToDouble},
	} {
		f := env.NewFunction(name)
		for _, id := range ids {
			f.Overloads = append(f.Overloads, &env.Overload{ID: id})
		}
		subset.IncludeFunctions = append(subset.IncludeFunctions, f)
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(adapter{}),
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserErrorRecoveryLimit(1),
		cel.ExpressionNodeLimit(maxNodes),
	}
	return append(options, mathematics()...)
}

// option declares f to CEL.
func (f Func) option() cel.EnvOption {
	args := make([]*cel.Type, len(f.Args))
	for i, t := range f.Args {
		args[i] = celTypes[t]
	}
	binding := cel.LateFunctionBinding()
	if f.Call != nil {
		binding = cel.FunctionBinding(f.bind(f.Call))
	}
	return cel.Function(f.Name, cel.Overload(f.Name+"_call", args, celTypes[f.Result], binding))
}

// bind makes a CEL function of a Call, whose result must be what f declares.
func (f Func) bind(call Call) func(args ...refVal) refVal {
	return func(args ...refVal) refVal {
		native := make([]any, len(args))
		for i, arg := range args {
			v, err := toNative(arg)
			if err != nil {
				return types.NewErr("%s: argument %d: %v", f.Name, i+1, err)
			}
			native[i] = v
		}
		result, err := call(native)
		if err != nil {
			return types.WrapErr(fmt.Errorf("%s: %w", f.Name, err))
		}
		v := adapter{}.NativeToValue(result)
		if types.IsError(v) {
			return types.NewErr("%s: %v", f.Name, v)
		}
		if f.Result != Dyn && !holds(f.Result, v) {
			return types.NewErr("%s: it returned %T, not a %s", f.Name, result, f.Result)
		}
		return v
	}
}
