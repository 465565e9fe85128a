package truth

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Table is a set of real measurements, asked by look-up: a point that was
// measured answers with the mean of its readings, any other point answers with
// an error that names the nearest one.
//
// Labels match exactly and numbers within 1e-9 of their size, so that a unit
// conversion there and back still finds its row.
type Table struct {
	Set     string   // the set's name, as in "direct_arylation"
	Pool    bool     // only the rows exist; else (nearly) every combination does
	Columns []Column // parameters, in the order of the file
	Targets []Target // objectives, in the order of the file
	Rows    []Row    // unique points, in the order of their first reading

	byKey   map[string]int // the columns' value numbers → a row
	numbers [][]float64    // per column, its numbers in increasing order
	labels  []map[string]int
}

// Column is a parameter of a [Table].
type Column struct {
	Name   string
	Labels []string  // the levels of a categorical one, else nil
	Values []float64 // the levels of a discrete one, else nil
	Min    float64
	Max    float64
	Unit   lab.Unit // empty when neither the set nor its paper says
}

// Target is an objective of a [Table].
type Target struct {
	Name      string
	Direction lab.Direction
	Unit      lab.Unit // "1" when neither the set nor its paper says
}

// Row is a measured point: the mean of its readings and how far they scatter.
type Row struct {
	Point    []lab.Value // one to a column
	Mean     []float64   // one to a target
	SD       []float64   // of the readings, with n−1; nil for a single reading
	Readings int
}

// matchRelative is how far a number may be from the measured one, relative to
// their size; zeroRelative is the same at zero, relative to the column's range.
const (
	matchRelative = 1e-9
	zeroRelative  = 1e-12
)

// Name is the set's name, as laboratories ask for it.
func (t *Table) Name() string { return t.Set }

// Lookup returns the row at the settings, one to a column in any order. It
// returns an Invalid error for a parameter that is missing or of the wrong kind,
// and for a point that was never measured. Cost: O(columns·log rows) for a hit,
// O(columns·rows) for a miss.
func (t *Table) Lookup(settings []lab.Setting) (Row, error) {
	point := make([]lab.Value, len(t.Columns))
	for j, c := range t.Columns {
		v, err := valueOf(settings, c.Name)
		if err != nil {
			return Row{}, lab.Errorf(lab.Invalid, "look up %s: %w", t.Set, err)
		}
		if want := c.kind(); v.Kind() != want {
			return Row{}, lab.Errorf(lab.Invalid, "look up %s: %s = %v is no %s", t.Set, c.Name, v, map[lab.ValueKind]string{lab.IsLabel: "label", lab.IsNumber: "number"}[want])
		}
		point[j] = v
	}
	if key, ok := t.key(point); ok {
		if i, ok := t.byKey[key]; ok {
			return t.Rows[i], nil
		}
	}
	near := t.Rows[t.nearest(point)]
	return Row{}, lab.Errorf(lab.Invalid, "table %s has no measurement at %s; the nearest measured point is %s", t.Set, t.describe(point), t.describe(near.Point))
}

// Measure answers the settings with the mean of each target and, where the
// point was measured repeatedly, the standard deviation of a single reading.
func (t *Table) Measure(settings []lab.Setting) ([]lab.Measured, error) {
	row, err := t.Lookup(settings)
	if err != nil {
		return nil, err
	}
	out := make([]lab.Measured, len(t.Targets))
	for k, target := range t.Targets {
		out[k] = lab.Measured{Name: target.Name, Value: row.Mean[k], Unit: target.Unit}
		if row.SD != nil {
			out[k].Sigma = &row.SD[k]
		}
	}
	return out, nil
}

// Params describes the columns as parameters of a command.
func (t *Table) Params() []lab.ParamSpec {
	specs := make([]lab.ParamSpec, len(t.Columns))
	for j, c := range t.Columns {
		specs[j] = lab.ParamSpec{Name: c.Name, Type: "number", Unit: c.Unit, Min: &c.Min, Max: &c.Max, Required: true}
		if c.Labels != nil {
			specs[j] = lab.ParamSpec{Name: c.Name, Type: "string", Enum: c.Labels, Required: true}
		}
	}
	return specs
}

// Results describes the targets as results of a command.
func (t *Table) Results() []lab.ParamSpec {
	specs := make([]lab.ParamSpec, len(t.Targets))
	for k, target := range t.Targets {
		specs[k] = lab.ParamSpec{Name: target.Name, Type: "number", Unit: target.Unit, Required: true}
	}
	return specs
}

