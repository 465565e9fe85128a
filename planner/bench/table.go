package bench

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Table is a set of real experiments that answers a proposal with what was
// measured.
type Table struct {
	Name       string
	Space      lab.Space // with every measured point in its pool
	Objectives []lab.Objective
	Settings   [][]lab.Setting
	Outcomes   [][]float64 // by objective and point the mean of the replicates, NaN where there is none
	Value      []float64   // the outcomes of the first objective, which all points have
	Skipped    int         // rows without an outcome of the first objective

	loss   []float64 // 0 at the best point, 1 at the median
	rank   []int     // 0 for the best
	random float64   // the mean area of random search, once measured
}

// description is what a folder's space.json says.
type description struct {
	Name       string `json:"name"`
	Parameters []struct {
		Name   string            `json:"name"`
		Type   string            `json:"type"`
		Low    *float64          `json:"low"`
		High   *float64          `json:"high"`
		Levels []json.RawMessage `json:"levels"`
		Scale  string            `json:"scale"`
	} `json:"parameters"`
	Objectives []struct {
		Name      string `json:"name"`
		Direction string `json:"direction"`
	} `json:"objectives"`
	Descriptors map[string]string `json:"descriptors"`
}

// Load reads a folder with a space.json and a table.csv; descriptor files that
// space.json names are read where they exist, and what it does not say of levels
// and bounds is taken from the table. Rows with equal settings are replicates;
// rows without the first objective are left out.
func Load(dir string) (*Table, error) {
	body, err := os.ReadFile(filepath.Join(dir, "space.json"))
	if err != nil {
		return nil, fmt.Errorf("read the space of %s: %w", filepath.Base(dir), err)
	}
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read the space of %s: %w", filepath.Base(dir), err)
	}
	rows, err := readCSV(filepath.Join(dir, "table.csv"))
	if err != nil {
		return nil, err
	}
	if len(d.Objectives) == 0 || len(d.Parameters) == 0 || len(rows) < 2 {
		return nil, lab.Errorf(lab.Invalid, "table %s has no parameter, no objective or no rows", filepath.Base(dir))
	}
	t := &Table{Name: filepath.Base(dir)}
	for _, o := range d.Objectives {
		q := lab.Objective{Name: o.Name, Direction: lab.Maximize, Unit: "1"}
		if strings.HasPrefix(strings.ToLower(o.Direction), "min") {
			q.Direction = lab.Minimize
		}
		t.Objectives = append(t.Objectives, q)
	}
	return t, t.fill(d, rows, dir)
}

func readCSV(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a table: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read %s: %w", filepath.Base(path), err)
	}
	return rows, nil
}

// fill turns the rows into distinct points with the mean of their replicates.
func (t *Table) fill(d description, rows [][]string, dir string) error {
	for i := range rows[0] {
		rows[0][i] = strings.TrimPrefix(strings.TrimSpace(rows[0][i]), "\ufeff")
	}
	columns := make([]int, len(d.Parameters))
	for i, p := range d.Parameters {
		if columns[i] = slices.Index(rows[0], p.Name); columns[i] < 0 {
			return lab.Errorf(lab.Invalid, "table %s has no column %q, which its space.json names", t.Name, p.Name)
		}
	}
	targets := make([]int, len(t.Objectives))
	for j, o := range t.Objectives {
		if targets[j] = slices.Index(rows[0], o.Name); targets[j] < 0 {
			return lab.Errorf(lab.Invalid, "table %s has no column %q, which its space.json names", t.Name, o.Name)
		}
	}
	points := make(map[string]int)
	var raw [][]string
	sums := make([][]float64, len(targets))
	counts := make([][]float64, len(targets))
	for n, r := range rows[1:] {
		if len(r) < len(rows[0]) {
			return lab.Errorf(lab.Invalid, "table %s, row %d: %d fields, %d columns", t.Name, n+2, len(r), len(rows[0]))
		}
		y := make([]float64, len(targets))
		for j, c := range targets {
			var err error
			if y[j], err = outcome(r[c]); err != nil {
				return lab.Errorf(lab.Invalid, "table %s, row %d: %s is %q, not a number", t.Name, n+2, t.Objectives[j].Name, r[c])
			}
		}
		if math.IsNaN(y[0]) {
			t.Skipped++
			continue
		}
		x := make([]string, len(columns))
		for i, c := range columns {
			x[i] = strings.TrimSpace(r[c])
			if v, err := strconv.ParseFloat(x[i], 64); err == nil && typeOf(d.Parameters[i].Type) != lab.Categorical {
				x[i] = strconv.FormatFloat(v, 'g', -1, 64) // 1 and 1.0 are one setting
			}
		}
		key := strings.Join(x, "\x00")
		i, ok := points[key]
		if !ok {
			i = len(raw)
			points[key] = i
			raw = append(raw, x)
			for j := range targets {
				sums[j], counts[j] = append(sums[j], 0), append(counts[j], 0)
			}
		}
		for j, v := range y {
			if !math.IsNaN(v) {
				sums[j][i] += v
				counts[j][i]++
			}
		}
	}
	if len(raw) < 2 {
		return lab.Errorf(lab.Invalid, "table %s has %d points with an outcome; a look-up needs two or more", t.Name, len(raw))
	}
	for j, sum := range sums {
		for i := range sum {
			sum[i] /= counts[j][i] // 0/0 is NaN: no outcome
		}
	}
	t.Outcomes, t.Value = sums, sums[0]
	if err := t.describe(d, raw, dir); err != nil {
		return err
	}
	return t.grade()
}

