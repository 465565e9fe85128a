package importer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Job is a file to import.
type Job struct {
	Path  string
	Sheet string // of a workbook; "" for the first that has rows
	// Mapping, when set, says what the columns are; without it one is proposed.
	Mapping *Mapping
	Hints   Hints
	// Dir takes the results, in a folder named by the import; "" for none.
	Dir    string
	Limits tabular.Limits
}

// Report is what [File] has done.
type Report struct {
	Summary
	Proposed Mapping `json:"-"` // as it was used
	// Dir holds mapping.yaml, rows.jsonl, quarantine.jsonl, ledger.jsonl and
	// summary.json; "" when nothing was to be kept.
	Dir string `json:"dir,omitempty"`
	// Repeated says that the same bytes were imported by the same mapping before.
	Repeated bool `json:"repeated"`
}

// File imports a file. What it keeps it writes aside and puts in place whole, so
// that an import is there or is not, and a second one changes nothing. The
// ledger is checked against the file before that.
func File(job Job) (Report, error) {
	var report Report
	sha, err := HashFile(job.Path)
	if err != nil {
		return report, err
	}
	o := tabular.Options{Limits: job.Limits, Sheet: job.Sheet}
	if job.Mapping != nil {
		d := job.Mapping.Dialect
		o.Delimiter, o.Decimal, o.Sheet, o.Layout = d.Delimiter, d.Decimal, job.Mapping.Table, nil
		if d.Encoding != "xlsx" {
			o.Encoding = d.Encoding
		}
	}
	source, err := tabular.Open(job.Path, o)
	if err != nil {
		return report, err
	}
	defer source.Close() //nolint:errcheck // it was only read
	t := source.Tables[0]
	for _, other := range source.Tables {
		if t.Layout.Width == 0 {
			t = other
		}
	}
	m, err := job.mapping(t)
	if err != nil {
		return report, err
	}
	report.Proposed = m
	t.Dialect.Guessed = m.Dialect.Guessed
	if job.Dir == "" {
		none := Sinks{Row: func(Row) error { return nil }, Held: func(Held) error { return nil }, Entry: func(Entry) error { return nil }}
		report.Summary, err = Run(t, sha, m, none)
		return report, err
	}
	report.Dir = filepath.Join(job.Dir, importID(sha, m.Hash()))
	if before, err := os.ReadFile(filepath.Join(report.Dir, "summary.json")); err == nil {
		report.Repeated = true
		if err := json.Unmarshal(before, &report.Summary); err != nil {
			return report, lab.Errorf(lab.Conflict, "%s holds an import that cannot be read: %w", report.Dir, err)
		}
		return report, nil
	}
	report.Summary, err = job.keep(t, sha, m, report.Dir)
	return report, err
}

func (job Job) mapping(t *tabular.Table) (Mapping, error) {
	if job.Mapping == nil {
		return Propose(t, job.Hints)
	}
	// What the mapping says of the layout wins where its header is found there;
	// else the table stands elsewhere in this file, and Run compares its columns.
	m := *job.Mapping
	there, err := stands(t, m.Layout)
	if there {
		t.Layout = m.Layout
	}
	return m, err
}

// stands reports whether the header of l is at its place in the table.
func stands(t *tabular.Table, l tabular.Layout) (bool, error) {
	if l.HeaderFrom == 0 || l.HeaderFrom != l.HeaderTo {
		return l.Width == t.Layout.Width && (l.HeaderFrom == 0 || l.HeaderFrom == t.Layout.HeaderFrom && l.HeaderTo == t.Layout.HeaderTo), nil
	}
	found, enough := false, errors.New("enough")
	err := t.Each(func(r tabular.Record) error {
		if r.Number < l.HeaderFrom {
			return nil
		}
		found = len(r.Cells) >= len(l.Names)
		for i := 0; found && i < len(l.Names); i++ {
			found = strings.Join(strings.Fields(r.Cells[i].Text), " ") == l.Names[i]
		}
		return enough
	})
	if err != nil && !errors.Is(err, enough) {
		return false, err
	}
	return found, nil
}

// keep writes the results beside dir and renames them into place.
func (job Job) keep(t *tabular.Table, sha string, m Mapping, dir string) (s Summary, err error) {
	if err := os.MkdirAll(job.Dir, 0o755); err != nil {
		return s, fmt.Errorf("keep the import: %w", err)
	}
	aside, err := os.MkdirTemp(job.Dir, ".import-")
	if err != nil {
		return s, fmt.Errorf("keep the import: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }() // nothing is left of it once it is in place
	rows, held, entries := &lines{dir: aside, name: "rows.jsonl"}, &lines{dir: aside, name: "quarantine.jsonl"}, &lines{dir: aside, name: "ledger.jsonl"}
	all := []*lines{rows, held, entries}
	for _, l := range all {
		if err := l.open(); err != nil {
			return s, err
		}
	}
	s, err = Run(t, sha, m, Sinks{
		Row: func(r Row) error { return rows.put(r) }, Held: func(h Held) error { return held.put(h) }, Entry: func(e Entry) error { return entries.put(e) },
	})
	for _, l := range all {
		err = errors.Join(err, l.close())
	}
	if err != nil {
		return s, err
	}
	if err := checkDir(t, m, s, aside); err != nil {
		return s, fmt.Errorf("the import is not kept, its ledger does not agree with the file: %w", err)
	}
	m.Layout = t.Layout
	for name, write := range map[string]func(io.Writer) error{
		"mapping.yaml": m.Write,
		"summary.json": func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(s)
		},
	} {
		f, err := os.Create(filepath.Join(aside, name))
		if err != nil {
			return s, fmt.Errorf("keep the import: %w", err)
		}
		if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
			return s, fmt.Errorf("keep the import: %w", err)
		}
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return s, fmt.Errorf("keep the import: %w", err)
	}
	if err := os.Rename(aside, dir); err != nil {
		return s, fmt.Errorf("keep the import: %w", err)
	}
	return s, nil
}

func checkDir(t *tabular.Table, m Mapping, s Summary, dir string) error {
	ledger, err := os.Open(filepath.Join(dir, "ledger.jsonl"))
	if err != nil {
		return err
	}
	defer ledger.Close() //nolint:errcheck // it was only read
	rows, err := os.Open(filepath.Join(dir, "rows.jsonl"))
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was only read
	return Check(t, m, s, ledger, rows)
}

// lines is a file of JSON lines.
type lines struct {
	dir, name string
	f         *os.File
	w         *bufio.Writer
	e         *json.Encoder
}

func (l *lines) open() (err error) {
	l.f, err = os.Create(filepath.Join(l.dir, l.name))
	if err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	l.w = bufio.NewWriterSize(l.f, 64<<10)
	l.e = json.NewEncoder(l.w)
	l.e.SetEscapeHTML(false)
	return nil
}

func (l *lines) put(v any) error { return l.e.Encode(v) }

func (l *lines) close() error { return errors.Join(l.w.Flush(), l.f.Sync(), l.f.Close()) }

// HashFile returns the SHA-256 of a file in hex.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