// Space is the search space of the table. Only the rows of a pool exist, so it
// lists them.
func (t *Table) Space() lab.Space {
	var s lab.Space
	for _, c := range t.Columns {
		p := lab.Parameter{Name: c.Name, Type: lab.Continuous, Min: &c.Min, Max: &c.Max, Unit: c.Unit}
		switch {
		case c.Labels != nil:
			p = lab.Parameter{Name: c.Name, Type: lab.Categorical, Levels: c.Labels}
		case c.Values != nil:
			p = lab.Parameter{Name: c.Name, Type: lab.Discrete, Values: c.Values, Unit: c.Unit}
		}
		s.Parameters = append(s.Parameters, p)
	}
	if t.Pool {
		for _, r := range t.Rows {
			s.Pool = append(s.Pool, r.Point)
		}
	}
	return s
}

func (c Column) kind() lab.ValueKind {
	if c.Labels != nil {
		return lab.IsLabel
	}
	return lab.IsNumber
}

// index prepares the look-up of the rows.
func (t *Table) index() {
	t.numbers, t.labels = make([][]float64, len(t.Columns)), make([]map[string]int, len(t.Columns))
	for j, c := range t.Columns {
		if c.Labels != nil {
			t.labels[j] = map[string]int{}
			for i, l := range c.Labels {
				t.labels[j][l] = i
			}
			continue
		}
		for _, r := range t.Rows {
			t.numbers[j] = append(t.numbers[j], r.Point[j].Number())
		}
		slices.Sort(t.numbers[j])
		t.numbers[j] = slices.Compact(t.numbers[j])
	}
	t.byKey = make(map[string]int, len(t.Rows))
	for i, r := range t.Rows {
		key, _ := t.key(r.Point)
		t.byKey[key] = i
	}
}

// key names a point by the number of its value in each column; false when a
// value occurs in no row.
func (t *Table) key(point []lab.Value) (string, bool) {
	key := make([]byte, 0, 4*len(point))
	for j, v := range point {
		n, ok := t.labels[j][v.Label()]
		if t.Columns[j].Labels != nil {
		} else {
			n, ok = t.number(j, v.Number())
		}
		if !ok {
			return "", false
		}
		key = binary.BigEndian.AppendUint32(key, uint32(n))
	}
	return string(key), true
}

// number returns which of a column's numbers x is.
func (t *Table) number(j int, x float64) (int, bool) {
	all := t.numbers[j]
	best, gap := -1, math.Inf(1)
	at, _ := slices.BinarySearch(all, x)
	for _, i := range []int{at - 1, at} {
		if i >= 0 && i < len(all) && math.Abs(all[i]-x) < gap {
			best, gap = i, math.Abs(all[i]-x)
		}
	}
	if best < 0 {
		return 0, false
	}
	c := t.Columns[j]
	tolerance := max(matchRelative*max(math.Abs(x), math.Abs(all[best])), zeroRelative*(c.Max-c.Min))
	return best, gap <= tolerance
}

// nearest returns the row that is least far from a point: the squares of the
// differences in units of each column's range, and one for each other label.
func (t *Table) nearest(point []lab.Value) int {
	best, least := 0, math.Inf(1)
	for i, r := range t.Rows {
		sum := 0.0
		for j, c := range t.Columns {
			if c.Labels != nil {
				if r.Point[j].Label() != point[j].Label() {
					sum++
				}
			} else if c.Max > c.Min {
				d := (r.Point[j].Number() - point[j].Number()) / (c.Max - c.Min)
				sum += d * d
			}
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return best
}

func (t *Table) describe(point []lab.Value) string {
	parts := make([]string, len(point))
	for j, c := range t.Columns {
		parts[j] = fmt.Sprintf("%s=%s", c.Name, point[j])
		if c.Labels == nil {
			parts[j] = strings.TrimSuffix(fmt.Sprintf("%s=%v %s", c.Name, point[j].Number(), c.Unit), " ")
		}
	}
	return strings.Join(parts, ", ")
}

// OpenTables reads every set in dir: its folders that hold a space.json, in the
// order of their names, and dir itself when it is a set. It returns an Invalid
// error when there is none.
func OpenTables(dir string) ([]*Table, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "space.json"))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "look for tables in %s: %w", dir, err)
	}
	if one, _ := filepath.Glob(filepath.Join(dir, "space.json")); len(one) > 0 {
		found = one
	}
	if len(found) == 0 {
		return nil, lab.Errorf(lab.Invalid, "folder %s holds no table: expected space.json and table.csv in it, or in folders of it", dir)
	}
	tables := make([]*Table, len(found))
	for i, f := range found {
		if tables[i], err = OpenTable(filepath.Dir(f)); err != nil {
			return nil, err
		}
	}
	return tables, nil
}