// outcome reads a number, or NaN where there is none.
func outcome(text string) (float64, error) {
	switch text = strings.TrimSpace(text); strings.ToLower(text) {
	case "", "nan", "na", "null", "none":
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && math.IsInf(v, 0) {
		return math.NaN(), nil
	}
	return v, err
}

// typeOf reads the type of a parameter, in the words that tables use.
func typeOf(text string) lab.ParameterType {
	switch strings.ToLower(text) {
	case "categorical", "nominal", "choice", "string":
		return lab.Categorical
	case "discrete", "ordinal":
		return lab.Discrete
	case "integer", "int":
		return lab.Integer
	default:
		return lab.Continuous
	}
}

// describe writes the parameters and the pool.
func (t *Table) describe(d description, raw [][]string, dir string) error {
	t.Space.Pool = make([][]lab.Value, len(raw))
	for i, p := range d.Parameters {
		q := lab.Parameter{Name: p.Name, Type: typeOf(p.Type), Scale: p.Scale}
		switch q.Type {
		case lab.Categorical:
			for _, r := range raw {
				if !slices.Contains(q.Levels, r[i]) {
					q.Levels = append(q.Levels, r[i])
				}
			}
			if file := d.Descriptors[p.Name]; file != "" {
				values, err := descriptors(dir, p.Name, file, q.Levels)
				if err != nil {
					return err
				}
				q.DescriptorValues = values
			}
		case lab.Discrete:
			for k, l := range p.Levels {
				v, err := strconv.ParseFloat(strings.Trim(string(l), `"`), 64)
				if err != nil {
					return lab.Errorf(lab.Invalid, "table %s: level %d of %s is %s, not a number", t.Name, k, p.Name, l)
				}
				q.Values = append(q.Values, v)
			}
		default:
			q.Min, q.Max = p.Low, p.High
		}
		numbers := make([]float64, len(raw))
		for r, x := range raw {
			if q.Type == lab.Categorical {
				t.Space.Pool[r] = append(t.Space.Pool[r], lab.Label(x[i]))
				continue
			}
			f, err := strconv.ParseFloat(x[i], 64)
			if err != nil {
				return lab.Errorf(lab.Invalid, "table %s: %s is %q, not a number", t.Name, p.Name, x[i])
			}
			numbers[r] = f
			t.Space.Pool[r] = append(t.Space.Pool[r], lab.Number(f))
		}
		if q.Type != lab.Categorical {
			widen(&q, numbers)
		}
		t.Space.Parameters = append(t.Space.Parameters, q)
	}
	for _, row := range t.Space.Pool {
		s := make([]lab.Setting, len(row))
		for i, v := range row {
			s[i] = lab.Setting{Name: t.Space.Parameters[i].Name, Value: v}
		}
		t.Settings = append(t.Settings, s)
	}
	return nil
}

// widen makes a parameter hold every number of the table, and gives it what its
// description left out.
func widen(q *lab.Parameter, numbers []float64) {
	if q.Type == lab.Discrete {
		for _, v := range numbers {
			if !slices.Contains(q.Values, v) {
				q.Values = append(q.Values, v)
			}
		}
		slices.Sort(q.Values)
		return
	}
	low, high := slices.Min(numbers), slices.Max(numbers)
	if q.Min == nil || *q.Min > low {
		q.Min = &low
	}
	if q.Max == nil || *q.Max < high {
		q.Max = &high
	}
	if q.Scale == "log" && *q.Min <= 0 {
		q.Scale = ""
	}
}

// descriptors reads a row to a level from a file keyed by the level itself or
// by the SMILES that a file beside it gives. Columns with anything but finite
// numbers are left out. A file that does not exist, or lacks a level, gives
// none.
func descriptors(dir, parameter, file string, levels []string) ([][]float64, error) {
	rows, err := readCSV(filepath.Join(dir, filepath.FromSlash(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key := max(slices.IndexFunc(rows[0], func(h string) bool {
		return h == parameter || strings.HasSuffix(strings.ToLower(h), "smiles")
	}), 0)
	alias := make(map[string]string)
	if names, err := readCSV(filepath.Join(dir, parameter+"_smiles.csv")); err == nil {
		for _, r := range names[1:] {
			alias[r[0]] = r[1]
		}
	}
	byKey := make(map[string][]string)
	for _, r := range rows[1:] {
		byKey[r[key]] = r
	}
	chosen := make([][]string, len(levels))
	for i, l := range levels {
		if a, ok := alias[l]; ok {
			l = a
		}
		r, ok := byKey[l]
		if !ok {
			return nil, nil
		}
		chosen[i] = r
	}
	out := make([][]float64, len(levels))
	for c := range rows[0] {
		col := make([]float64, len(levels))
		usable := c != key
		for i, r := range chosen {
			if c >= len(r) {
				usable = false
				break
			}
			v, err := strconv.ParseFloat(r[c], 64)
			usable = usable && err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
			col[i] = v
		}
		if usable {
			for i, v := range col {
				out[i] = append(out[i], v)
			}
		}
	}
	if len(out[0]) == 0 {
		return nil, nil
	}
	return out, nil
}

// grade ranks the points and measures their loss.
func (t *Table) grade() error {
	n := len(t.Value)
	better := make([]float64, n)
	order := make([]int, n)
	for i, v := range t.Value {
		order[i] = i
		better[i] = v
		if t.Objectives[0].Direction == lab.Minimize {
			better[i] = -v
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case better[a] > better[b]:
			return -1
		case better[a] < better[b]:
			return 1
		}
		return 0
	})
	best, median := better[order[0]], better[order[n/2]]
	if best == median {
		return lab.Errorf(lab.Invalid, "table %s: the best point is no better than the median, so that regret has no scale", t.Name)
	}
	t.rank, t.loss = make([]int, n), make([]float64, n)
	for k, i := range order {
		t.rank[i] = k
		if k > 0 && better[i] == better[order[k-1]] {
			t.rank[i] = t.rank[order[k-1]]
		}
		t.loss[i] = (best - better[i]) / (best - median)
	}
	return nil
}

// Tables loads the named folders of dir, or all that hold a space.json.
func Tables(dir string, names []string) ([]*Table, error) {
	names, err := folders(dir, names)
	if err != nil {
		return nil, err
	}
	var out []*Table
	for _, n := range names {
		t, err := Load(filepath.Join(dir, n))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// folders returns names, or those of all folders of dir that hold a table.
func folders(dir string, names []string) ([]string, error) {
	if len(names) > 0 {
		return names, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "space.json")); err == nil {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, lab.Errorf(lab.NotFound, "no folder of %s holds a space.json and a table.csv", dir)
	}
	return names, nil
}

// readable reports what is wrong with the first of the tables that cannot be
// read, before hours go into those ahead of it.
func readable(dir string, names []string) error {
	for _, n := range names {
		if _, err := Load(filepath.Join(dir, n)); err != nil {
			return err
		}
	}
	return nil
}
