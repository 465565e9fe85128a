package importer

import (
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Answers are what a person says about the columns of a proposed mapping, each
// as COLUMN=WORD, where the column is its name or its header.
type Answers struct {
	Units   []string // COLUMN=UNIT: its numbers are in this unit
	Roles   []string // COLUMN=ROLE
	Confirm []string // COLUMN: it is right as it was proposed
}

// Answer changes the mapping as it was answered: a column with a unit, a role or
// a word of confirmation is confirmed. What names no column is [lab.Invalid].
func (m *Mapping) Answer(a Answers) error {
	for _, say := range a.Roles {
		c, role, err := m.named(say, "role")
		if err != nil {
			return err
		}
		if c.Role = Role(role); c.Role == Objective && !c.numeric() {
			c.Type = NumberType // what is seen is a number
		}
		if !c.needsUnit() || c.Unit != "" {
			c.confirm()
		}
	}
	for _, say := range a.Units {
		c, unit, err := m.named(say, "unit")
		if err != nil {
			return err
		}
		if !c.needsUnit() {
			return lab.Errorf(lab.Invalid, "unit %q: %s is %s of type %s, which has no unit; if it is a number that was seen or chosen, say --role %s too", say, c.Name, article(c.Role), c.Type, quoted(c.Name+"=objective"))
		}
		if unit != string(c.Unit) {
			c.UnitSource = FromMapping
		}
		c.Unit = lab.Unit(unit)
		c.confirm()
	}
	for _, name := range a.Confirm {
		c := m.column(name)
		if c == nil {
			return m.unknown(name, "confirm")
		}
		if c.needsUnit() && c.Unit == "" {
			return lab.Errorf(lab.Invalid, "confirm %q: %s; say %s", name, c.Question, c.Answer())
		}
		c.confirm()
	}
	return m.Check()
}

func (c *Column) confirm() { c.Confirmed, c.Question = true, "" }

// named divides "column=word"; a header may hold the sign itself.
func (m *Mapping) named(say, what string) (c *Column, word string, err error) {
	for at := len(say); ; {
		at = strings.LastIndexByte(say[:at], '=')
		if at < 0 {
			return nil, "", m.unknown(say, what)
		}
		if c := m.column(say[:at]); c != nil && at+1 < len(say) {
			return c, say[at+1:], nil
		}
	}
}

func (m *Mapping) column(name string) *Column {
	is := func(same func(Column) bool) int { return slices.IndexFunc(m.Columns, same) }
	i := is(func(c Column) bool { return c.Name == name })
	if i < 0 {
		i = is(func(c Column) bool { return c.Header == strings.TrimSpace(name) })
	}
	if i < 0 {
		return nil
	}
	return &m.Columns[i]
}

func (m *Mapping) unknown(say, what string) error {
	var names []string
	for _, c := range m.Columns {
		names = append(names, c.Name)
	}
	want := "COLUMN=" + strings.ToUpper(what)
	if what == "confirm" {
		want = "COLUMN"
	}
	return lab.Errorf(lab.Invalid, "%s %q: want %s, with one of the columns %s", what, say, want, strings.Join(names, ", "))
}

// Answer says how the column's question is answered on the command line and in a
// mapping; it is "" for one that is confirmed.
func (c *Column) Answer() string {
	switch {
	case c.Confirmed:
		return ""
	case !c.needsUnit() || c.Unit != "" && len(c.Candidates) == 0:
		return "--confirm " + quoted(c.Name) + " when it is, or confirmed: true in the mapping"
	}
	unit, others := string(c.Unit), ""
	if len(c.Candidates) > 0 {
		unit = c.Candidates[0]
		if rest := c.Candidates[1:]; len(rest) > 0 {
			others = " (or " + strings.Join(rest, ", ") + ")"
		}
	}
	if unit == "" {
		return "--unit " + quoted(c.Name+"=UNIT") + " with its UCUM code (1 when it has none), or unit and confirmed: true in the mapping"
	}
	return "--unit " + quoted(c.Name+"="+unit) + others + `, or unit: "` + unit + `" and confirmed: true in the mapping`
}

// quoted puts what a shell would take apart into quotes.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=%./-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
