package campaign

import (
	"errors"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/athanor-lab/athanor/lab"
)

// decimal is a number as YAML 1.2 and JSON agree on it. YAML's octal,
// hexadecimal, infinite and missing numbers are texts here, so that a document
// means the same thing in both.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// yamlTree reads a source of YAML. The tree is nil when it cannot be read.
func yamlTree(src []byte) (*node, []lab.Problem) {
	tokens := lexer.Tokenize(string(src))
	if p := yamlRefused(tokens); p != nil {
		return nil, p
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []lab.Problem{yamlSyntax(err)}
	}
	var docs []*ast.DocumentNode
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d)
		}
	}
	switch len(docs) {
	case 0:
		return nil, []lab.Problem{{Wrong: "the source holds no document", Right: "begin with: athanor: " + lab.DocumentVersion, Line: 1, Col: 1}}
	case 1:
	default:
		second := new(yamlWalk).node(docs[1].Body)
		return nil, []lab.Problem{{Wrong: "the source holds more than one document", Right: "submit one campaign at a time", Line: second.line, Col: second.col}}
	}
	var w yamlWalk
	n := w.node(docs[0].Body)
	return n, w.problems
}

// yamlRefused complains of what no campaign needs and of what can make a small
// source expand: aliases, tags, and nesting beyond [maxDepth].
func yamlRefused(tokens token.Tokens) []lab.Problem {
	var problems []lab.Problem
	var columns []int // of the block collections that are open
	flow := 0
	for _, t := range tokens {
		var p lab.Problem
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			p = lab.Problem{Wrong: "anchors, aliases and merge keys have no place in a campaign document", Right: "write the value out where it is used"}
		case token.TagType:
			p = lab.Problem{Wrong: "tags such as " + clip(t.Value) + " have no place in a campaign document", Right: "leave the tag out"}
		case token.InvalidType:
			p = lab.Problem{Wrong: "this is no YAML: " + t.Error, Right: "mend the syntax"}
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingValueType, token.MappingKeyType:
			if flow > 0 {
				break
			}
			col := t.Position.Column
			if t.Type == token.MappingValueType && t.Prev != nil {
				col = t.Prev.Position.Column
			}
			for len(columns) > 0 && columns[len(columns)-1] >= col {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, col)
		default:
		}
		if flow+len(columns) > maxDepth {
			return []lab.Problem{{Wrong: "the document is nested too deeply", Right: "a campaign needs no more than ten levels", Line: t.Position.Line, Col: t.Position.Column}}
		}
		if p.Wrong != "" {
			p.Line, p.Col = t.Position.Line, t.Position.Column
			problems = append(problems, p)
		}
	}
	return problems
}

func yamlSyntax(err error) lab.Problem {
	p := lab.Problem{Wrong: "this is no YAML: " + err.Error(), Right: "mend the syntax, here or in the lines above; texts with any of : # > | , [ ] { } stand in quotes"}
	if e, ok := errors.AsType[yaml.Error](err); ok {
		p.Wrong = "this is no YAML: " + e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Col = t.Position.Line, t.Position.Column
		}
	}
	return p
}

// yamlWalk turns the library's tree into ours.
type yamlWalk struct{ problems []lab.Problem }

func (w *yamlWalk) node(a ast.Node) *node {
	n := &node{}
	if a == nil {
		return n
	}
	if t := a.GetToken(); t != nil && t.Position != nil {
		n.line, n.col = t.Position.Line, t.Position.Column
	}
	switch a := a.(type) {
	case *ast.MappingNode:
		n.form = object
		for _, v := range a.Values {
			w.field(n, v)
		}
		n.standAtFirst()
	case *ast.MappingValueNode:
		n.form = object
		w.field(n, a)
		n.standAtFirst()
	case *ast.SequenceNode:
		n.form = list
		for _, v := range a.Values {
			n.items = append(n.items, w.node(v))
		}
	case *ast.LiteralNode:
		n.form, n.quoted = text, true
		if a.Value != nil {
			n.raw = a.Value.Value
		}
	case *ast.StringNode:
		quoted := a.Token.Type == token.SingleQuoteType || a.Token.Type == token.DoubleQuoteType
		n.scalar(a.Value, quoted)
	default:
		if t := a.GetToken(); t.Type != token.ImplicitNullType {
			n.scalar(t.Value, false)
		}
	}
	return n
}

func (w *yamlWalk) field(n *node, v *ast.MappingValueNode) {
	k := w.node(v.Key)
	if k.form == list || k.form == object {
		w.problems = append(w.problems, lab.Problem{Wrong: "a key is a list or an object", Right: "keys are texts", Line: k.line, Col: k.col})
		return
	}
	n.fields = append(n.fields, field{key: k.raw, value: w.node(v.Value), line: k.line, col: k.col})
}

// standAtFirst puts an object at its first key, where the library gives the
// colon after it.
func (n *node) standAtFirst() {
	if len(n.fields) > 0 {
		n.line, n.col = n.fields[0].line, n.fields[0].col
	}
}

// scalar resolves a plain scalar as the core schema of YAML 1.2 does, for
// decimal numbers.
func (n *node) scalar(raw string, quoted bool) {
	n.form, n.raw, n.quoted = text, raw, quoted
	if quoted {
		return
	}
	raw = strings.TrimSpace(raw)
	switch raw {
	case "", "~", "null", "Null", "NULL":
		n.form = nothing
	case "true", "True", "TRUE":
		n.form, n.raw = boolean, "true"
	case "false", "False", "FALSE":
		n.form, n.raw = boolean, "false"
	default:
		if strings.ContainsAny(raw, "0123456789") && decimal.MatchString(raw) {
			n.form, n.raw = number, raw
		}
	}
}
