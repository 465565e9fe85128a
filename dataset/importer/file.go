package importer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Opener opens a file of tables. [tabular.Open] is one.
type Opener func(path string, o tabular.Options) (*tabular.Source, error)

// Job is a file to import.
type Job struct {
	Path  string
	Open  Opener // nil for [tabular.Open]
	Sheet string // the table of a file with several; "" for the first that has rows
	// Mapping, when set, says what the columns are; without it one is proposed.
	Mapping *Mapping
	Hints   Hints
	// Dir takes the results, in a folder named by the import; "" for none.
	Dir    string
	Limits tabular.Limits
	// Progress, when set, is told now and then how many rows were read.
	Progress func(rows int)
}

// progressEvery is how many rows pass between two calls of Job.Progress.
const progressEvery = 1 << 14

// Report is what [File] has done.
type Report struct {
	Summary
	Proposed Mapping `json:"-"` // as it was used
	// Source is the name that the file had.
	Source string `json:"source"`
	// Files are what was kept, with their hashes.
	Files []KeptFile `json:"files,omitempty"`
	// Dir holds a copy of the file, mapping.yaml, rows.jsonl, quarantine.jsonl,
	// ledger.jsonl and summary.json; "" when nothing was to be kept.
	Dir string `json:"dir,omitempty"`
	// Repeated says that the same bytes were imported by the same mapping before.
	Repeated bool `json:"repeated"`
}

// KeptFile is a file of an import.
type KeptFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Opened is a job whose file was looked at: what would be read, and by which
// mapping.
type Opened struct {
	Table   *tabular.Table
	Tables  []string // the names of the file's tables that have rows
	Mapping Mapping
	SHA256  string // of the file
	close   func() error
}

// Close lets go of the file.
func (o *Opened) Close() error { return o.close() }

// Import names the import.
func (o *Opened) Import() string { return importID(o.SHA256, o.Mapping.Hash()) }

// Look opens the file of the job and finds its table and mapping.
func (job Job) Look() (*Opened, error) {
	sha, err := HashFile(job.Path)
	if err != nil {
		return nil, err
	}
	o := tabular.Options{Limits: job.Limits, Sheet: job.Sheet}
	if m := job.Mapping; m != nil {
		o.Decimal, o.Sheet, o.Names = m.Dialect.Decimal, m.Table, m.Layout.Names
		if m.Dialect.Delimiter != "" {
			o.Encoding, o.Delimiter = m.Dialect.Encoding, m.Dialect.Delimiter
		}
	}
	open := job.Open
	if open == nil {
		open = tabular.Open
	}
	source, err := open(job.Path, o)
	if err != nil {
		return nil, err
	}
	out := &Opened{SHA256: sha, close: source.Close}
	for _, t := range source.Tables {
		if out.Table == nil || out.Table.Layout.Width == 0 {
			out.Table = t
		}
		if t.Layout.Width > 0 {
			out.Tables = append(out.Tables, t.Name)
		}
	}
	if len(out.Tables) > 1 && job.Sheet == "" && job.Mapping == nil {
		out.Table.Notes = append(out.Table.Notes, tabular.Note{Code: "other_tables", Text: fmt.Sprintf("the file has %d tables, %q was read; name another to import it: %q", len(out.Tables), out.Table.Name, out.Tables)})
	}
	if out.Mapping, err = job.mapping(out.Table); err != nil {
		return nil, errors.Join(err, source.Close())
	}
	out.Table.Dialect.Guessed = out.Mapping.Dialect.Guessed
	return out, nil
}

// File imports a file. What it keeps it writes aside and puts in place whole, so
// that an import is there or is not, and a second one changes nothing.
func File(job Job) (Report, error) {
	report := Report{Source: filepath.Base(job.Path)}
	o, err := job.Look()
	if err != nil {
		return report, err
	}
	defer o.Close() //nolint:errcheck // it was only read
	report.Proposed = o.Mapping
	if job.Dir == "" {
		none := Sinks{Row: func(*Row) error { return nil }, Held: func(Held) error { return nil }, Entry: func(Entry) error { return nil }}
		report.Summary, err = Run(o.Table, o.SHA256, o.Mapping, none)
		return report, err
	}
	dir := filepath.Join(job.Dir, o.Import())
	if _, err := os.Stat(filepath.Join(dir, "summary.json")); err == nil {
		before, err := readReport(dir)
		before.Repeated, before.Proposed = true, o.Mapping
		return before, err
	}
	if err := job.keep(o, &report, dir); err != nil {
		return report, err
	}
	report.Dir = dir
	return report, nil
}

