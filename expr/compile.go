package expr

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Compile parses and checks an expression. The error is a [*CompileError].
//
// An expression yields a [Number], a [Text], a [Bool], [Numbers] or, where it
// looks into a variable of type [Dyn], a [Dyn]; any other result is an error.
func (e *Env) Compile(src string) (*Program, error) {
	if n := utf8.RuneCountInString(src); n > MaxLength {
		return nil, &CompileError{
			Source: src, Line: 1, Column: MaxLength + 1,
			Problem: fmt.Sprintf("the expression has %d characters, at most %d are read", n, MaxLength),
		}
	}
	if strings.TrimSpace(src) == "" {
		return nil, &CompileError{Source: src, Line: 1, Column: 1, Problem: "the expression is empty"}
	}
	parsed, issues := e.cel.Parse(src)
	if issues.Err() != nil {
		return nil, e.explain(src, issues)
	}
	root := parsed.NativeRep().Expr()
	found := inspect(root)
	numbersToDoubles(root)
	checked, issues := e.cel.Check(parsed)
	if issues.Err() != nil {
		return nil, e.explain(src, issues)
	}
	t, ok := typeOf(checked.OutputType())
	if !ok {
		return nil, &CompileError{
			Source: src, Line: 1, Column: 1,
			Problem: fmt.Sprintf("the expression yields a %s; it has to yield a number, a text or a bool", word(checked.OutputType().String())),
		}
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if found.loops {
		// Without a loop the cost is bounded by the length, and counting it
		// would double the time of an evaluation.
		options = append(options, cel.CostLimit(maxCost))
	}
	program, err := e.cel.Program(checked, options...)
	if err != nil {
		return nil, &CompileError{Source: src, Line: 1, Column: 1, Problem: err.Error()}
	}
	p := &Program{source: src, cel: program, kind: t, names: found.paths()}
	for _, name := range found.roots() {
		if kind, declared := e.vars[name]; declared {
			p.vars = append(p.vars, Var{Name: name, Type: kind})
		}
	}
	for _, name := range found.calls() {
		if f, declared := e.funcs[name]; declared && f.Call == nil {
			p.late = append(p.late, f)
		}
	}
	return p, nil
}

// numbersToDoubles makes a double of every integer that the author wrote, for
// CEL does not mix them. The index of a list stays an integer.
func numbersToDoubles(root ast.Expr) {
	factory := ast.NewExprFactory()
	indices := map[int64]bool{}
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == operators.Index && len(call.Args()) == 2 {
				indices[call.Args()[1].ID()] = true
			}
		case ast.LiteralKind:
			if indices[e.ID()] {
				return
			}
			switch v := e.AsLiteral().(type) {
			case types.Int:
				e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
			case types.Uint:
				e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
			}
		default: // the others have nothing to change
		}
	}))
}

// uses is what an expression mentions.
type uses struct {
	path  map[string]bool
	root  map[string]bool
	call  map[string]bool
	loops bool
}

func (u *uses) paths() []string { return sorted(u.path) }
func (u *uses) roots() []string { return sorted(u.root) }
func (u *uses) calls() []string { return sorted(u.call) }

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

func inspect(root ast.Expr) *uses {
	u := &uses{path: map[string]bool{}, root: map[string]bool{}, call: map[string]bool{}}
	u.walk(root, nil)
	return u
}

// walk collects what e mentions; bound are the variables of the loops around.
func (u *uses) walk(e ast.Expr, bound []string) {
	if path := pathOf(e); path != nil {
		if !slices.Contains(bound, path[0]) {
			u.root[path[0]] = true
			u.path[strings.Join(path, ".")] = true
		}
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		u.walk(e.AsSelect().Operand(), bound)
	case ast.CallKind:
		call := e.AsCall()
		u.call[call.FunctionName()] = true
		if call.IsMemberFunction() {
			u.walk(call.Target(), bound)
		}
		for _, arg := range call.Args() {
			u.walk(arg, bound)
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			u.walk(element, bound)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			u.walk(entry.AsMapEntry().Key(), bound)
			u.walk(entry.AsMapEntry().Value(), bound)
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			u.walk(field.AsStructField().Value(), bound)
		}
	case ast.ComprehensionKind:
		u.loops = true
		loop := e.AsComprehension()
		u.walk(loop.IterRange(), bound)
		u.walk(loop.AccuInit(), bound)
		inner := append(slices.Clone(bound), loop.IterVar(), loop.IterVar2(), loop.AccuVar())
		u.walk(loop.LoopCondition(), inner)
		u.walk(loop.LoopStep(), inner)
		u.walk(loop.Result(), inner)
	default: // the others name nothing
	}
}

// pathOf returns the names in steps.look.area or steps["look"].area, and nil
// for what is no path from a variable.
func pathOf(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if path := pathOf(e.AsSelect().Operand()); path != nil {
			return append(path, e.AsSelect().FieldName())
		}
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[1].Kind() != ast.LiteralKind {
			return nil
		}
		key, ok := call.Args()[1].AsLiteral().(types.String)
		if !ok {
			return nil
		}
		if path := pathOf(call.Args()[0]); path != nil {
			return append(path, string(key))
		}
	default: // the others are no path
	}
	return nil
}

// explain says a complaint of CEL in our words.
func (e *Env) explain(src string, issues *cel.Issues) error {
	all := issues.Errors()
	if len(all) == 0 {
		return &CompileError{Source: src, Line: 1, Column: 1, Problem: errors.Unwrap(issues.Err()).Error()}
	}
	first := all[0]
	out := &CompileError{Source: src, Line: max(first.Location.Line(), 1), Column: max(first.Location.Column()+1, 1)}
	out.Problem, out.Name = reword(first.Message)
	if out.Name != "" {
		out.Suggestion = nearest(out.Name, e.known)
		out.Column -= calledBefore(src, out)
	}
	return out
}

// calledBefore is how far before a complaint the name it is about begins: CEL
// counts a call from its parenthesis.
func calledBefore(src string, e *CompileError) int {
	lines := strings.Split(src, "\n")
	if e.Line > len(lines) {
		return 0
	}
	line, name := []rune(lines[e.Line-1]), []rune(e.Name)
	end := e.Column - 1
	if end > len(line) || end < len(name) || string(line[end-len(name):end]) != e.Name {
		return 0
	}
	return len(name)
}
