package askdata

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// Columns returns the names that [Write] gives to columns by default: the
// parameters, the parts of compositions, and the objectives.
func Columns(s lab.Space, objectives []lab.Objective) []string { return wanted(s, objectives) }

// WriteNames writes the first row of a table.
func WriteNames(w io.Writer, columns []string) error {
	out := csv.NewWriter(w)
	// The error of a flush is the first of any write.
	_ = out.Write(columns)
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the names of the columns: %w", err)
	}
	return nil
}

// Write adds rows of a table for proposals, their outcomes empty, so that the
// table with them reads as experiments that still run. Columns are as in the
// table's first row; those of other things stay empty. comma separates them.
func Write(w io.Writer, columns []string, comma rune, s lab.Space, proposals []lab.Proposal) error {
	out := csv.NewWriter(w)
	out.Comma = comma
	for _, p := range proposals {
		row := make([]string, len(columns))
		for i, text := range columns {
			name, _ := split(text)
			c, _ := match(name, s, nil)
			if c.parameter < 0 {
				continue
			}
			at := slices.IndexFunc(p.Settings, func(set lab.Setting) bool { return set.Name == s.Parameters[c.parameter].Name })
			if at < 0 {
				continue // it is absent
			}
			switch v := p.Settings[at].Value; v.Kind() {
			case lab.IsLabel:
				row[i] = v.Label()
			case lab.IsParts:
				row[i] = number(v.Parts()[c.part])
			default:
				row[i] = number(v.Number())
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write a suggestion: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the suggestions: %w", err)
	}
	return nil
}

// Layout returns the names of a table's columns and what separates them.
func Layout(r io.Reader) (columns []string, comma rune, err error) {
	reader, err := newReader(r)
	if err != nil {
		return nil, 0, err
	}
	if columns, err = reader.Read(); err != nil {
		return nil, 0, parseError(err)
	}
	return columns, reader.Comma, nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
