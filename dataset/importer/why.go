package importer

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Why walks from a row that was imported back to the cells of its file.
type Why struct {
	Row     Row    `json:"row"`
	Held    *Held  `json:"held,omitempty"` // when it is held back: then Row is empty
	Import  string `json:"import"`
	File    string `json:"file"`   // its name
	SHA256  string `json:"sha256"` // of its bytes, computed anew
	Table   string `json:"table"`  // the sheet, or ""
	At      int    `json:"at"`     // the row of the file, from 1
	Offset  int64  `json:"offset"` // of the row in bytes; -1 where rows have none
	Mapping string `json:"mapping"`
	Cells   []Cell `json:"cells"`
}

// Cell is a cell of the file, and what it became.
type Cell struct {
	Column     int        `json:"column"` // from 1
	Header     string     `json:"header"`
	Text       string     `json:"text"`   // as the file has it
	Offset     int64      `json:"offset"` // in bytes; -1 where cells have none
	Fate       string     `json:"fate"`
	Name       string     `json:"name,omitempty"`
	Role       Role       `json:"role,omitempty"`
	Became     string     `json:"became,omitempty"`
	UnitSource UnitSource `json:"unit_source,omitempty"`
	Correction string     `json:"correction,omitempty"` // what a person wrote in its place
}

var fateWords = map[Fate]string{Mapped: "mapped", Attributed: "attribute", Quarantined: "quarantined", Blank: "blank", LeftOut: "ignored"}

// Explain reads the file of an import again and finds the cells of a row in it.
// held is the row when it is held back; else row was imported. The file must be
// the one that was imported, to the byte.
func (job Job) Explain(row Row, held *Held) (w Why, err error) {
	o, err := job.Look()
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	source := row.Source
	if held != nil {
		source = held.Source
	}
	w = Why{Row: row, Held: held, Import: o.Import(), SHA256: o.SHA256, Table: source.Table, At: source.Row, Mapping: o.Mapping.Hash(), Offset: -1}
	if o.SHA256 != source.SHA256 {
		return w, lab.Errorf(lab.Conflict, "the file has the SHA-256 %s, and the row came from %s", o.SHA256, source.SHA256)
	}
	found := errors.New("found")
	err = o.Table.Each(func(r tabular.Record) error {
		if r.Number != source.Row {
			return nil
		}
		w.Offset = r.Offset
		tr := newTranslator(o.Mapping)
		_, fates, _ := tr.translate(&r)
		for i, c := range r.Cells {
			w.Cells = append(w.Cells, o.Mapping.cellOf(i, c, fates, held != nil))
		}
		return found
	})
	if err == nil {
		return w, lab.Errorf(lab.Conflict, "the file has no row %d", source.Row)
	}
	if !errors.Is(err, found) {
		return w, err
	}
	w.join(row)
	return w, nil
}

func (m Mapping) cellOf(i int, c tabular.Cell, fates []Fate, held bool) Cell {
	cell := Cell{Column: i + 1, Text: jsonText(c.Text), Offset: c.Offset, Fate: fateWords[Quarantined]}
	if i < len(fates) && !held {
		cell.Fate = fateWords[fates[i]]
	}
	if i < len(m.Columns) {
		col := m.Columns[i]
		cell.Header, cell.Name, cell.Role, cell.UnitSource = col.Header, col.Name, col.Role, col.UnitSource
	}
	return cell
}

// join says of every cell what it became in the row.
func (w *Why) join(row Row) {
	became := map[string]string{}
	for _, s := range row.Settings {
		became[s.Name] = strings.TrimSpace(s.Value.String() + " " + string(s.Unit))
	}
	for _, o := range row.Observed {
		became[o.Name] = strings.TrimSpace(strconv.FormatFloat(o.Value, 'g', -1, 64) + " " + string(o.Unit))
	}
	for _, a := range row.Attributes {
		became[a.Name] = a.Text
	}
	for i := range w.Cells {
		c := &w.Cells[i]
		if c.Became = became[c.Name]; c.Became == "" {
			continue
		}
		c.Fate = "mapped"
		if c.Role == Kept {
			c.Fate = "attribute"
		}
	}
	for _, k := range row.Corrected {
		for len(w.Cells) < k.Column { // the file had no such cell
			w.Cells = append(w.Cells, Cell{Column: len(w.Cells) + 1, Offset: -1, Fate: "added"})
		}
		w.Cells[k.Column-1].Correction = k.To
	}
}

