package askdata

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Table is what a spreadsheet says.
type Table struct {
	Known   []lab.Known   // experiments that ended, by their row
	Pending []lab.Pending // experiments without an outcome
	Ignored []string      // columns that are neither parameter nor objective
}

// Brief returns the table as a brief that wants n more experiments. The same
// table, seed and n give the same plan.
func (t Table) Brief(s lab.Space, objectives []lab.Objective, policy lab.PlanPolicy, n int, seed uint64) lab.Brief {
	done := len(t.Known) + len(t.Pending)
	return lab.Brief{
		Round: 1, First: done + 1, Want: n, Space: s, Objectives: objectives,
		Policy: policy, Seed: seed, Known: t.Known, Pending: t.Pending,
	}
}

// column is what a column of the table holds.
type column struct {
	name      string
	parameter int // index in the space, or -1
	part      int // of a composition
	objective int // index, or -1
	sigma     bool
	failed    bool
}

// maxMistakes is how many rows with mistakes are told of at once.
const maxMistakes = 10

// Read reads a table of experiments in the space. Its errors are of kind
// [lab.Invalid] and name row, column and what would be right, a line to a row
// with a mistake; rows count from 1, the first being that of the names.
func Read(r io.Reader, s lab.Space, objectives []lab.Objective) (Table, error) {
	reader, err := newReader(r)
	if err != nil {
		return Table{}, err
	}
	names, err := reader.Read()
	if err != nil {
		return Table{}, parseError(err)
	}
	var t Table
	columns, err := columnsOf(names, s, objectives, &t)
	if err != nil {
		return Table{}, err
	}
	var mistakes []string
	for number := 1; ; {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) || len(mistakes) == maxMistakes {
			if len(mistakes) > 0 {
				return Table{}, lab.Errorf(lab.Invalid, "%s", strings.Join(mistakes, "\n"))
			}
			return t, nil
		}
		if err != nil {
			return Table{}, parseError(err)
		}
		if !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimSpace(f) != "" }) {
			continue
		}
		row, _ := reader.FieldPos(0)
		if err := t.add(number, row, columns, fields, s, objectives); err != nil {
			mistakes = append(mistakes, err.Error())
		}
		number++
	}
}

// newReader finds out what separates the columns.
func newReader(r io.Reader) (*csv.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		// Peek has shown that there are three bytes to discard.
		_, _ = b.Discard(3)
	}
	head, err := b.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, lab.Errorf(lab.Invalid, "read the table: %w", err)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, lab.Errorf(lab.Invalid, "the table is empty; its first row names a column to each parameter and objective")
	}
	first, _, _ := bytes.Cut(head, []byte("\n"))
	out := csv.NewReader(b)
	most := 0
	for _, sign := range ",;\t" {
		if n := bytes.Count(first, []byte(string(sign))); n > most {
			most, out.Comma = n, sign
		}
	}
	out.TrimLeadingSpace = out.Comma != '\t'
	return out, nil
}

func parseError(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		if errors.Is(err, csv.ErrFieldCount) {
			return lab.Errorf(lab.Invalid, "row %d has another number of columns than the first row; every row has one field to a column", p.Line)
		}
		return lab.Errorf(lab.Invalid, "row %d, character %d: %w; put text with commas or quotation marks between quotation marks, doubled inside", p.Line, p.Column, p.Err)
	}
	return lab.Errorf(lab.Invalid, "read the table: %w", err)
}

// columnsOf matches the names of the first row.
func columnsOf(names []string, s lab.Space, objectives []lab.Objective, t *Table) ([]column, error) {
	var out []column
	seen := make(map[string]int)
	for i, text := range names {
		name, unit := split(text)
		c, wants := match(name, s, objectives)
		if c.parameter < 0 && c.objective < 0 && !c.failed {
			t.Ignored = append(t.Ignored, strings.TrimSpace(text))
		} else if before, twice := seen[c.name]; twice {
			return nil, lab.Errorf(lab.Invalid, "row 1: columns %d and %d are both %q; name a column once", before+1, i+1, c.name)
		} else if unit != "" && unit != string(wants) {
			return nil, lab.Errorf(lab.Invalid, "row 1, column %q: %s is in %q, not in %q; convert the column or the space", text, c.name, wants, unit)
		}
		seen[c.name] = i
		out = append(out, c)
	}
	var missing []string
	for _, want := range wanted(s, objectives) {
		if _, ok := seen[want]; !ok {
			missing = append(missing, strconv.Quote(want))
		}
	}
	if len(missing) > 0 {
		return nil, lab.Errorf(lab.Invalid, "row 1 has no column %s; there is one to each parameter and objective, and it has %s", strings.Join(missing, ", "), quoted(names))
	}
	return out, nil
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strconv.Quote(strings.TrimSpace(n))
	}
	return strings.Join(out, ", ")
}

// split takes the unit in brackets off a column's name.
func split(text string) (name, unit string) {
	text = strings.TrimSpace(text)
	if open := strings.LastIndexByte(text, '['); open > 0 && strings.HasSuffix(text, "]") {
		return strings.TrimSpace(text[:open]), strings.TrimSpace(text[open+1 : len(text)-1])
	}
	return text, ""
}

// wanted lists the columns that a table must have.
func wanted(s lab.Space, objectives []lab.Objective) []string {
	var out []string
	for _, p := range s.Parameters {
		if p.Type != lab.Composition {
			out = append(out, p.Name)
			continue
		}
		for _, part := range p.Parts {
			out = append(out, p.Name+"."+part)
		}
	}
	for _, o := range objectives {
		out = append(out, o.Name)
	}
	return out
}