func readReport(dir string) (Report, error) {
	r := Report{Dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		return r, lab.Errorf(lab.NotFound, "%s is no folder of an import: %w", dir, err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, lab.Errorf(lab.Conflict, "%s holds an import that cannot be read: %w", dir, err)
	}
	r.Dir = dir
	return r, nil
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
func (job Job) keep(o *Opened, report *Report, dir string) (err error) {
	if err := os.MkdirAll(job.Dir, 0o755); err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	aside, err := os.MkdirTemp(job.Dir, ".import-")
	if err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }() // nothing is left of it once it is in place
	rows, held, entries := newLines(aside, "rows.jsonl"), newLines(aside, "quarantine.jsonl"), newLines(aside, "ledger.jsonl")
	all := []*lines{newLines(aside, sourceName(job.Path)), newLines(aside, "mapping.yaml"), rows, held, entries}
	for _, l := range all {
		err = errors.Join(err, l.open())
	}
	if err == nil {
		err = copyFile(all[0].w, job.Path)
	}
	if err == nil {
		report.Summary, err = Run(o.Table, o.SHA256, o.Mapping, job.sinks(rows, held, entries))
	}
	if err == nil {
		m := o.Mapping
		m.Layout = o.Table.Layout
		err = m.Write(all[1].w)
	}
	for _, l := range all {
		err = errors.Join(err, l.close())
		report.Files = append(report.Files, KeptFile{l.name, l.bytes, hex.EncodeToString(l.hash.Sum(nil))})
	}
	if err != nil {
		return err
	}
	if report.Files[0].SHA256 != o.SHA256 {
		return lab.Errorf(lab.Conflict, "%s changed while it was imported; import it again", job.Path)
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	if err := os.WriteFile(filepath.Join(aside, "summary.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	if err := os.Rename(aside, dir); err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	return nil
}

func (job Job) sinks(rows, held, entries *lines) Sinks {
	var line []byte
	n := 0
	return Sinks{
		Row: func(r *Row) error {
			if n++; job.Progress != nil && n%progressEvery == 0 {
				job.Progress(n)
			}
			line = append(AppendRow(line[:0], r), '\n')
			_, err := rows.w.Write(line)
			return err
		},
		Held: func(h Held) error { return held.put(h) },
		Entry: func(e Entry) error {
			line = append(AppendEntry(line[:0], &e), '\n')
			_, err := entries.w.Write(line)
			return err
		},
	}
}

// sourceName is what the copy of the file is called.
func sourceName(path string) string {
	ext := strings.ToLower(filepath.Ext(path))
	if len(ext) > 8 || strings.ContainsAny(ext, `/\`) {
		ext = ""
	}
	if strings.HasSuffix(strings.ToLower(path), ".pb.gz") {
		ext = ".pb.gz"
	}
	return "source" + ext
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("keep a copy of %s: %w", path, err)
	}
	return nil
}

// Verify reads an import that was kept from the disk and checks all of it: the
// hashes of its files, and by [Check] that every cell of the file has one fate
// and that what was imported and held back is what the cells say.
func Verify(dir string, open Opener) (Report, error) {
	r, m, source, err := readKept(dir)
	if err != nil {
		return r, err
	}
	for _, f := range r.Files {
		sha, err := HashFile(filepath.Join(dir, f.Name))
		if err != nil {
			return r, err
		}
		if sha != f.SHA256 {
			return r, lab.Errorf(lab.Invalid, "%s has the SHA-256 %s, the summary says %s", filepath.Join(dir, f.Name), sha, f.SHA256)
		}
	}
	r.Proposed = m
	o, err := Job{Path: source, Open: open, Mapping: &m}.Look()
	if err != nil {
		return r, err
	}
	defer o.Close() //nolint:errcheck // it was only read
	var in [3]*os.File
	for i, name := range []string{"ledger.jsonl", "rows.jsonl", "quarantine.jsonl"} {
		if in[i], err = os.Open(filepath.Join(dir, name)); err != nil {
			return r, lab.Errorf(lab.Invalid, "%s is no whole import: %w", dir, err)
		}
		defer in[i].Close()
	}
	return r, Check(o.Table, m, r.Summary, in[0], in[1], in[2])
}

// readKept reads what the folder of an import says of itself: its report, its
// mapping, and where its copy of the file is.
func readKept(dir string) (r Report, m Mapping, source string, err error) {
	if r, err = readReport(dir); err != nil {
		return r, m, "", err
	}
	for _, f := range r.Files {
		if strings.HasPrefix(f.Name, "source") {
			source = filepath.Join(dir, f.Name)
		}
	}
	mf, err := os.Open(filepath.Join(dir, "mapping.yaml"))
	if err != nil {
		return r, m, source, lab.Errorf(lab.Invalid, "%s is no folder of an import: %w", dir, err)
	}
	defer mf.Close()
	m, err = ReadMapping(mf)
	return r, m, source, err
}

// folderOf finds the folder of an import below dir by the beginning of its name;
// dir may be that folder.
func folderOf(dir, beginning string) (string, error) {
	if r, err := readReport(dir); err == nil && strings.HasPrefix(r.Import, beginning) {
		return dir, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", lab.Errorf(lab.Unavailable, "look for imports in %s: %w", dir, err)
	}
	for _, e := range entries {
		if len(e.Name()) == 64 && strings.HasPrefix(e.Name(), beginning) {
			return filepath.Join(dir, e.Name()), nil
		}
	}
	return "", lab.Errorf(lab.NotFound, "%s has no import %s…", dir, beginning)
}

// lines is a file that is hashed as it is written.
type lines struct {
	dir, name string
	f         *os.File
	w         *bufio.Writer
	e         *json.Encoder
	hash      hash.Hash
	bytes     int64
}

func newLines(dir, name string) *lines { return &lines{dir: dir, name: name, hash: sha256.New()} }

func (l *lines) open() (err error) {
	l.f, err = os.Create(filepath.Join(l.dir, l.name))
	if err != nil {
		return fmt.Errorf("keep the import: %w", err)
	}
	l.w = bufio.NewWriterSize(l, 64<<10)
	l.e = json.NewEncoder(l.w)
	l.e.SetEscapeHTML(false)
	return nil
}

// Write implements [io.Writer] for the buffer.
func (l *lines) Write(b []byte) (int, error) {
	l.hash.Write(b)
	l.bytes += int64(len(b))
	return l.f.Write(b)
}

func (l *lines) put(v any) error { return l.e.Encode(v) }

func (l *lines) close() error {
	if l.f == nil {
		return nil
	}
	return errors.Join(l.w.Flush(), l.f.Sync(), l.f.Close())
}

// HashFile returns the SHA-256 of a file in hex.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
