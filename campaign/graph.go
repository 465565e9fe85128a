package campaign

import (
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Order returns the ids of the steps so that each comes after those that it
// waits for, otherwise as in the document. Steps on a cycle and those behind
// it are left out; [Check] refuses such a protocol.
func Order(p lab.Protocol) []string {
	done := make([]string, 0, len(p.Steps))
	for {
		ready := Ready(p, done)
		if len(ready) == 0 {
			return done
		}
		done = append(done, ready[0])
	}
}

// Ready returns the ids of the steps that may begin once those in done are
// done, in the order of the document.
func Ready(p lab.Protocol, done []string) []string {
	is := make(map[string]bool, len(done))
	for _, id := range done {
		is[id] = true
	}
	var ready []string
	for _, s := range p.Steps {
		if !is[s.ID] && !slices.ContainsFunc(s.After, func(a string) bool { return !is[a] }) {
			ready = append(ready, s.ID)
		}
	}
	return ready
}

func isTransfer(s lab.Step) bool { return s.From != "" && s.To != "" }

// graph is a protocol with its names resolved. It takes any protocol, a wrong
// one too: what does not exist is not in it.
//
// Steps that work on a sample one after another without a transfer between
// them are done at one place: they have one role.
type graph struct {
	steps  []lab.Step
	index  map[string]int
	order  []int
	before []map[int]bool // of each step, all that are done before it
	role   []int          // of each step, the first step that is done by the same device
}

func newGraph(p lab.Protocol) *graph {
	g := &graph{steps: p.Steps, index: map[string]int{}, before: make([]map[int]bool, len(p.Steps)), role: make([]int, len(p.Steps))}
	for i, s := range p.Steps {
		g.role[i] = i
		if _, ok := g.index[s.ID]; !ok {
			g.index[s.ID] = i
		}
	}
	for _, id := range Order(p) {
		i := g.index[id]
		g.order = append(g.order, i)
		g.before[i] = map[int]bool{}
		for _, a := range p.Steps[i].After {
			if j, ok := g.index[a]; ok {
				g.before[i][j] = true
				for k := range g.before[j] {
					g.before[i][k] = true
				}
			}
		}
	}
	for _, s := range p.Samples {
		g.settle(s.Name)
	}
	return g
}

// touching returns the steps that touch a sample, in order.
func (g *graph) touching(sample string) []int {
	var out []int
	for _, i := range g.order {
		if g.steps[i].Sample == sample {
			out = append(out, i)
		}
	}
	return out
}

// settle gives one role to the steps that touch a sample between transfers.
func (g *graph) settle(sample string) {
	last := -1
	for _, i := range g.touching(sample) {
		switch {
		case isTransfer(g.steps[i]):
			last = -1
			continue
		case last >= 0 && g.onePlace(last, i):
			g.join(last, i)
		}
		last = i
	}
}

// onePlace reports whether one device can be meant by both steps.
func (g *graph) onePlace(i, j int) bool {
	a, b := g.steps[i], g.steps[j]
	if a.Device != "" && b.Device != "" {
		return a.Device == b.Device
	}
	return a.Capability == b.Capability
}

func (g *graph) join(i, j int) {
	from, to := g.role[j], g.role[i]
	if slices.Index(g.order, from) < slices.Index(g.order, to) {
		from, to = to, from
	}
	for k, r := range g.role {
		if r == from {
			g.role[k] = to
		}
	}
}

// uses returns the roles that step i needs, its own first.
func (g *graph) uses(i int) []int {
	roles := []int{g.role[i]}
	if s := g.steps[i]; isTransfer(s) {
		for _, name := range []string{s.From, s.To} {
			if j, ok := g.index[name]; ok && !slices.Contains(roles, g.role[j]) {
				roles = append(roles, g.role[j])
			}
		}
	}
	return roles
}

// cycles returns the cycles of the steps' `after`, each as ids in the order of
// work, the first repeated at the end.
func (g *graph) cycles() [][]string {
	var out [][]string
	const fresh, open, closed = 0, 1, 2
	state := make([]int, len(g.steps))
	var path []int
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		path = append(path, i)
		for _, a := range g.steps[i].After {
			j, ok := g.index[a]
			if !ok || j == i {
				continue
			}
			switch state[j] {
			case fresh:
				visit(j)
			case open:
				at := slices.Index(path, j)
				loop := []string{g.steps[j].ID}
				for k := len(path) - 1; k >= at; k-- {
					loop = append(loop, g.steps[path[k]].ID)
				}
				out = append(out, loop)
			}
		}
		path = path[:len(path)-1]
		state[i] = closed
	}
	for i := range g.steps {
		if state[i] == fresh {
			visit(i)
		}
	}
	return out
}
