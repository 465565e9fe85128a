package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/net"
)

// Kind says what a model is.
type Kind string

// The kinds of models.
const (
	Ensemble Kind = "ensemble"
	Table    Kind = "table"
	Endpoint Kind = "endpoint"
)

// Model is what predicts.
type Model struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Kind    Kind   `json:"kind"`
	// Parameters are its inputs and Objectives its outputs, with their units.
	Parameters []lab.Parameter `json:"parameters"`
	Objectives []lab.Objective `json:"objectives"`
	// Data is what it was made of.
	Data Data `json:"data,omitzero"`
	// Split and Quality are of an ensemble: how the rows were divided, and how well
	// those that it never saw are predicted, one entry to an objective.
	Split   *Split        `json:"split,omitempty"`
	Quality []net.Quality `json:"quality,omitempty"`

	Networks []*net.Ensemble `json:"networks,omitempty"`
	// Points and Predictions are a table's, with a value to a parameter and a
	// number to an objective.
	Points      [][]lab.Value `json:"points,omitempty"`
	Predictions [][]float64   `json:"predictions,omitempty"`
	Server      *Server       `json:"server,omitempty"`
}

// Data names rows by their content.
type Data struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Rows   int    `json:"rows"`
	// Used are the rows with all objectives.
	Used int `json:"used"`
}

// Split says how rows were divided: those with equal settings stay together.
type Split struct {
	Seed      uint64 `json:"seed"`
	Train     int    `json:"train"`
	Calibrate int    `json:"calibrate"`
	Test      int    `json:"test"`
}

var names = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// CheckName refuses what is no name of a model.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return lab.Errorf(lab.Invalid, "model name %q: it is of lower-case letters, digits, dots and hyphens, 63 at most, as in suzuki-yield", name)
	}
	return nil
}

// seal sets the version to the hash of all else.
func (m *Model) seal() error {
	m.Version = ""
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write model %s: %w", m.Name, err)
	}
	sum := sha256.Sum256(body)
	m.Version = hex.EncodeToString(sum[:6])
	return nil
}

// Decode reads a model and checks that it is what its version says.
func Decode(body []byte) (*Model, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var m Model
	if err := d.Decode(&m); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read a model: %w", err)
	}
	is := m.Version
	if err := m.seal(); err != nil {
		return nil, err
	}
	if m.Version != is {
		return nil, lab.Errorf(lab.Invalid, "model %s says to be version %s and is %s: it was changed after it was made", m.Name, is, m.Version)
	}
	if m.Kind == Ensemble {
		width := len(encode(m.Parameters, nil))
		for i, e := range m.Networks {
			if e == nil || !e.Sound(width) {
				return nil, lab.Errorf(lab.Invalid, "model %s: networks[%d] does not take its %d inputs", m.Name, i, width)
			}
		}
	}
	return &m, CheckName(m.Name)
}

// encode writes a point as an ensemble wants it: numbers as they are, by their
// logarithm where the scale says so, a column to each level and to each part. A
// nil point gives a row of the right width.
func encode(ps []lab.Parameter, point []lab.Value) []float64 {
	var out []float64
	for i, p := range ps {
		var v lab.Value
		if point != nil {
			v = point[i]
		}
		switch p.Type {
		case lab.Categorical:
			at := len(out)
			out = append(out, make([]float64, len(p.Levels))...)
			if l := slices.Index(p.Levels, v.Label()); l >= 0 {
				out[at+l] = 1
			}
		case lab.Composition:
			at := len(out)
			out = append(out, make([]float64, len(p.Parts))...)
			copy(out[at:], v.Parts())
		default:
			x := v.Number()
			if v.Kind() == lab.Absent {
				x = middle(p)
			}
			if p.Scale == "log" {
				x = math.Log(x)
			}
			out = append(out, x)
		}
	}
	return out
}

// order returns for each parameter of the model its place in a space, and for
// each objective that both have its place in the model. A parameter that the
// space lacks, or a level, is a complaint.
func (m *Model) order(s lab.Space, objectives []lab.Objective) (places []int, common []int, err error) {
	for _, p := range m.Parameters {
		i := slices.IndexFunc(s.Parameters, func(q lab.Parameter) bool { return q.Name == p.Name && q.Unit == p.Unit })
		if i < 0 {
			return nil, nil, lab.Errorf(lab.Invalid, "model %s needs parameter %q in %q, which the space does not have", m.Name, p.Name, p.Unit)
		}
		places = append(places, i)
	}
	for _, o := range objectives {
		if j := slices.IndexFunc(m.Objectives, func(q lab.Objective) bool { return q.Name == o.Name && q.Unit == o.Unit }); j >= 0 {
			common = append(common, j)
		}
	}
	if len(common) == 0 {
		return nil, nil, lab.Errorf(lab.Invalid, "model %s predicts none of the objectives", m.Name)
	}
	return places, common, nil
}

// middle stands for a number that is absent where the condition of its parameter
// does not hold. What tells such a point apart are the parameters of the condition.
func middle(p lab.Parameter) float64 {
	switch {
	case p.Min != nil && p.Max != nil && p.Scale == "log":
		return math.Sqrt(*p.Min * *p.Max)
	case p.Min != nil && p.Max != nil:
		return (*p.Min + *p.Max) / 2
	case len(p.Values) > 0:
		return p.Values[len(p.Values)/2]
	default:
		return 1
	}
}
