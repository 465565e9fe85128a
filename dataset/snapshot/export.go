package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/lab"
)

// Export writes the snapshot into dir, which must not be there or be empty, in
// a format, "parquet" or "jsonl", with its splits and a manifest that names the
// snapshot. Equal snapshots give equal bytes. The result passes [Verify].
func Export(s Snapshot, format, dir string) (out Snapshot, err error) {
	if s.Of != "" {
		return out, lab.Errorf(lab.Invalid, "%s is an export; export the snapshot %s itself", s.Dir, s.Of)
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return out, lab.Errorf(lab.Conflict, "%s is not empty; exports go into a folder of their own", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return out, fmt.Errorf("export %s: %w", s.ID, err)
	}
	m := s.Manifest
	m.Of, m.Format, m.Files = s.ID, format, nil
	var rows File
	switch format {
	case "jsonl":
		rows, err = writeFile(dir, "rows.jsonl", func(w io.Writer) error {
			return s.EachRow(func(line []byte) error {
				_, err := w.Write(append(line, '\n'))
				return err
			})
		})
	case "parquet":
		rows, err = writeFile(dir, "rows.parquet", s.Parquet)
	default:
		return out, lab.Errorf(lab.Invalid, "format %q is none of parquet, jsonl", format)
	}
	if err != nil {
		return out, fmt.Errorf("export %s: %w", s.ID, err)
	}
	for _, f := range s.Files {
		switch {
		case f.Path == "data/rows.jsonl":
			rows.Rows = f.Rows
			m.Files = append(m.Files, rows)
		case strings.HasPrefix(f.Path, "splits/"):
			if err := copyFile(s.Dir, dir, f.Path); err != nil {
				return out, fmt.Errorf("export %s: %w", s.ID, err)
			}
			m.Files = append(m.Files, f)
		}
	}
	raw, id, err := m.Encode()
	if err != nil {
		return out, err
	}
	if err := seal(dir, raw, id); err != nil {
		return Snapshot{}, fmt.Errorf("export %s: %w", s.ID, err)
	}
	return Snapshot{ID: id, Dir: dir, Manifest: m}, nil
}

// Parquet writes rows that are of one shape, with a typed column to each
// parameter and objective.
func (s Snapshot) Parquet(w io.Writer) error {
	switch s.Rows {
	case OutcomeRows:
		return parquet.WriteRows(w, s.Shape, decoded[dataset.Row](s))
	case ImportedRows:
		return parquet.WriteImported(w, s.Shape, decoded[importer.Row](s))
	default:
		return lab.Errorf(lab.Invalid, "rows of the form %q have no Parquet form", s.Rows)
	}
}

func decoded[Row any](s Snapshot) parquet.Each[Row] {
	return func(yield func(Row) error) error {
		return s.EachRow(func(line []byte) error {
			var row Row
			if err := json.Unmarshal(line, &row); err != nil {
				return lab.Errorf(lab.Invalid, "a row of %s: %w", s.Dir, err)
			}
			return yield(row)
		})
	}
}

func copyFile(from, to, path string) error {
	in, err := os.Open(filepath.Join(from, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	_, err = writeFile(to, path, func(w io.Writer) error { _, err := io.Copy(w, in); return err })
	return errors.Join(err, in.Close())
}

// sealFile holds the hash of an export's manifest, which gives no name to the
// folder as that of a snapshot does.
const sealFile = "manifest.sha256"

func seal(dir string, manifest []byte, id string) error {
	for path, b := range map[string][]byte{"manifest.json": manifest, sealFile: []byte(id + "\n")} {
		if _, err := writeFile(dir, path, func(w io.Writer) error { _, err := w.Write(b); return err }); err != nil {
			return err
		}
	}
	return nil
}
