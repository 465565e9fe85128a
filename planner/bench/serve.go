package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// maxLine bounds a request, in bytes.
const maxLine = 16 << 20

// request is a line that [Serve] reads. Which fields it has depends on what it
// asks to do.
type request struct {
	Do      string        `json:"do"` // "problems", "open", "measure" or "allowed"
	Problem string        `json:"problem"`
	Seed    uint64        `json:"seed"`
	Point   []lab.Value   `json:"point"`
	Points  [][]lab.Value `json:"points"`
}

// opened says what a campaign is. A point is a value to a parameter, in their
// order; an outcome is a number to an objective, or null where the experiment
// failed.
type opened struct {
	Problem     string            `json:"problem"`
	Kind        string            `json:"kind"`
	Seed        uint64            `json:"seed"`
	Budget      int               `json:"budget"`   // with the starts
	Noisy       bool              `json:"noisy"`    // outcomes are uncertain
	MayFail     bool              `json:"may_fail"` // some experiments have no outcome
	Parameters  []lab.Parameter   `json:"parameters"`
	Constraints []servedCondition `json:"constraints"`
	Objectives  []lab.Objective   `json:"objectives"`
	Points      [][]lab.Value     `json:"points"` // the starts
	Outcomes    [][]float64       `json:"outcomes"`
}

// servedCondition is a constraint as CEL and, where it is linear, as the
// coefficients of the parameters and the most that their sum may be.
type servedCondition struct {
	Expr   string    `json:"expr"`
	Linear []float64 `json:"linear,omitempty"`
	AtMost *float64  `json:"at_most,omitempty"`
}

type measured struct {
	Point   []lab.Value `json:"point"` // as it was tried: a composition on its grid
	Outcome []float64   `json:"outcome"`
	Left    int         `json:"left"` // experiments of the budget
}

type listed struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Budget int    `json:"budget"`
}

// Serve lets another process run campaigns of the suite from the starts that
// [RunSynthetic] gives, with the same noise. It reads a JSON object to a line and
// answers each with one, until the end of input. A line that it cannot do is
// answered {"error": …} and changes nothing. One campaign is open at a time.
func Serve(r io.Reader, w io.Writer) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	var s served
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		answer, err := s.answer(lines.Bytes())
		if err != nil {
			answer = struct {
				Error string `json:"error"`
			}{err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			return fmt.Errorf("answer a request: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return lab.Errorf(lab.Invalid, "read a request of at most %d bytes: %w", maxLine, err)
	}
	return nil
}

// served is the campaign that is open.
type served struct {
	in    *instance
	noise *rand.Rand
	left  int
}

func (s *served) answer(line []byte) (any, error) {
	var q request
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read a request: %w", err)
	}
	if d.More() {
		return nil, lab.Errorf(lab.Invalid, "read a request: more than one object to a line")
	}
	switch {
	case q.Do == "problems":
		out := []listed{}
		for _, p := range problems() {
			out = append(out, listed{p.name, p.kind, p.budget})
		}
		return map[string][]listed{"problems": out}, nil
	case q.Do == "open":
		return s.open(q.Problem, q.Seed)
	case q.Do != "measure" && q.Do != "allowed":
		return nil, lab.Errorf(lab.Invalid, "cannot do %q; it is one of problems, open, measure, allowed", q.Do)
	case s.in == nil:
		return nil, lab.Errorf(lab.Invalid, "%s: no campaign is open", q.Do)
	case q.Do == "measure":
		return s.measure(q.Point)
	default:
		out := make([]bool, len(q.Points))
		for i, point := range q.Points {
			x, err := s.in.read(point)
			out[i] = err == nil && s.in.meets(x)
		}
		return map[string][]bool{"allowed": out}, nil
	}
}

