package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/net"
)

// Order says what to train.
type Order struct {
	Name       string          `json:"name"`
	Parameters []lab.Parameter `json:"parameters"`
	Objectives []lab.Objective `json:"objectives"`
	// Source names the rows for people: a file or a snapshot.
	Source string      `json:"source"`
	Rows   []lab.Known `json:"rows"`
	Seed   uint64      `json:"seed"`
}

// leastRows is how many usable rows a model is trained on at least.
const leastRows = 20

// Train fits an ensemble to each objective on rows that have all of them: three
// in five train it, one in five calibrates it, and one in five, which it never
// sees, says how good it is. Rows with equal settings fall into one part. The same
// order gives the same model to the last bit.
func Train(o Order) (*Model, error) {
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	body, err := json.Marshal(o.Rows)
	if err != nil {
		return nil, fmt.Errorf("write the rows of model %s: %w", o.Name, err)
	}
	sum := sha256.Sum256(body)
	m := &Model{
		Name: o.Name, Kind: Ensemble, Parameters: o.Parameters, Objectives: o.Objectives,
		Data: Data{Name: o.Source, SHA256: hex.EncodeToString(sum[:]), Rows: len(o.Rows)},
	}
	x, y, keys, err := o.usable()
	if err != nil {
		return nil, err
	}
	m.Data.Used = len(x)
	if len(x) < leastRows {
		return nil, lab.Errorf(lab.Invalid, "model %s: %d of %d rows have all objectives; at least %d are needed to train and to judge it", o.Name, len(x), len(o.Rows), leastRows)
	}
	parts := divide(keys, o.Seed)
	m.Split = &Split{Seed: o.Seed, Train: len(parts[0]), Calibrate: len(parts[1]), Test: len(parts[2])}
	for j := range o.Objectives {
		pick := func(rows []int) (px [][]float64, py []float64) {
			for _, i := range rows {
				px, py = append(px, x[i]), append(py, y[i][j])
			}
			return px, py
		}
		tx, ty := pick(parts[0])
		e := net.Fit(tx, ty, net.Config{Seed: o.Seed + uint64(j), Visits: 100_000})
		e.Calibrate(pick(parts[1]))
		m.Networks = append(m.Networks, e)
		m.Quality = append(m.Quality, e.Judge(pick(parts[2])))
	}
	return m, m.seal()
}

// usable encodes the rows that have every objective.
func (o Order) usable() (x [][]float64, y [][]float64, keys []string, err error) {
	for i, r := range o.Rows {
		point := make([]lab.Value, len(o.Parameters))
		for k, p := range o.Parameters {
			for _, s := range r.Settings {
				if s.Name == p.Name {
					point[k] = s.Value
				}
			}
			if point[k].Kind() == lab.Absent && p.When == "" {
				return nil, nil, nil, lab.Errorf(lab.Invalid, "row %d of %s has no setting for parameter %q", i+1, o.Source, p.Name)
			}
		}
		outcomes := make([]float64, 0, len(o.Objectives))
		for _, want := range o.Objectives {
			for _, seen := range r.Observed {
				if seen.Name == want.Name && !r.Failed {
					outcomes = append(outcomes, seen.Value)
					break
				}
			}
		}
		if len(outcomes) < len(o.Objectives) {
			continue
		}
		key, err := json.Marshal(point)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("write row %d of %s: %w", i+1, o.Source, err)
		}
		x, y, keys = append(x, encode(o.Parameters, point)), append(y, outcomes), append(keys, string(key))
	}
	return x, y, keys, nil
}

// divide deals the groups of equal keys to three parts, 3:1:1.
func divide(keys []string, seed uint64) [3][]int {
	index := map[string]int{}
	var groups [][]int
	for i, k := range keys {
		g, ok := index[k]
		if !ok {
			g = len(groups)
			index[k] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	var parts [3][]int
	for n, g := range rand.New(rand.NewPCG(seed, 0x6d6f64656c)).Perm(len(groups)) {
		part := [5]int{0, 1, 0, 2, 0}[n%5]
		parts[part] = append(parts[part], groups[g]...)
	}
	return parts
}

// OfTable returns predictions that somebody made as a model: rows with settings
// and, for each objective, the number predicted.
func OfTable(o Order) (*Model, error) {
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	body, err := json.Marshal(o.Rows)
	if err != nil {
		return nil, fmt.Errorf("write the rows of model %s: %w", o.Name, err)
	}
	sum := sha256.Sum256(body)
	m := &Model{Name: o.Name, Kind: Table, Parameters: o.Parameters, Objectives: o.Objectives, Data: Data{Name: o.Source, SHA256: hex.EncodeToString(sum[:]), Rows: len(o.Rows)}}
	for _, r := range o.Rows {
		if r.Failed || len(r.Observed) != len(o.Objectives) {
			continue
		}
		point, values := make([]lab.Value, len(o.Parameters)), make([]float64, len(o.Objectives))
		for k, p := range o.Parameters {
			for _, s := range r.Settings {
				if s.Name == p.Name {
					point[k] = s.Value
				}
			}
		}
		for j, want := range o.Objectives {
			for _, seen := range r.Observed {
				if seen.Name == want.Name {
					values[j] = seen.Value
				}
			}
		}
		m.Points, m.Predictions = append(m.Points, point), append(m.Predictions, values)
	}
	if m.Data.Used = len(m.Points); m.Data.Used < 3 {
		return nil, lab.Errorf(lab.Invalid, "model %s: %d rows of %s have a prediction of every objective; at least 3 are needed", o.Name, m.Data.Used, o.Source)
	}
	return m, m.seal()
}
