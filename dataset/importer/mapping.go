package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// MappingVersion is the first line of every mapping of this form.
const MappingVersion = "import-mapping/1"

// Role says what a column becomes.
type Role string

// The roles of columns.
const (
	Parameter Role = "parameter" // what was chosen: a number with a unit, or a label
	Objective Role = "objective" // what was seen: a number with a unit
	Kept      Role = "attribute" // kept word for word beside the row
	Ignored   Role = "ignore"    // left out, and counted
)

// Type says how the texts of a column are read.
type Type string

// The types of columns.
const (
	NumberType  Type = "number"
	IntegerType Type = "integer"
	TextType    Type = "text"
	TimeType    Type = "time"   // recognized and kept as text
	SMILESType  Type = "smiles" // a label or text that is well formed SMILES
)

// Types are all of them.
var Types = []Type{NumberType, IntegerType, TextType, TimeType, SMILESType}

// UnitSource says where the unit of a column was found.
type UnitSource string

// The sources of units, the most telling first.
const (
	FromUnitColumn UnitSource = "unit_column"
	FromUnitsRow   UnitSource = "units_row"
	FromHeader     UnitSource = "header"
	FromSuffix     UnitSource = "header_suffix"
	FromCells      UnitSource = "cells"
	FromFormat     UnitSource = "format"
	FromSidecar    UnitSource = "sidecar"
	FromMapping    UnitSource = "mapping"
	FromNowhere    UnitSource = "none"
)

// Mapping says what a table means.
type Mapping struct {
	Athanor string          `json:"athanor" yaml:"athanor"`
	Table   string          `json:"table" yaml:"table"` // the sheet, or ""
	Dialect tabular.Dialect `json:"dialect" yaml:"dialect"`
	// EncodingConfirmed lets text through that is in a guessed encoding.
	EncodingConfirmed bool           `json:"encoding_confirmed" yaml:"encoding_confirmed"`
	Layout            tabular.Layout `json:"layout" yaml:"layout"`
	Columns           []Column       `json:"columns" yaml:"columns"`
	// IgnoreRows leave out whole rows of data, and count them.
	IgnoreRows []RowRule `json:"ignore_rows,omitempty" yaml:"ignore_rows,omitempty"`
}

// RowRule leaves out the rows whose cell of a column is one of some texts, such
// as runs that were only calibrations.
type RowRule struct {
	Column int      `json:"column" yaml:"column"` // from 1
	Is     []string `json:"is" yaml:"is"`         // without the blanks around them; "" is an empty cell
	Why    string   `json:"why,omitempty" yaml:"why,omitempty"`
}

// leavesOut reports whether a rule ignores a row of data.
func (m Mapping) leavesOut(r *tabular.Record) bool {
	for _, rule := range m.IgnoreRows {
		if rule.Column <= len(r.Cells) && slices.Contains(rule.Is, strings.TrimSpace(r.Cells[rule.Column-1].Text)) {
			return true
		}
	}
	return false
}

// Column says what a column means. Only Confirmed ones are imported; the cells
// of others are held back with Question.
type Column struct {
	At     int      `json:"at" yaml:"at"` // from 1
	Header string   `json:"header" yaml:"header"`
	Name   string   `json:"name" yaml:"name"`
	Role   Role     `json:"role" yaml:"role"`
	Type   Type     `json:"type" yaml:"type"`
	Unit   lab.Unit `json:"unit,omitempty" yaml:"unit,omitempty"`
	// UnitColumn, when not 0, holds the unit of each cell; numbers are converted
	// to Unit.
	UnitColumn int      `json:"unit_column,omitempty" yaml:"unit_column,omitempty"`
	Min        *float64 `json:"min,omitempty" yaml:"min,omitempty"` // in Unit; beyond is a fault
	Max        *float64 `json:"max,omitempty" yaml:"max,omitempty"`
	// FarBelow and FarAbove bound what is believable beside the other numbers of
	// the column; they are proposed, and a number beyond is held back.
	FarBelow *float64 `json:"far_below,omitempty" yaml:"far_below,omitempty"`
	FarAbove *float64 `json:"far_above,omitempty" yaml:"far_above,omitempty"`

	Confirmed  bool       `json:"confirmed" yaml:"confirmed"`
	UnitSource UnitSource `json:"unit_source,omitempty" yaml:"unit_source,omitempty"`
	Confidence float64    `json:"confidence" yaml:"confidence"` // 0 to 1
	Why        string     `json:"why,omitempty" yaml:"why,omitempty"`
	Question   string     `json:"question,omitempty" yaml:"question,omitempty"`
	Candidates []string   `json:"candidates,omitempty" yaml:"candidates,omitempty"` // units
}