// match says what a column of a name is, and its unit.
func match(name string, s lab.Space, objectives []lab.Objective) (column, lab.Unit) {
	c := column{name: name, parameter: -1, objective: -1}
	for i, p := range s.Parameters {
		if p.Type != lab.Composition && p.Name == name {
			c.parameter = i
			return c, p.Unit
		}
		for k, part := range p.Parts {
			if p.Type == lab.Composition && p.Name+"."+part == name {
				c.parameter, c.part = i, k
				return c, p.Unit
			}
		}
	}
	for j, o := range objectives {
		if name == o.Name || name == o.Name+" sd" {
			c.objective, c.sigma = j, name != o.Name
			return c, o.Unit
		}
	}
	c.failed = name == "failed"
	return c, ""
}

// add reads one row.
func (t *Table) add(number, row int, columns []column, fields []string, s lab.Space, objectives []lab.Objective) error {
	values := make([]lab.Value, len(s.Parameters))
	parts := make(map[int][]float64)
	outcomes := make([]*float64, len(objectives))
	sigmas := make([]*float64, len(objectives))
	failed := false
	for i, c := range columns {
		text := strings.TrimSpace(fields[i])
		var err error
		switch {
		case c.failed:
			failed, err = yes(text)
		case c.parameter >= 0 && text == "" && s.Parameters[c.parameter].When != "":
			// It is absent; whether it may be is for the space to say.
		case c.parameter >= 0 && s.Parameters[c.parameter].Type == lab.Composition:
			p := s.Parameters[c.parameter]
			if parts[c.parameter] == nil {
				parts[c.parameter] = make([]float64, len(p.Parts))
			}
			var v float64
			if v, err = number64(text); err == nil && v < 0 {
				err = lab.Errorf(lab.Invalid, "%g is below 0; a part is a number from 0", v)
			}
			parts[c.parameter][c.part] = v
		case c.parameter >= 0:
			values[c.parameter], err = setting(text, s.Parameters[c.parameter])
		case c.objective >= 0 && text != "":
			var v float64
			v, err = number64(text)
			if c.sigma {
				if err == nil && v < 0 {
					err = lab.Errorf(lab.Invalid, "%g is below 0; a standard deviation is a number from 0", v)
				}
				sigmas[c.objective] = &v
			} else {
				outcomes[c.objective] = &v
			}
		}
		if err != nil {
			return lab.Errorf(lab.Invalid, "row %d, column %q: %w", row, c.name, err)
		}
	}
	settings := make([]lab.Setting, 0, len(values))
	for i, p := range s.Parameters {
		if p.Type == lab.Composition && parts[i] != nil {
			values[i] = lab.Parts(parts[i])
		}
		if values[i].Kind() != lab.Absent {
			settings = append(settings, lab.Setting{Name: p.Name, Value: values[i], Unit: p.Unit})
		}
	}
	var observed []lab.Measured
	for j, o := range objectives {
		if outcomes[j] != nil {
			observed = append(observed, lab.Measured{Name: o.Name, Value: *outcomes[j], Sigma: sigmas[j], Unit: o.Unit})
		} else if sigmas[j] != nil {
			return lab.Errorf(lab.Invalid, "row %d, column %q has a standard deviation and column %q no value; fill in both or neither", row, o.Name+" sd", o.Name)
		}
	}
	switch {
	case failed && observed != nil:
		return lab.Errorf(lab.Invalid, `row %d failed and has an outcome; leave the outcomes of a failed experiment empty, or "failed"`, row)
	case failed || observed != nil:
		t.Known = append(t.Known, lab.Known{Number: number, Settings: settings, Observed: observed, Failed: failed})
	default:
		t.Pending = append(t.Pending, lab.Pending{Number: number, Settings: settings})
	}
	return nil
}

// setting reads the value of a parameter that is no composition.
func setting(text string, p lab.Parameter) (lab.Value, error) {
	if p.Type == lab.Categorical {
		if !slices.Contains(p.Levels, text) {
			return lab.Value{}, lab.Errorf(lab.Invalid, "%q is no level; it is one of %s", text, strings.Join(p.Levels, ", "))
		}
		return lab.Label(text), nil
	}
	v, err := number64(text)
	switch {
	case err != nil:
		return lab.Value{}, err
	case p.Type == lab.Integer && v != math.Round(v):
		return lab.Value{}, lab.Errorf(lab.Invalid, "%g is not whole; the parameter is an integer", v)
	case p.Scale == "log" && v <= 0:
		return lab.Value{}, lab.Errorf(lab.Invalid, "%g is not above 0; the parameter has a log scale", v)
	}
	return lab.Number(v), nil
}

// number64 reads a finite number.
func number64(text string) (float64, error) {
	if text == "" {
		return 0, lab.Errorf(lab.Invalid, "no number is given; every experiment has a value for each parameter")
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		if point := strings.Replace(text, ",", ".", 1); point != text {
			if _, err := strconv.ParseFloat(point, 64); err == nil {
				return 0, lab.Errorf(lab.Invalid, "%q has a comma as decimal sign; write %s", text, point)
			}
		}
		return 0, lab.Errorf(lab.Invalid, "%q is not a number; write it without unit, as 12.5 or 3e-4", text)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, lab.Errorf(lab.Invalid, "%q is not finite; leave an outcome that is missing empty", text)
	}
	return v, nil
}

// yes reads the column failed.
func yes(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "1", "x":
		return true, nil
	case "", "no", "false", "0":
		return false, nil
	default:
		return false, lab.Errorf(lab.Invalid, `%q is neither "yes" nor "no"`, text)
	}
}