// Tell writes the walk for a person.
func (w Why) Tell(out io.Writer) error {
	var b strings.Builder
	what := "Row " + w.Row.ID + " was imported"
	if w.Held != nil {
		what = "Row " + RowID(w.Import, w.At) + " is held back"
	}
	sheet := ""
	if w.Table != "" {
		sheet = fmt.Sprintf(", sheet %q", w.Table)
	}
	at := ""
	if w.Offset >= 0 {
		at = fmt.Sprintf(", byte %d", w.Offset)
	}
	fmt.Fprintf(&b, "%s\n  from %s%s, row %d%s\n  whose bytes have the SHA-256 %s\n  by the mapping %s\n  as import %s\n\n", what, w.File, sheet, w.At, at, w.SHA256, w.Mapping, w.Import)
	for _, c := range w.Cells {
		fmt.Fprintf(&b, "  column %d", c.Column)
		if c.Header != "" {
			fmt.Fprintf(&b, " %q", c.Header)
		}
		if c.Offset >= 0 {
			fmt.Fprintf(&b, ", byte %d", c.Offset)
		}
		fmt.Fprintf(&b, ": %q", clip(c.Text))
		if c.Correction != "" {
			fmt.Fprintf(&b, ", corrected to %q,", clip(c.Correction))
		}
		switch {
		case c.Became != "":
			fmt.Fprintf(&b, " → %s %s = %s", c.Role, c.Name, clip(c.Became))
			if c.UnitSource != "" && c.UnitSource != FromNowhere {
				fmt.Fprintf(&b, " (unit from %s)", strings.ReplaceAll(string(c.UnitSource), "_", " "))
			}
		default:
			fmt.Fprintf(&b, " is %s", c.Fate)
		}
		b.WriteByte('\n')
		w.faultsOf(&b, c.Column)
	}
	w.faultsOf(&b, 0)
	_, err := io.WriteString(out, b.String())
	return err
}

func (w Why) faultsOf(b *strings.Builder, column int) {
	if w.Held == nil {
		return
	}
	for _, f := range w.Held.Faults {
		if f.Column == column {
			fmt.Fprintf(b, "    %s: %s; want %s\n", f.Code, f.Why, f.Want)
		}
	}
}

// ExplainDir is [Job.Explain] of a row of an import that is kept below dir.
func ExplainDir(dir, rowID string, open Opener) (Why, error) {
	imp, number, err := ParseRowID(rowID)
	if err != nil {
		return Why{}, err
	}
	folder, err := folderOf(dir, imp)
	if err != nil {
		return Why{}, err
	}
	report, m, source, err := readKept(folder)
	if err != nil {
		return Why{}, err
	}
	job := Job{Path: source, Open: open, Mapping: &m}
	done := errors.New("done")
	var w Why
	err = EachKept(folder, func(r Row) error {
		if r.Source.Row != number {
			return nil
		}
		if w, err = job.Explain(r, nil); err != nil {
			return err
		}
		return done
	})
	if err == nil {
		w, err = job.explainHeld(folder, number)
	} else if errors.Is(err, done) {
		err = nil
	}
	w.File = report.Source
	return w, err
}

func (job Job) explainHeld(folder string, number int) (Why, error) {
	held, err := readHeldFile(filepath.Join(folder, "quarantine.jsonl"))
	if err != nil {
		return Why{}, err
	}
	if i := slices.IndexFunc(held, func(h Held) bool { return h.Source.Row == number }); i >= 0 {
		return job.Explain(Row{}, &held[i])
	}
	return Why{}, lab.Errorf(lab.NotFound, "row %d of the import in %s is no row of data", number, folder)
}