// ReadMapping reads a mapping of YAML or JSON. Unknown fields and anything
// [Mapping.Check] finds are [lab.Invalid].
func ReadMapping(r io.Reader) (Mapping, error) {
	var m Mapping
	const most = 16 << 20
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return m, fmt.Errorf("read the mapping: %w", err)
	}
	if len(b) > most {
		return m, lab.Errorf(lab.Invalid, "the mapping has more than %d bytes", most)
	}
	if err := yaml.UnmarshalWithOptions(b, &m, yaml.Strict()); err != nil {
		return m, lab.Errorf(lab.Invalid, "the mapping cannot be read: %s", yaml.FormatError(err, false, true))
	}
	return m, m.Check()
}

// Write writes m as YAML.
func (m Mapping) Write(w io.Writer) error {
	b, err := yaml.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the mapping: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// Check reports, as [lab.Invalid], the first thing about m that cannot be.
func (m Mapping) Check() error {
	if m.Athanor != MappingVersion {
		return lab.Errorf(lab.Invalid, "athanor: %q; want %q", m.Athanor, MappingVersion)
	}
	if len(m.Columns) != m.Layout.Width || len(m.Layout.Names) != m.Layout.Width {
		return lab.Errorf(lab.Invalid, "columns: %d of them and %d names for a table of %d columns; every column needs one, ignored ones too", len(m.Columns), len(m.Layout.Names), m.Layout.Width)
	}
	if m.Dialect.Decimal != "." && m.Dialect.Decimal != "," {
		return lab.Errorf(lab.Invalid, "dialect.decimal: %q; want \".\" or \",\"", m.Dialect.Decimal)
	}
	names := map[string]int{}
	for i, c := range m.Columns {
		bad := func(format string, args ...any) error {
			return lab.Errorf(lab.Invalid, "columns[%d] (%s): %w", i, c.Header, lab.Errorf(lab.Invalid, format, args...))
		}
		switch {
		case c.At != i+1:
			return bad("at: %d; want %d, columns stand in the order of the table", c.At, i+1)
		case c.Name == "":
			return bad("name: it is missing")
		case names[c.Name] != 0:
			return bad("name: %q is also the name of column %d", c.Name, names[c.Name])
		case c.Role != Parameter && c.Role != Objective && c.Role != Kept && c.Role != Ignored:
			return bad("role: %q; want parameter, objective, attribute or ignore", c.Role)
		case !slices.Contains(Types, c.Type):
			return bad("type: %q; want one of %q", c.Type, Types)
		case c.Role == Objective && !c.numeric():
			return bad("type: an objective is a number, not %s", c.Type)
		case c.UnitColumn < 0 || c.UnitColumn > len(m.Columns) || c.UnitColumn == c.At:
			return bad("unit_column: %d is no other column", c.UnitColumn)
		case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
			return bad("min: %g is above max %g", *c.Min, *c.Max)
		}
		if c.needsUnit() && c.Confirmed {
			if c.Unit == "" {
				return bad("unit: a confirmed number needs one; %q when it has no dimension", "1")
			}
			if _, err := ucum.Parse(string(c.Unit)); err != nil {
				return bad("unit: %w", err)
			}
		}
		names[c.Name] = i + 1
	}
	for i, rule := range m.IgnoreRows {
		switch {
		case rule.Column < 1 || rule.Column > len(m.Columns):
			return lab.Errorf(lab.Invalid, "ignore_rows[%d].column: %d; want 1 to %d", i, rule.Column, len(m.Columns))
		case len(rule.Is) == 0:
			return lab.Errorf(lab.Invalid, "ignore_rows[%d].is: it is missing; want the texts whose rows are ignored", i)
		}
	}
	return nil
}

func (c Column) numeric() bool { return c.Type == NumberType || c.Type == IntegerType }

func (c Column) needsUnit() bool { return c.numeric() && (c.Role == Parameter || c.Role == Objective) }

// Hash names what m does to a table: mappings that differ only in their
// reasons, confidences and questions have one hash.
func (m Mapping) Hash() string {
	m.Columns = append([]Column(nil), m.Columns...)
	for i := range m.Columns {
		c := &m.Columns[i]
		c.UnitSource, c.Confidence, c.Why, c.Candidates = "", 0, "", nil
		if c.Confirmed {
			c.Question = ""
		}
	}
	m.IgnoreRows = slices.Clone(m.IgnoreRows)
	for i := range m.IgnoreRows {
		m.IgnoreRows[i].Why = ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("importer: a mapping is always JSON")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
