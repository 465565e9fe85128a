package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// Replayed tells what [ReplayDir] has done.
type Replayed struct {
	Import   string `json:"import"`
	Imported int    `json:"imported"` // rows that were held and are imported now
	Held     int    `json:"held"`     // rows that are still held
	// Faults are what is still wrong, the commonest first.
	Faults []FaultGroup `json:"faults"`
}

// The files that a replay leaves in the folder of an import.
const (
	CorrectedFile = "corrected.jsonl" // rows imported with corrections
	StillHeldFile = "held.jsonl"      // rows that are still held: to be edited and replayed again
)

// ReplayDir imports the rows of an edited quarantine file into the folder of
// their import. Rows may be missing from the file; those stay held. The files
// of the import itself do not change: what is added goes to CorrectedFile, and
// what is still held to StillHeldFile. Again with the same file is the same as
// once.
func ReplayDir(dir, edited string) (Replayed, error) {
	report, err := readReport(dir)
	if err != nil {
		return Replayed{}, err
	}
	out := Replayed{Import: report.Import}
	mf, err := os.Open(filepath.Join(dir, "mapping.yaml"))
	if err != nil {
		return out, lab.Errorf(lab.Invalid, "%s is no folder of an import: %w", dir, err)
	}
	defer mf.Close()
	m, err := ReadMapping(mf)
	if err != nil {
		return out, err
	}
	texts, err := readHeldFile(edited)
	if err != nil {
		return out, err
	}
	original, err := readHeldFile(filepath.Join(dir, "quarantine.jsonl"))
	if err != nil {
		return out, err
	}
	if err := takeCorrections(filepath.Join(dir, CorrectedFile), original); err != nil {
		return out, err
	}
	if err := m.takeEdits(report.Import, original, texts); err != nil {
		return out, err
	}
	rows, still := newLines(dir, "."+CorrectedFile), newLines(dir, "."+StillHeldFile)
	if err := errors.Join(rows.open(), still.open()); err != nil {
		return out, err
	}
	g := groups{}
	err = Replay(original, m, func(r *Row) error {
		out.Imported++
		return rows.put(r)
	}, func(h Held) error {
		out.Held++
		for _, f := range h.Faults {
			g.add(f)
		}
		return still.put(h)
	})
	out.Faults = g.sorted()
	if err = errors.Join(err, rows.close(), still.close()); err != nil {
		return out, errors.Join(err, os.Remove(filepath.Join(dir, rows.name)), os.Remove(filepath.Join(dir, still.name)))
	}
	return out, errors.Join(os.Rename(filepath.Join(dir, rows.name), filepath.Join(dir, CorrectedFile)), os.Rename(filepath.Join(dir, still.name), filepath.Join(dir, StillHeldFile)))
}

// takeCorrections puts what earlier replays have corrected into the rows.
func takeCorrections(path string, held []Held) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return lab.Errorf(lab.Invalid, "read what was corrected: %w", err)
	}
	defer f.Close()
	before := map[int][]Correction{}
	for d := json.NewDecoder(bufio.NewReader(f)); d.More(); {
		var r Row
		if err := d.Decode(&r); err != nil {
			return lab.Errorf(lab.Conflict, "%s cannot be read: %w", path, err)
		}
		before[r.Source.Row] = r.Corrected
	}
	for i := range held {
		h := &held[i]
		for _, c := range before[h.Source.Row] {
			for len(h.Texts) < c.Column {
				h.Texts = append(h.Texts, "")
			}
			h.Texts[c.Column-1] = c.To
		}
	}
	return nil
}

// takeEdits puts the edited texts into the rows that are held: only texts are
// taken, so that nobody changes by hand what the file said.
func (m Mapping) takeEdits(imp string, held, edited []Held) error {
	at := map[int]int{}
	for i, h := range held {
		at[h.Source.Row] = i
	}
	for i, e := range edited {
		k, ok := at[e.Source.Row]
		if !ok || e.Import != imp {
			return lab.Errorf(lab.Conflict, "line %d: row %d of import %.16s… is not held back by import %.16s…", i+1, e.Source.Row, e.Import, imp)
		}
		if len(e.Texts) != len(m.Columns) && len(e.Texts) != len(held[k].Original) {
			return lab.Errorf(lab.Invalid, "line %d: row %d has %d texts; want %d, one to a column", i+1, e.Source.Row, len(e.Texts), len(m.Columns))
		}
		held[k].Texts = e.Texts
	}
	return nil
}

func readHeldFile(path string) ([]Held, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "read held rows: %w", err)
	}
	defer f.Close()
	held, err := ReadHeld(json.NewDecoder(bufio.NewReader(f)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return held, nil
}

// EachKept calls yield for the rows of an import's folder: those that were
// imported, then those that were corrected.
func EachKept(dir string, yield func(Row) error) error {
	if _, err := readReport(dir); err != nil {
		return err
	}
	for _, name := range []string{"rows.jsonl", CorrectedFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) && name == CorrectedFile {
			continue
		}
		if err != nil {
			return lab.Errorf(lab.Invalid, "%s is no folder of an import: %w", dir, err)
		}
		err = eachRow(f, yield)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}

func eachRow(f *os.File, yield func(Row) error) error {
	for r, err := range jsonline.Values[Row](bufio.NewReaderSize(f, 1<<18)) {
		if err != nil {
			return lab.Errorf(lab.Invalid, "row: %w", err)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}
