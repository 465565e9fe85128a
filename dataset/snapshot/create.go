package snapshot

import (
	"bufio"
	"bytes"
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
// it is. Of every row about a hundred bytes are kept in memory, however long it is.
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
	defer func() { err = errors.Join(err, index.close()) }()
	if err := writeSplits(aside, &m, index, spec.Splits); err != nil {
		return s, fmt.Errorf("create a snapshot: %w", err)
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

// writeRows writes the rows and their index, and returns what splits need of it.
func writeRows(dir string, m *Manifest, each func(yield func(Item) error) error) (_ *rows, err error) {
	index, err := newRows()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, index.close())
		}
	}()
	sources := map[string]bool{}
	last := ""
	var lines, list File
	lines, err = writeLines(dir, "data/rows.jsonl", func(put func(any) error) (err error) {
		list, err = writeLines(dir, "data/index.jsonl", func(putIndex func(any) error) error {
			return each(func(item Item) error {
				if index.n > 0 && last >= item.Key {
					return lab.Errorf(lab.Invalid, "row %q comes after %q; rows come by rising key, each once", item.Key, last)
				}
				if item.Key != item.Index.Key || strings.ContainsRune(string(item.Line), '\n') || !json.Valid(item.Line) {
					return lab.Errorf(lab.Invalid, "row %q is no single line of JSON, or its index is of another row", item.Key)
				}
				last = item.Key
				if !sources[item.Campaign] {
					sources[item.Campaign] = true
				}
				return errors.Join(index.add(item.Index), putIndex(item.Index), put(json.RawMessage(item.Line)))
			})
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	for s := range sources {
		m.Sources = append(m.Sources, s)
	}
	slices.Sort(m.Sources)
	m.Files = append(m.Files, lines, list)
	return index, nil
}

// writeSplits divides the rows as it is asked for, and writes who is where. Keys
// are read from the index again, so that none is kept in memory.
func writeSplits(dir string, m *Manifest, index *rows, specs []SplitSpec) error {
	seen := map[string]bool{}
	ranks := map[uint64][]uint64{} // by seed
	for _, spec := range specs {
		if err := spec.check(); err != nil {
			return err
		}
		if seen[spec.Name] {
			return lab.Errorf(lab.Invalid, "split %s: it is asked for twice", spec.Name)
		}
		seen[spec.Name] = true
		if spec.Kind != ByTime {
			ranks[spec.Seed] = nil
		}
	}
	s := Snapshot{Dir: dir}
	for seed := range ranks {
		all := make([]uint64, 0, index.n)
		if err := s.eachKey(func(key string) error { all = append(all, rank(seed, key)); return nil }); err != nil {
			return err
		}
		ranks[seed] = all
	}
	ways := make([][]byte, len(specs))
	for i, spec := range specs {
		parts, split, err := index.assign(spec, ranks[spec.Seed])
		if err != nil {
			return err
		}
		ways[i] = parts
		m.Splits = append(m.Splits, split)
	}
	leaks, err := index.leaks(ways...)
	if err != nil {
		return err
	}
	for i, spec := range specs {
		m.Splits[i].Leaks = leaks[i]
		f, err := writeLines(dir, "splits/"+spec.Name+".jsonl", func(put func(any) error) error {
			n := 0
			return s.eachLine("data/index.jsonl", func(line []byte) error {
				quoted, err := quotedKey(line)
				if err != nil {
					return err
				}
				n++
				return put(json.RawMessage(fmt.Appendf(nil, `{"key":%s,"part":%q}`, quoted, partNames[ways[i][n-1]])))
			})
		})
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	return nil
}

// eachKey calls yield for the keys of the index, in order.
func (s Snapshot) eachKey(yield func(key string) error) error {
	return s.eachLine("data/index.jsonl", func(line []byte) error {
		key, err := keyOf(line)
		if err != nil {
			return err
		}
		return yield(key)
	})
}

// keyOf reads the key of a line of the index, with which it begins.
func keyOf(line []byte) (key string, err error) {
	quoted, err := quotedKey(line)
	if err == nil {
		err = json.Unmarshal(quoted, &key)
	}
	return key, err
}

func quotedKey(line []byte) ([]byte, error) {
	const before = `{"key":`
	if !bytes.HasPrefix(line, []byte(before)) {
		return nil, lab.Errorf(lab.Invalid, "a line of the index does not begin with its key")
	}
	quoted := line[len(before):]
	for end := 1; end < len(quoted); end++ {
		switch quoted[end] {
		case '\\':
			end++
		case '"':
			return quoted[:end+1], nil
		}
	}
	return nil, lab.Errorf(lab.Invalid, "a line of the index has a key without an end")
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
