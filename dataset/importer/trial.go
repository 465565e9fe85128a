package importer

import (
	"errors"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Bounds of a trial: it is made again with every word that a person changes.
const (
	trialRows   = 50_000 // physical rows that are read
	trialSample = 10     // rows of data that are shown from the beginning
	trialFaulty = 20     // and of those with faults that come later
)

// Trial tells what an import by a mapping would do, without doing it.
type Trial struct {
	Import  string   `json:"import"` // the name it would have
	SHA256  string   `json:"sha256"`
	Source  string   `json:"source"` // the name of the file
	Tables  []string `json:"tables"` // of the file, by name, that have rows
	Mapping Mapping  `json:"mapping"`
	YAML    string   `json:"yaml"` // the mapping, to be kept
	// Summary is of the first rows when Partial says that there are more.
	Summary Summary    `json:"summary"`
	Partial bool       `json:"partial"`
	Sample  []TriedRow `json:"sample"`
	// OnRecord says that the same bytes were imported by the same mapping before.
	OnRecord bool `json:"on_record"`
}

// TriedRow is a row of data, cell by cell, with what would become of it.
type TriedRow struct {
	Row    int      `json:"row"`
	Texts  []string `json:"texts"`
	Fates  string   `json:"fates"` // a letter to a cell: see [Fate]
	Faults []Fault  `json:"faults"`
}

// Try looks at the job's file and tells what [Run] would do with its first rows.
func (job Job) Try() (Trial, error) {
	o, err := job.Look()
	if err != nil {
		return Trial{}, err
	}
	t, err := o.try()
	return t, errors.Join(err, o.Close())
}

func (o *Opened) try() (t Trial, err error) {
	t = Trial{Import: o.Import(), SHA256: o.SHA256, Tables: o.Tables, Mapping: o.Mapping}
	faulty := 0
	show := func(r tabular.Record, fates []Fate, faults []Fault) {
		if len(t.Sample)-faulty >= trialSample && (len(faults) == 0 || faulty >= trialFaulty) {
			return
		}
		if len(t.Sample)-faulty >= trialSample {
			faulty++
		}
		row := TriedRow{Row: r.Number, Faults: append([]Fault{}, faults...), Texts: make([]string, len(r.Cells))}
		for i, c := range r.Cells {
			row.Texts[i] = clip(jsonText(c.Text))
		}
		for _, f := range fates {
			row.Fates += string(rune(f))
		}
		t.Sample = append(t.Sample, row)
	}
	none := Sinks{Row: func(*Row) error { return nil }, Held: func(Held) error { return nil }, Entry: func(Entry) error { return nil }}
	if t.Summary, t.Partial, err = run(o.Table, o.SHA256, o.Mapping, none, trialRows, show); err != nil {
		return t, err
	}
	m := o.Mapping
	m.Layout = o.Table.Layout
	var b strings.Builder
	err = m.Write(&b)
	t.YAML = b.String()
	return t, err
}

// ParseMapping reads a mapping from a text.
func ParseMapping(text string) (*Mapping, error) {
	m, err := ReadMapping(strings.NewReader(text))
	if err != nil {
		return nil, lab.Errorf(lab.KindOf(err), "read the mapping: %w", err)
	}
	return &m, nil
}
