package truth

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// spaceFile is the part of a space.json that a look-up needs.
type spaceFile struct {
	Name       string `json:"name"`
	Lookup     string `json:"lookup"`
	Parameters []struct {
		Name   string            `json:"name"`
		Type   string            `json:"type"`
		Low    *float64          `json:"low"`
		High   *float64          `json:"high"`
		Levels []json.RawMessage `json:"levels"`
		Unit   lab.Unit          `json:"unit"`
	} `json:"parameters"`
	Objectives []struct {
		Name      string   `json:"name"`
		Direction string   `json:"direction"`
		Unit      lab.Unit `json:"unit"`
	} `json:"objectives"`
}

// publishedUnits are the units of well-known sets whose files leave them out,
// by set and column, from the papers that describe them.
//
//go:embed units.json
var publishedUnits []byte

// OpenTable reads a set in the shared table format: space.json says what the
// columns are, table.csv has one row per reading. It returns an Invalid error
// that names file, line and column of what is wrong.
func OpenTable(dir string) (*Table, error) {
	space, err := os.ReadFile(filepath.Join(dir, "space.json"))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "open table: %w", err)
	}
	f, err := os.Open(filepath.Join(dir, "table.csv"))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "open table: %w", err)
	}
	defer f.Close()
	t, err := ReadTable(filepath.Base(dir), space, f)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "open table %s: %w", dir, err)
	}
	return t, nil
}

// ReadTable reads a set from the two files of the shared table format. The name
// is that of a set whose space.json gives none.
func ReadTable(name string, space []byte, table io.Reader) (*Table, error) {
	s := spaceFile{Name: name}
	if err := json.Unmarshal(space, &s); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read space.json: %w", err)
	}
	t, err := s.table()
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read space.json: %w", err)
	}
	if err := t.read(table); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read table.csv: %w", err)
	}
	t.index()
	return t, nil
}

// table returns the table that the file describes, without its rows.
func (s spaceFile) table() (*Table, error) {
	var units map[string]map[string]lab.Unit
	if err := json.Unmarshal(publishedUnits, &units); err != nil {
		return nil, fmt.Errorf("read published units: %w", err)
	}
	t := &Table{Set: s.Name, Pool: s.Lookup == "pool"}
	if s.Lookup != "pool" && s.Lookup != "full-factorial" {
		return nil, fmt.Errorf(`lookup is %q; it is "pool" or "full-factorial"`, s.Lookup)
	}
	if len(s.Parameters) == 0 || len(s.Objectives) == 0 {
		return nil, errors.New("a table has at least one parameter and one objective")
	}
	for _, p := range s.Parameters {
		c := Column{Name: p.Name, Unit: p.Unit, Min: math.Inf(1), Max: math.Inf(-1)}
		if c.Unit == "" {
			c.Unit = units[s.Name][p.Name]
		}
		var err error
		switch p.Type {
		case "categorical":
			c.Labels, err = labels(p.Levels)
		case "discrete":
			c.Values, err = numbers(p.Levels)
		case "continuous", "integer":
		default:
			err = fmt.Errorf("type is %q; it is continuous, integer, discrete or categorical", p.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		if p.Low != nil && p.High != nil {
			c.Min, c.Max = *p.Low, *p.High
		}
		t.Columns = append(t.Columns, c)
	}
	for _, o := range s.Objectives {
		target := Target{Name: o.Name, Unit: o.Unit}
		if target.Unit == "" {
			target.Unit = units[s.Name][o.Name]
		}
		if target.Unit == "" {
			target.Unit = "1"
		}
		switch o.Direction {
		case "max", "maximize":
			target.Direction = lab.Maximize
		case "min", "minimize":
			target.Direction = lab.Minimize
		default:
			return nil, fmt.Errorf(`objective %q: direction is %q; it is "max" or "min"`, o.Name, o.Direction)
		}
		t.Targets = append(t.Targets, target)
	}
	return t, nil
}

// labels reads the levels of a categorical parameter; a number is its text.
func labels(raw []json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, errors.New("it has no levels")
	}
	out := make([]string, len(raw))
	for i, r := range raw {
		if json.Unmarshal(r, &out[i]) != nil {
			out[i] = string(r)
		}
	}
	return out, nil
}

// numbers reads the levels of a discrete parameter.
func numbers(raw []json.RawMessage) ([]float64, error) {
	if len(raw) == 0 {
		return nil, errors.New("it has no levels")
	}
	out := make([]float64, len(raw))
	for i, r := range raw {
		if err := json.Unmarshal(r, &out[i]); err != nil {
			return nil, fmt.Errorf("level %s is no number", r)
		}
	}
	return out, nil
}

// read groups the readings of a table.csv by their point.
func (t *Table) read(src io.Reader) error {
	in := csv.NewReader(src)
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("read its header: %w", err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.TrimPrefix(name, "\ufeff")] = i
	}
	for _, name := range t.names() {
		if _, ok := at[name]; !ok {
			return fmt.Errorf("column %q of space.json is missing; the columns are %s", name, strings.Join(head, ", "))
		}
	}
	var readings [][][]float64 // per row and reading, the targets
	rows := map[string]int{}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		line, _ := in.FieldPos(0)
		point, values, err := t.parse(record, at)
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		key := exactKey(point)
		i, known := rows[key]
		if !known {
			i = len(t.Rows)
			rows[key] = i
			t.Rows, readings = append(t.Rows, Row{Point: point}), append(readings, nil)
		}
		readings[i] = append(readings[i], values)
	}
	if len(t.Rows) == 0 {
		return errors.New("it has no rows")
	}
	for i := range t.Rows {
		t.Rows[i].summarise(readings[i])
	}
	return nil
}

