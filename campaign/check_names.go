package campaign

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// expressionNames compiles expressions and complains of what they speak of
// that is not there.
type expressionNames struct {
	c      *complaints
	doc    lab.Document
	unsure map[string]bool
}

// compile returns nil for an empty expression and for one that is wrong. What
// looks into results is only known when it is evaluated, and may be anything.
func (n expressionNames) compile(env *expr.Env, path, src, want string, types ...expr.Type) *expr.Program {
	if strings.TrimSpace(src) == "" {
		return nil // complained of by its rule, or left out
	}
	p, err := env.Compile(src)
	if err != nil {
		n.wrong(path, err)
		return nil
	}
	if p.Type() != expr.Dyn && !slices.Contains(types, p.Type()) || p.Type() == expr.Dyn && slices.Equal(types, []expr.Type{expr.Bool}) {
		n.c.addf(path, "%s yields a %s", excerpt(src), p.Type()).right("%s", want)
		return nil
	}
	n.fields(path, p)
	n.lookups(path, src)
	return p
}

func excerpt(src string) string { return "`" + clip(strings.TrimSpace(src)) + "`" }

func (n expressionNames) wrong(path string, err error) {
	bad, ok := errors.AsType[*expr.CompileError](err)
	if !ok {
		n.c.addf(path, "%v", err).right("an expression in CEL")
		return
	}
	if bad.Name != "" && (n.unsure["space.parameters"] || n.unsure["protocol.tables"] || len(n.doc.Space.Parameters) == 0) {
		return // what it names may be what could not be read
	}
	where := fmt.Sprintf("column %d", bad.Column)
	if strings.Contains(bad.Source, "\n") {
		where = fmt.Sprintf("line %d, %s", bad.Line, where)
	}
	x := n.c.addf(path, "%s, %s: %s", excerpt(bad.Source), where, bad.Problem)
	inStop := strings.HasPrefix(path, "stop")
	switch {
	case bad.Suggestion != "":
		x.right("did you mean %q?", bad.Suggestion)
	case bad.Name == varSteps && strings.HasPrefix(path, "space"):
		x.right("constraints are over the parameters only; results are not there yet when an experiment is chosen")
	case slices.Contains([]string{fnBest, fnSince, fnCount}, bad.Name):
		x.right("%s() is for stop rules", bad.Name)
	case bad.Name != "" && inStop:
		x.right("stop rules speak of best('objective'), since_improvement('objective'), count('done') and experiments")
	case bad.Name != "":
		x.right("%s", n.vocabulary(path))
	case strings.HasPrefix(bad.Problem, "syntax"):
		x.right("an expression in CEL, such as temperature < 110 || base != 'KOAc'")
	case strings.Contains(bad.Problem, "does not take"):
		x.right("both sides of one kind: numbers are compared with numbers, texts in quotes with texts")
	default:
		x.right("an expression in CEL that yields what is wanted here")
	}
}

// vocabulary lists the names that an expression at path may use.
func (n expressionNames) vocabulary(path string) string {
	var names []string
	for _, v := range variablesOf(n.doc.Space.Parameters) {
		names = append(names, v.Name)
	}
	if strings.HasPrefix(path, "protocol") {
		names = append(names, keysOf(n.doc.Protocol.Tables)...)
		names = append(names, "steps.<id>.<result>")
	}
	if len(names) == 0 {
		return "declare it as a parameter"
	}
	return "the names here are " + clip(strings.Join(names, ", ")) + "; texts stand in quotes"
}

// fields complains of parts, rows and steps that do not exist.
func (n expressionNames) fields(path string, p *expr.Program) {
	for _, name := range p.Names() {
		parts := strings.SplitN(name, ".", 3)
		if len(parts) < 2 {
			if parts[0] == varSteps {
				n.c.addf(path, "%s looks among the steps by a name that is not known before", excerpt(p.Source())).right("steps.<id>.<result>")
			}
			continue
		}
		key := strings.TrimPrefix(name, parts[0]+".")
		if table, ok := n.doc.Protocol.Tables[parts[0]]; ok {
			if _, ok := table[key]; !ok {
				n.c.addf(path, "table %s has no %q", parts[0], key).right("%s", known(key, keysOf(table), "rows"))
			}
		}
		for _, q := range n.doc.Space.Parameters {
			if q.Name == parts[0] && q.Type == lab.Composition && !slices.Contains(q.Parts, key) {
				n.c.addf(path, "%s has no part %q", q.Name, key).right("%s", known(key, q.Parts, "parts"))
			}
		}
	}
}

var lookup = regexp.MustCompile(`\b([A-Za-z_][A-Za-z0-9_]*)\s*\[\s*([A-Za-z_][A-Za-z0-9_]*)\s*\]`)

