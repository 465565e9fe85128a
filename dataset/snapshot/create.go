package snapshot

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
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/lab"
)

// The forms of rows.
const (
	ExperimentRows = dataset.ExperimentSchema // dataset.Experiment
	OutcomeRows    = "outcome/1"              // dataset.Row
	ImportedRows   = "import/1"               // importer.Row
)

// Spec says what a snapshot is of.
type Spec struct {
	Rows    string // OutcomeRows or ImportedRows
	Shape   parquet.Shape
	Parent  string
	License string
	Splits  []SplitSpec // nil for none
	// finish adds what a snapshot has besides rows and splits.
	finish func(dir string, m *Manifest) error
}

// Snapshot is one that is on disk.
type Snapshot struct {
	ID  string `json:"id"`
	Dir string `json:"dir"`
	Manifest
}

// Create writes the items, which come by rising key, as a snapshot into a folder
// of root that has its name, and returns it. If it was there before it stays as
// it is. Of every row a few hundred bytes are kept in memory.
func Create(root string, spec Spec, each func(yield func(Item) error) error) (s Snapshot, err error) {
	if spec.Rows != ExperimentRows && spec.Rows != OutcomeRows && spec.Rows != ImportedRows {
		return s, lab.Errorf(lab.Invalid, "rows: %q; want %q, %q or %q", spec.Rows, ExperimentRows, OutcomeRows, ImportedRows)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return s, fmt.Errorf("create a snapshot: %w", err)
	}
	aside, err := os.MkdirTemp(root, ".snapshot-")
	if err != nil {
		return s, fmt.Errorf("create a snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }() // nothing is left of it once it is in place
	m := Manifest{Athanor: Version, Rows: spec.Rows, Parent: spec.Parent, License: spec.License, Sources: []string{}, Shape: spec.Shape, Splits: []Split{}}
	index, err := writeRows(aside, &m, each)
	if err != nil {
		return s, fmt.Errorf("create a snapshot: %w", err)
	}
	seen := map[string]bool{}
	for _, want := range spec.Splits {
		if seen[want.Name] {
			return s, lab.Errorf(lab.Invalid, "split %s: it is asked for twice", want.Name)
		}
		seen[want.Name] = true
		parts, split, err := Assign(index, want)
		if err != nil {
			return s, err
		}
		f, err := writeLines(aside, "splits/"+want.Name+".jsonl", func(put func(any) error) error {
			for i, r := range index {
				if err := put(splitLine{r.Key, parts[i]}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return s, fmt.Errorf("create a snapshot: %w", err)
		}
		m.Files, m.Splits = append(m.Files, f), append(m.Splits, split)
	}
	if spec.finish != nil {
		if err := spec.finish(aside, &m); err != nil {
			return s, fmt.Errorf("create a snapshot: %w", err)
		}
	}
	return place(aside, root, m)
}

type splitLine struct {
	Key  string `json:"key"`
	Part Part   `json:"part"`
}

// writeRows writes the rows and their index, and returns the index.
func writeRows(dir string, m *Manifest, each func(yield func(Item) error) error) ([]Index, error) {
	var index []Index
	sources := map[string]bool{}
	rows, err := writeLines(dir, "data/rows.jsonl", func(put func(any) error) error {
		return each(func(item Item) error {
			if n := len(index); n > 0 && index[n-1].Key >= item.Key {
				return lab.Errorf(lab.Invalid, "row %q comes after %q; rows come by rising key, each once", item.Key, index[n-1].Key)
			}
			if item.Key != item.Index.Key || strings.ContainsRune(string(item.Line), '\n') || !json.Valid(item.Line) {
				return lab.Errorf(lab.Invalid, "row %q is no single line of JSON, or its index is of another row", item.Key)
			}
			index = append(index, item.Index)
			sources[item.Campaign] = true
			return put(json.RawMessage(item.Line))
		})
	})
	if err != nil {
		return nil, err
	}
	list, err := writeLines(dir, "data/index.jsonl", func(put func(any) error) error {
		for _, r := range index {
			if err := put(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for s := range sources {
		m.Sources = append(m.Sources, s)
	}
	slices.Sort(m.Sources)
	m.Files = append(m.Files, rows, list)
	return index, nil
}

// place completes the manifest and renames the folder to its name.
func place(aside, root string, m Manifest) (Snapshot, error) {
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	raw, id, err := m.Encode()
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{ID: id, Dir: filepath.Join(root, id), Manifest: m}
	if _, err := os.Stat(s.Dir); err == nil {
		_, err := Verify(s.Dir)
		return s, err
	}
	f, err := os.Create(filepath.Join(aside, "manifest.json"))
	if err != nil {
		return s, fmt.Errorf("write the manifest: %w", err)
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return s, fmt.Errorf("write the manifest: %w", err)
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return s, fmt.Errorf("place the snapshot: %w", err)
	}
	if err := os.Rename(aside, s.Dir); err != nil {
		return s, fmt.Errorf("place the snapshot: %w", err)
	}
	return s, nil
}

// file is a file that is hashed while it is written.
type file struct {
	f    *os.File
	w    *bufio.Writer
	h    hash.Hash
	size int64
}

func (f *file) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	f.h.Write(b[:n])
	f.size += int64(n)
	return n, err
}

// writeFile writes a file of the folder and returns its entry, without rows.
func writeFile(dir, path string, write func(io.Writer) error) (File, error) {
	full := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return File{}, err
	}
	to, err := os.Create(full)
	if err != nil {
		return File{}, err
	}
	f := &file{f: to, w: bufio.NewWriterSize(to, 256<<10), h: sha256.New()}
	if err := errors.Join(write(f), f.w.Flush(), to.Sync(), to.Close()); err != nil {
		return File{}, fmt.Errorf("write %s: %w", path, err)
	}
	return File{Path: path, SHA256: hex.EncodeToString(f.h.Sum(nil)), Bytes: f.size}, nil
}

// writeLines writes a file of JSON lines.
func writeLines(dir, path string, lines func(put func(any) error) error) (File, error) {
	n := 0
	f, err := writeFile(dir, path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return lines(func(v any) error {
			n++
			if raw, ok := v.(json.RawMessage); ok { // as it is, whatever its blanks
				_, err := w.Write(append(raw, '\n'))
				return err
			}
			return e.Encode(v)
		})
	})
	f.Rows = n
	return f, err
}
