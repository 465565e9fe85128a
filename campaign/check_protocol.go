package campaign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

func (c *checker) objectives() {
	names := namesOf(c.doc.Objectives, func(o lab.Objective) string { return o.Name })
	c.unique("objectives", "name", names)
	for i, o := range c.doc.Objectives {
		path := atIndex("objectives", i)
		c.unit(at(path, "unit"), o.Unit, true)
		if o.Name == hypervolume {
			c.addf(at(path, "name"), "%q has a meaning of its own in stop rules", o.Name).right("another name")
		}
	}
	first := map[string]int{}
	for i, x := range c.doc.Protocol.Observe {
		path := at(atIndex("protocol.observe", i), "objective")
		j, again := first[x.Objective]
		switch {
		case x.Objective == "":
		case !slices.Contains(names, x.Objective) && c.unsure["objectives"]:
		case !slices.Contains(names, x.Objective):
			c.addf(path, "there is no objective %q", clip(x.Objective)).right("%s", known(x.Objective, names, "objectives"))
		case again:
			c.addf(path, "%q is read in %s already", x.Objective, atIndex("protocol.observe", j)).right("one observation to an objective")
		default:
			first[x.Objective] = i
		}
	}
	if len(c.doc.Protocol.Observe) == 0 {
		return // complained of already
	}
	for i, name := range names {
		if _, ok := first[name]; !ok && name != "" && slices.Index(names, name) == i {
			c.addf("protocol.observe", "nothing says how objective %q is read", name).right("add {objective: %s, expr: …}", name)
		}
	}
}

func (c *checker) protocol() {
	p := c.doc.Protocol
	c.graph = newGraph(p)
	c.unique("protocol.samples", "name", namesOf(p.Samples, func(s lab.Sample) string { return s.Name }))
	c.unique("protocol.steps", "id", c.stepIDs())
	for i, s := range p.Steps {
		c.step(atIndex("protocol.steps", i), i, s)
	}
	c.tables()
	for _, loop := range c.graph.cycles() {
		i := c.graph.index[loop[0]]
		c.addf(at(atIndex("protocol.steps", i), "after"), "the steps wait for each other: %s", strings.Join(loop, " → ")).right("take one of them out of an after")
	}
	if len(c.graph.order) < len(p.Steps) || c.unsure["protocol.steps"] {
		return // the order is not known
	}
	for i, s := range p.Samples {
		c.sample(i, s.Name)
	}
}

func (c *checker) tables() {
	parameters := namesOf(c.doc.Space.Parameters, func(p lab.Parameter) string { return p.Name })
	for _, name := range keysOf(c.doc.Protocol.Tables) {
		path := at("protocol.tables", name)
		switch {
		case slices.Contains(parameters, name):
			c.addf(path, "%q is the name of a parameter as well", name).right("another name")
		case slices.Contains(reserved, name):
			c.addf(path, "%q is a word of the language of expressions", name).right("another name, such as %q", name+"_")
		}
		if len(c.doc.Protocol.Tables[name]) == 0 {
			c.addf(path, "is empty").right("rows such as {KOAc: 1.2}, or leave it out")
		}
	}
}

func (c *checker) step(path string, i int, s lab.Step) {
	ids := c.stepIDs()
	for j, a := range s.After {
		p := atIndex(at(path, "after"), j)
		switch {
		case a == "":
		case a == s.ID:
			c.addf(p, "%q waits for itself", a).right("leave it out")
		case !slices.Contains(ids, a) && c.unsure["protocol.steps"]:
		case !slices.Contains(ids, a):
			c.addf(p, "there is no step %q", clip(a)).right("%s", known(a, ids, "steps"))
		case slices.Index(s.After, a) < j:
			c.addf(p, "%q is named twice", a).right("name it once")
		}
	}
	c.time(at(path, "timeout"), s.Timeout)
	c.time(at(path, "max_lag"), s.MaxLag)
	if s.MaxLag != nil && len(s.After) == 0 {
		c.addf(at(path, "max_lag"), "is there without after").right("it counts from the end of the steps in after; name them, or leave it out")
	}
	if samples := namesOf(c.doc.Protocol.Samples, func(x lab.Sample) string { return x.Name }); s.Sample != "" && !slices.Contains(samples, s.Sample) && !c.unsure["protocol.samples"] {
		c.addf(at(path, "sample"), "there is no sample %q", clip(s.Sample)).right("%s", known(s.Sample, samples, "samples"))
	}
	for _, name := range keysOf(s.Params) {
		c.param(at(at(path, "params"), name), s, name)
	}
	c.transfer(path, i, s)
}

func (c *checker) param(path string, s lab.Step, name string) {
	p := s.Params[name]
	fixed := p.Value.Kind() != lab.Absent
	switch {
	case isTransfer(s) && (name == "from" || name == "to" || name == "sample"):
		c.addf(path, "is filled in for every transfer").right("leave it out")
	case fixed && p.Expr != "":
		c.addf(path, "has both a value and an expr").right("one of them")
	case !fixed && p.Expr == "":
		c.addf(at(path, "value"), "is missing").right("a value or an expr: {value: 5, unit: mL} or {expr: \"temperature\", unit: Cel}")
	}
	if x := p.Value; x.Kind() == lab.IsNumber && x.Number()-x.Number() != 0 {
		c.addf(at(path, "value"), "is %v", x.Number()).right("a finite number")
	}
	if p.Value.Kind() == lab.IsLabel && p.Unit != "" {
		c.addf(at(path, "unit"), "is there for a text").right("leave it out")
	}
	c.unit(at(path, "unit"), p.Unit, false)
}