// lookups complains of levels that a table has no row for, as prices[base]
// would find out only when that base is tried.
func (n expressionNames) lookups(path, src string) {
	seen := map[string]bool{}
	for _, m := range lookup.FindAllStringSubmatch(src, -1) {
		table, ok := n.doc.Protocol.Tables[m[1]]
		if !ok || seen[m[0]] {
			continue
		}
		seen[m[0]] = true
		for _, p := range n.doc.Space.Parameters {
			if p.Name != m[2] || p.Type != lab.Categorical {
				continue
			}
			var without []string
			for _, level := range p.Levels {
				if _, ok := table[level]; !ok {
					without = append(without, level)
				}
			}
			if len(without) > 0 {
				n.c.addf(path, "table %s has no row for %s of %s", m[1], clip(strings.Join(without, ", ")), p.Name).right("add them to protocol.tables.%s", m[1])
			}
		}
	}
}

// expressions compiles the document and checks what compiled expressions say of
// steps, of objectives, and of the space.
func (c *checker) expressions() {
	c.program = compile(c.doc, &c.complaints, c.unsure)
	for i, s := range c.doc.Protocol.Steps {
		for _, name := range keysOf(s.Params) {
			if x := c.program.params[i][name]; x != nil {
				c.stepsOf(at(at(at(atIndex("protocol.steps", i), "params"), name), "expr"), x, i)
			}
		}
	}
	for i := range c.program.observe {
		path := atIndex("protocol.observe", i)
		if x := c.program.observe[i]; x != nil {
			c.stepsOf(at(path, "expr"), x, -1)
		}
		if x := c.program.sigma[i]; x != nil {
			c.stepsOf(at(path, "sigma"), x, -1)
		}
	}
	c.stopNames()
	c.poolConditions()
	c.space()
	c.conditions()
}

// stepsOf complains of results that are not there when an expression is
// evaluated: at the begin of step i, or after all of them when it is -1.
func (c *checker) stepsOf(path string, x *expr.Program, i int) {
	told := map[string]bool{}
	for _, name := range x.Names() {
		parts := strings.SplitN(name, ".", 4)
		if parts[0] != varSteps || len(parts) < 2 {
			continue
		}
		id := parts[1]
		j, ok := c.graph.index[id]
		switch {
		case told[id]:
			continue
		case !ok && c.unsure["protocol.steps"]:
			continue
		case !ok:
			told[id] = true
			c.addf(path, "there is no step %q", id).right("%s", known(id, c.stepIDs(), "steps"))
			continue
		case i >= 0 && !c.graph.before[i][j]:
			told[id] = true
			c.addf(path, "step %q need not be done before %q begins", id, c.doc.Protocol.Steps[i].ID).
				right("add %q to after, there or in a step before it", id)
			continue
		}
		if len(parts) > 2 {
			c.resultOf(path, c.doc.Protocol.Steps[j], parts[2])
		}
	}
}

func (c *checker) stepIDs() []string {
	return namesOf(c.doc.Protocol.Steps, func(s lab.Step) string { return s.ID })
}

// resultOf complains of a result that no device describes.
func (c *checker) resultOf(path string, s lab.Step, result string) {
	var names []string
	for _, spec := range c.specs(s) {
		if len(spec.Results) == 0 {
			return // it does not say what it measures
		}
		for _, r := range spec.Results {
			names = append(names, r.Name)
		}
	}
	if len(names) > 0 && !slices.Contains(names, result) {
		slices.Sort(names)
		c.addf(path, "command %s of %s gives no result %q", s.Command, s.Capability, result).
			right("%s", known(result, slices.Compact(names), "results"))
	}
}

var stopCall = regexp.MustCompile(`\b(` + fnBest + `|` + fnSince + `|` + fnCount + `)\s*\(\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*\)`)

func (c *checker) stopNames() {
	objectives := namesOf(c.doc.Objectives, func(o lab.Objective) string { return o.Name })
	for i, r := range c.doc.Stop {
		path := at(atIndex("stop", i), "when")
		for _, m := range stopCall.FindAllStringSubmatch(r.When, -1) {
			name, words, what := m[2]+m[3], objectives, "objectives"
			switch m[1] {
			case fnSince:
				words = append(slices.Clone(objectives), hypervolume)
			case fnCount:
				words, what = []string{countDone, countWell, countFailures}, "counts"
			}
			if !slices.Contains(words, name) && !(what == "objectives" && c.unsure["objectives"]) {
				c.addf(path, "%s(%q) is of nothing that is known", m[1], name).right("%s", known(name, words, what))
			}
		}
	}
}
