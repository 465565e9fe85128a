package schedule

import (
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// classes joins the capabilities that some device offers together: to hold one
// of them may be to hold the other. It is a union-find over their names.
type classes struct {
	parent  map[string]string
	offered map[string][]string // capability → devices
}

func classesOf(devices []Device) classes {
	c := classes{parent: make(map[string]string), offered: make(map[string][]string)}
	for _, d := range devices {
		for _, name := range d.Capabilities {
			c.offered[name] = append(c.offered[name], d.ID)
			if a, b := c.of(d.Capabilities[0]), c.of(name); a != b {
				c.parent[max(a, b)] = min(a, b)
			}
		}
	}
	return c
}

// of returns the name of the class that a capability is in.
func (c classes) of(capability string) string {
	for {
		p, ok := c.parent[capability]
		if !ok {
			return capability
		}
		capability = p
	}
}

// graph has an edge from a class that is held to a class that is waited for.
type graph map[string][]string

func (g graph) add(from, to string) {
	if !slices.Contains(g[from], to) {
		g[from] = append(g[from], to)
	}
}

// reaches reports whether a way of at least one edge leads from one to another.
func (g graph) reaches(from, to string) bool {
	seen := make(map[string]bool)
	todo := slices.Clone(g[from])
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == to {
			return true
		}
		if !seen[n] {
			seen[n] = true
			todo = append(todo, g[n]...)
		}
	}
	return false
}

func (c classes) draw(g graph, routes [][]string, waits []Wait) {
	for _, r := range routes {
		for i := 1; i < len(r); i++ {
			g.add(c.of(r[i-1]), c.of(r[i]))
		}
	}
	for _, w := range waits {
		g.add(c.of(w.Holding), c.of(w.For))
	}
}

// visits returns the classes that an experiment may hold or wait for.
func (c classes) visits(routes [][]string, waits []Wait) []string {
	var out []string
	for _, r := range routes {
		for _, name := range r {
			out = append(out, c.of(name))
		}
	}
	for _, w := range waits {
		out = append(out, c.of(w.Holding), c.of(w.For))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// holdsWhileWaiting reports whether an experiment ever holds one device while
// it waits for another. One that does not can be in nobody's way for ever.
func holdsWhileWaiting(routes [][]string, waits []Wait) bool {
	return len(waits) > 0 || slices.ContainsFunc(routes, func(r []string) bool { return len(r) > 1 })
}

// obstacle says what keeps r's experiment from being admitted, or "".
func (t *tally) obstacle(r Request) string {
	if !holdsWhileWaiting(r.Routes, r.Waits) {
		return ""
	}
	if t.next != (lab.ExperimentID{}) && t.next != r.Experiment {
		return "waits for experiment " + t.next.String() + ", which was begun before it after the backup"
	}
	if why := t.lacks(r); why != "" {
		return why
	}
	g := make(graph)
	t.classes.draw(g, r.Routes, r.Waits)
	for _, a := range t.active {
		t.classes.draw(g, a.Routes, a.Waits)
	}
	for _, v := range t.classes.visits(r.Routes, r.Waits) {
		if !g.reaches(v, v) {
			continue
		}
		for _, a := range t.active {
			if !holdsWhileWaiting(a.Routes, a.Waits) {
				continue
			}
			for _, w := range t.classes.visits(a.Routes, a.Waits) {
				if w == v || g.reaches(v, w) && g.reaches(w, v) {
					return fmt.Sprintf("waits to begin until %s ends: the two pass %q in opposite directions and could block each other",
						r.experiment(a.Campaign, a.Number), w)
				}
			}
		}
	}
	return ""
}

// lacks says which devices the routes of r cannot do without and the laboratory
// does not have. An experiment that began without them would hold its station
// for ever.
func (t *tally) lacks(r Request) string {
	offered := t.classes.offered
	steps := slices.Clone(r.Waits)
	for _, route := range r.Routes {
		for i, name := range route {
			if len(offered[name]) == 0 {
				return fmt.Sprintf("waits to begin: no device offers %q, which it needs later", name)
			}
			if i > 0 {
				steps = append(steps, Wait{Holding: route[i-1], For: name})
			}
		}
	}
	for _, w := range steps {
		if o := offered[w.For]; len(o) == 1 && slices.Contains(offered[w.Holding], o[0]) {
			return fmt.Sprintf("waits to begin: it keeps a device for %q while it needs one for %q, and only %s is left for both; one more is needed",
				w.Holding, w.For, o[0])
		}
	}
	return t.crossing(r)
}

// crossing says whether the samples of one experiment could block each other.
// Where the routes of two samples meet in a cycle, every visit must find a
// device of its own: no order of the requests is safe with less, short of
// trying them all.
func (t *tally) crossing(r Request) string {
	if len(r.Routes) < 2 {
		return ""
	}
	g := make(graph)
	t.classes.draw(g, r.Routes, r.Waits)
	for _, c := range t.classes.visits(r.Routes, nil) {
		if !g.reaches(c, c) {
			continue
		}
		need, samples := 0, 0
		for _, route := range r.Routes {
			meets := false
			for _, name := range route {
				k := t.classes.of(name)
				meets = meets || k == c || g.reaches(c, k) && g.reaches(k, c)
				if k == c {
					need++
				}
			}
			if meets {
				samples++
			}
		}
		if slices.ContainsFunc(r.Waits, func(w Wait) bool { return t.classes.of(w.For) == c }) {
			need++ // a step that touches no sample, or a carrier
		}
		if samples < 2 {
			continue
		}
		for _, route := range r.Routes {
			for _, name := range route {
				if have := len(t.classes.offered[name]); t.classes.of(name) == c && have < need {
					return fmt.Sprintf("waits to begin: its samples cross at %q and could block each other there; with %d devices they cannot, the laboratory has %d",
						name, need, have)
				}
			}
		}
	}
	return ""
}

// experiment names an experiment to those who wait for it, with its campaign where it is another.
func (r Request) experiment(c lab.CampaignID, number int) string {
	if c == r.Campaign {
		return fmt.Sprintf("experiment %d", number)
	}
	return fmt.Sprintf("experiment %d of %s", number, c)
}