func (c *checker) transfer(path string, i int, s lab.Step) {
	if s.From == "" && s.To == "" {
		return
	}
	ids := c.stepIDs()
	for _, end := range []struct{ field, id string }{{"from", s.From}, {"to", s.To}} {
		p := at(path, end.field)
		j, ok := c.graph.index[end.id]
		switch {
		case end.id == "":
			c.addf(p, "is missing").right("a transfer has both: from, the step where the sample is, and to, the step where it is wanted")
		case !ok && c.unsure["protocol.steps"]:
		case !ok:
			c.addf(p, "there is no step %q", clip(end.id)).right("%s", known(end.id, ids, "steps"))
		case j == i:
			c.addf(p, "is the transfer itself").right("the step at whose device the sample is or is wanted")
		case isTransfer(c.doc.Protocol.Steps[j]):
			c.addf(p, "%q is a transfer, which is no place", end.id).right("the step at whose device the sample is or is wanted")
		}
	}
	if s.From != "" && s.From == s.To {
		c.addf(at(path, "to"), "is where the sample is already, %q", clip(s.From)).right("another step")
	}
	if s.Sample == "" {
		c.addf(at(path, "sample"), "is missing").right("a transfer names the sample that it carries")
	}
}

// sample follows a sample through the steps that touch it: they come one after
// another, and only transfers change its place.
func (c *checker) sample(number int, name string) {
	touching := c.graph.touching(name)
	if len(touching) == 0 && name != "" {
		c.addf(atIndex("protocol.samples", number), "no step touches %q", clip(name)).right("sample: %s in the steps that do, or leave it out", clip(name))
		return
	}
	if slices.ContainsFunc(touching, func(i int) bool {
		return c.has(at(atIndex("protocol.steps", i), "from")) || c.has(at(atIndex("protocol.steps", i), "to"))
	}) {
		return // where it is cannot be told
	}
	here, bound := -1, -1 // the step where it is; the transfer that carries it
	for k, i := range touching {
		s := c.doc.Protocol.Steps[i]
		path := atIndex("protocol.steps", i)
		if k > 0 && !c.graph.before[i][touching[k-1]] {
			last := c.doc.Protocol.Steps[touching[k-1]].ID
			c.addf(at(path, "after"), "%q and %q both touch %s, and neither waits for the other", last, s.ID, name).
				right("after: [%s] in %q, or the other way round", last, s.ID)
			return
		}
		if isTransfer(s) {
			if !c.leaves(path, s, here, bound) {
				return
			}
			here, bound = -1, i
			continue
		}
		if !c.arrives(path, i, here, bound) {
			return
		}
		here, bound = i, -1
	}
	if bound >= 0 {
		t := c.doc.Protocol.Steps[bound]
		c.addf(at(atIndex("protocol.steps", bound), "to"), "%s is brought to %q, which does not touch it afterwards", name, t.To).
			right("sample: %s and after: [%s] in %q", name, t.ID, t.To)
	}
}

// leaves checks the begin of a transfer: the sample is where it is fetched.
func (c *checker) leaves(path string, t lab.Step, here, bound int) bool {
	switch {
	case bound >= 0:
		last := c.doc.Protocol.Steps[bound]
		c.addf(at(path, "from"), "%s is brought to %q by %q, which does not touch it before it is carried on", t.Sample, last.To, last.ID).
			right("let %q touch it in between, or carry it from %q to %q at once", last.To, last.From, t.To)
	case here < 0:
		c.addf(at(path, "from"), "%s is nowhere yet when it is to be fetched from %q", t.Sample, t.From).
			right("let the first step that touches it be one at a device: sample: %s in %q, and after: [%s] here", t.Sample, t.From, t.From)
	case c.graph.role[c.graph.index[t.From]] != c.graph.role[here]:
		station := c.doc.Protocol.Steps[here].ID
		c.addf(at(path, "from"), "is %q, but %s is at %q then", t.From, t.Sample, station).right("from: %s", station)
	default:
		return true
	}
	return false
}

// arrives checks a step at a device: the sample is there.
func (c *checker) arrives(path string, i, here, bound int) bool {
	s := c.doc.Protocol.Steps[i]
	if bound >= 0 {
		t := c.doc.Protocol.Steps[bound]
		if t.To == s.ID {
			return true
		}
		c.addf(at(path, "sample"), "%s is at %q then, where %q brought it", s.Sample, t.To, t.ID).right("to: %s in %q, or let %q come first", s.ID, t.ID, t.To)
		return false
	}
	if here < 0 || c.graph.role[here] == c.graph.role[i] {
		return true
	}
	last := c.doc.Protocol.Steps[here]
	id := fmt.Sprintf("%s_to_%s", last.ID, s.ID)
	c.addf(at(path, "sample"), "%s is at %q (%s) and nothing carries it to %q (%s)", s.Sample, last.ID, whereabouts(last), s.ID, whereabouts(s)).
		right("add the step {id: %s, capability: mobile-robot, command: transfer, sample: %s, from: %s, to: %s, after: [%s]} and let %q come after it",
			id, s.Sample, last.ID, s.ID, last.ID, s.ID)
	return false
}

// whereabouts says where a step is done.
func whereabouts(s lab.Step) string {
	if s.Device != "" {
		return s.Device
	}
	return s.Capability
}