func (s *served) open(name string, seed uint64) (any, error) {
	if seed < 1 {
		return nil, lab.Errorf(lab.Invalid, "open: seeds count from 1")
	}
	for _, p := range problems() {
		if p.name != name {
			continue
		}
		in, err := drawInstance(p, seed)
		if err != nil {
			return nil, err
		}
		if p.noise > 0 {
			in.survey()
		}
		*s = served{in: in, noise: noise(seed), left: in.budget}
		out := opened{
			Problem: p.name, Kind: p.kind, Seed: seed, Budget: p.budget, Noisy: p.noise > 0, MayFail: p.works != nil, Parameters: p.parameters,
			Constraints: []servedCondition{}, Objectives: in.directions(),
		}
		for _, c := range p.conditions {
			served := servedCondition{Expr: c.expr, Linear: c.linear}
			if c.linear != nil {
				served.AtMost = &c.most
			}
			out.Constraints = append(out.Constraints, served)
		}
		for _, x := range in.starts {
			m := s.try(x)
			out.Points, out.Outcomes = append(out.Points, m.Point), append(out.Outcomes, m.Outcome)
		}
		return out, nil
	}
	return nil, lab.Errorf(lab.NotFound, "open: %q is not in the suite", name)
}

func (s *served) measure(point []lab.Value) (any, error) {
	if s.left == 0 {
		return nil, lab.Errorf(lab.Invalid, "measure: the budget of %d experiments is used", s.in.budget)
	}
	x, err := s.in.read(point)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	if !s.in.meets(x) {
		return nil, lab.Errorf(lab.Invalid, "measure: %s breaks a constraint", space.Describe(s.in.space.Settings(x)))
	}
	return s.try(x), nil
}

// try does an experiment.
func (s *served) try(x []float64) measured {
	s.left--
	m := measured{Point: s.in.point(x), Left: s.left}
	for _, o := range s.in.observe(x, s.noise) {
		m.Outcome = append(m.Outcome, o.Value)
	}
	return m
}

// point returns what read reads.
func (in *instance) point(x []float64) []lab.Value {
	var out []lab.Value
	for _, s := range in.space.Settings(x) {
		out = append(out, s.Value)
	}
	return out
}

// read returns the row of a point that can be set: numbers within their bounds,
// whole and discrete ones where they are to a millionth, a composition that adds
// up to as much and then on its grid.
func (in *instance) read(point []lab.Value) ([]float64, error) {
	if len(point) != len(in.parameters) {
		return nil, lab.Errorf(lab.Invalid, "a point has %d values, not %d", len(in.parameters), len(point))
	}
	settings := make([]lab.Setting, len(point))
	for i, v := range point {
		settings[i] = lab.Setting{Name: in.parameters[i].Name, Value: v}
	}
	x, err := in.space.Read(settings)
	if err != nil {
		return nil, err
	}
	snapped := append([]float64(nil), x...)
	in.space.Snap(snapped)
	c := 0
	for _, p := range in.parameters {
		switch p.Type {
		case lab.Categorical:
		case lab.Composition:
			sum, there := 0.0, 0
			for _, v := range x[c : c+len(p.Parts)] {
				if sum += v; v > nearly {
					there++
				}
			}
			if math.Abs(sum-1) > nearly || p.MaxNonzero != nil && there > *p.MaxNonzero {
				return nil, lab.Errorf(lab.Invalid, "%s adds up to %g with %d parts", p.Name, sum, there)
			}
			copy(x[c:], snapped[c:c+len(p.Parts)])
			c += len(p.Parts) - 1
		case lab.Continuous:
			if x[c] < *p.Min || x[c] > *p.Max {
				return nil, lab.Errorf(lab.Invalid, "%s is %g; it spans [%g, %g]", p.Name, x[c], *p.Min, *p.Max)
			}
		default:
			if math.Abs(x[c]-snapped[c]) > nearly {
				return nil, lab.Errorf(lab.Invalid, "%s is %g, which it cannot be set to", p.Name, x[c])
			}
			x[c] = snapped[c]
		}
		c++
	}
	return x, nil
}

// nearly is how far a number may be from what can be set.
const nearly = 1e-6
