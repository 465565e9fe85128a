package models

import (
	"context"
	"net/http"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

const (
	// askedPoints is how many points of a large space a model is asked at.
	askedPoints = 768
	// listedPoints is up to how many points of a list it is asked at all of them.
	listedPoints = 2048
)

// Source is what m says of a space: its predictions at the space's points, at an
// even spread over a large one, and at what was done or runs. What keeps the model
// from saying anything is the source's fault.
func (m *Model) Source(ctx context.Context, client *http.Client, b lab.Brief) lab.Source {
	s := lab.Source{Name: m.Name, Kind: lab.SourcePredictions, Version: m.Version}
	if err := m.fill(ctx, client, b, &s); err != nil {
		s.Fault = err.Error()
		s.Objectives, s.Points, s.Outcomes = nil, nil, nil
	}
	return s
}

func (m *Model) fill(ctx context.Context, client *http.Client, b lab.Brief, s *lab.Source) error {
	places, common, err := m.order(b.Space, b.Objectives)
	if err != nil {
		return err
	}
	for _, j := range common {
		s.Objectives = append(s.Objectives, m.Objectives[j].Name)
	}
	points, rows := m.Points, m.Predictions
	if m.Kind == Table {
		if len(m.Parameters) != len(b.Space.Parameters) {
			return lab.Errorf(lab.Invalid, "model %s is a table over %d parameters, the space has %d", m.Name, len(m.Parameters), len(b.Space.Parameters))
		}
		for i, p := range points {
			own := make([]lab.Value, len(p))
			for k, at := range places {
				own[at] = p[k]
			}
			add(s, own, rows[i], common)
		}
		return nil
	}
	asked, err := where(b)
	if err != nil {
		return err
	}
	points = nil
	for _, p := range asked {
		own := make([]lab.Value, len(places))
		for k, at := range places {
			own[k] = p[at]
		}
		points = append(points, own)
	}
	if m.Kind == Ensemble {
		rows = m.Predict(points)
	} else if rows, err = m.Ask(ctx, client, points); err != nil {
		return err
	}
	for i, p := range asked {
		add(s, p, rows[i], common)
	}
	return nil
}

// add enters a point with the objectives that both have.
func add(s *lab.Source, point []lab.Value, row []float64, common []int) {
	outcomes := make([]float64, len(common))
	for k, j := range common {
		outcomes[k] = row[j]
	}
	s.Points, s.Outcomes = append(s.Points, point), append(s.Outcomes, outcomes)
}

// Predict returns the means of an ensemble at points, whose values are in the
// order of its parameters.
func (m *Model) Predict(points [][]lab.Value) [][]float64 {
	out := make([][]float64, len(points))
	for _, e := range m.Networks {
		p := e.Predictor()
		for i, point := range points {
			mean, _, _ := p.At(encode(m.Parameters, point))
			out[i] = append(out[i], mean)
		}
	}
	return out
}

// where returns the points of a brief at which a model is asked, in the order of
// the space's parameters.
func where(b lab.Brief) ([][]lab.Value, error) {
	sp, err := space.Compile(b.Space, space.Rules{AsTold: true})
	if err != nil {
		return nil, err
	}
	var out [][]lab.Value
	enter := func(settings []lab.Setting) {
		p, k := make([]lab.Value, len(b.Space.Parameters)), 0
		for i, q := range b.Space.Parameters {
			if k < len(settings) && settings[k].Name == q.Name {
				p[i] = settings[k].Value
				k++
			}
		}
		out = append(out, p)
	}
	if sp.Listed() {
		for i := 0; i < sp.Len(); i += 1 + (sp.Len()-1)/listedPoints {
			enter(sp.Settings(sp.State(i)))
		}
	} else {
		sequence, u, state := space.NewSobol(sp.Width(), b.Seed), make([]float64, sp.Width()), make([]float64, sp.Width())
		for i := range uint32(askedPoints) {
			sequence.At(i, u)
			sp.FromUnit(u, state)
			enter(sp.Settings(state))
		}
	}
	for _, k := range b.Known {
		if state, err := sp.Read(k.Settings); err == nil {
			enter(sp.Settings(state))
		}
	}
	for _, k := range b.Pending {
		if state, err := sp.Read(k.Settings); err == nil {
			enter(sp.Settings(state))
		}
	}
	return out, nil
}