func (t *Table) names() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	for _, k := range t.Targets {
		names = append(names, k.Name)
	}
	return names
}

// parse reads a line, and widens the bounds of the columns to hold it.
func (t *Table) parse(record []string, at map[string]int) ([]lab.Value, []float64, error) {
	point, values := make([]lab.Value, len(t.Columns)), make([]float64, len(t.Targets))
	for j := range t.Columns {
		c := &t.Columns[j]
		cell := record[at[c.Name]]
		if c.Labels != nil {
			if !slices.Contains(c.Labels, cell) {
				return nil, nil, fmt.Errorf("column %s: %q is none of its levels %s", c.Name, cell, strings.Join(c.Labels, ", "))
			}
			point[j] = lab.Label(cell)
			continue
		}
		x, err := number(cell)
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		c.Min, c.Max = min(c.Min, x), max(c.Max, x)
		point[j] = lab.Number(x)
	}
	for k, target := range t.Targets {
		x, err := number(record[at[target.Name]])
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", target.Name, err)
		}
		values[k] = x
	}
	return point, values, nil
}

func number(cell string) (float64, error) {
	x, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no finite number", cell)
	}
	return x, nil
}

func exactKey(point []lab.Value) string {
	var b strings.Builder
	for _, v := range point {
		fmt.Fprintf(&b, "%q %x\n", v.Label(), math.Float64bits(v.Number()))
	}
	return b.String()
}

// summarise sets mean and standard deviation from a point's readings.
func (r *Row) summarise(readings [][]float64) {
	n := float64(len(readings))
	r.Readings, r.Mean = len(readings), make([]float64, len(readings[0]))
	for _, reading := range readings {
		for k, x := range reading {
			r.Mean[k] += x
		}
	}
	for k := range r.Mean {
		r.Mean[k] /= n
	}
	if len(readings) == 1 {
		return
	}
	r.SD = make([]float64, len(r.Mean))
	for k, mean := range r.Mean {
		sum := 0.0
		for _, reading := range readings {
			sum += (reading[k] - mean) * (reading[k] - mean)
		}
		r.SD[k] = math.Sqrt(sum / (n - 1))
	}
}
