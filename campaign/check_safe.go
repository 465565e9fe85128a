package campaign

import (
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// safeStart checks that the points that are called safe are points of the space,
// that limits can be kept, and that whoever plans holds to them.
func (c *checker) safeStart() {
	s := c.doc.Safety.Start
	if s == nil {
		return
	}
	if p := c.doc.Plan.Planner; strings.Contains(p, "plugin:") {
		c.addf("safety.start", "is there, and the planner %s decides in another process, which is not held to it", p).right("a planner of our own, or no safety.start")
	}
	if !c.unsure["space.parameters"] && !c.has("space.parameters") {
		for i, point := range s.Points {
			c.safePoint(atIndex("safety.start.points", i), point)
		}
	}
	objectives := namesOf(c.doc.Objectives, func(o lab.Objective) string { return o.Name })
	for i, l := range s.Limits {
		path := atIndex("safety.start.limits", i)
		if l.Objective != "" && !slices.Contains(objectives, l.Objective) && !c.unsure["objectives"] {
			c.addf(at(path, "objective"), "there is no objective %q", clip(l.Objective)).right("%s", known(l.Objective, objectives, "objectives"))
		}
		switch {
		case l.Min == nil && l.Max == nil:
			c.addf(at(path, "max"), "is missing").right("a min, a max or both")
		case l.Min != nil && l.Max != nil && !(*l.Min < *l.Max):
			c.addf(at(path, "max"), "is %s, which is not above min, %s", figure(*l.Max), figure(*l.Min)).right("a max above min")
		}
	}
}

// safePoint checks one point.
func (c *checker) safePoint(path string, point map[string]lab.Value) {
	before := len(c.all)
	var settings []lab.Setting
	for _, p := range c.doc.Space.Parameters {
		v, ok := point[p.Name]
		switch wrong := misfit(p, v); {
		case !ok && p.When != "":
		case !ok:
			c.addf(at(path, p.Name), "is missing").right("a value to every parameter that is there")
		case wrong != "":
			c.addf(at(path, p.Name), "%s", wrong).right("a value of %s", p.Name)
		default:
			settings = append(settings, lab.Setting{Name: p.Name, Value: v, Unit: p.Unit})
		}
	}
	names := namesOf(c.doc.Space.Parameters, func(p lab.Parameter) string { return p.Name })
	for _, name := range keysOf(point) {
		if !slices.Contains(names, name) {
			c.addf(at(path, name), "there is no parameter %q", clip(name)).right("%s", known(name, names, "parameters"))
		}
	}
	if len(c.all) > before || c.has("space.constraints") {
		return
	}
	active := c.program.Active(settings)
	for i, p := range c.doc.Space.Parameters {
		if _, ok := point[p.Name]; ok != active[i] {
			c.addf(at(path, p.Name), "is there or not, and its condition says otherwise: %s", clip(p.When)).right("a value where the condition holds, and none elsewhere")
		}
	}
	if ok, err := c.meets(settings); err == nil && !ok {
		c.addf(path, "breaks a constraint of the space").right("a point that meets them all")
	}
	if pool := c.doc.Space.Pool; len(pool) > 0 && !slices.ContainsFunc(pool, func(row []lab.Value) bool { return c.sameAs(row, point) }) {
		c.addf(path, "is none of the candidates").right("one of them: only their points exist")
	}
}

// sameAs reports whether a row of a pool is a point, but for rounding.
func (c *checker) sameAs(row []lab.Value, point map[string]lab.Value) bool {
	for i, p := range c.doc.Space.Parameters {
		v := point[p.Name]
		if v.Kind() == lab.IsNumber && row[i].Kind() == lab.IsNumber {
			if math.Abs(v.Number()-row[i].Number()) > 1e-9*math.Max(1, math.Abs(v.Number())) {
				return false
			}
		} else if !v.Equal(row[i]) {
			return false
		}
	}
	return true
}
