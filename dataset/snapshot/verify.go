package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 64 << 20

// Open reads the manifest of a snapshot or an export.
func Open(dir string) (Snapshot, error) {
	f, err := os.Open(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return Snapshot{}, lab.Errorf(lab.NotFound, "%s is no snapshot: %w", dir, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return Snapshot{}, fmt.Errorf("read the manifest of %s: %w", dir, err)
	}
	m, id, err := Decode(raw)
	if err != nil {
		return Snapshot{}, fmt.Errorf("%s: %w", dir, err)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) || strings.Contains(f.Path, `\`) {
			return Snapshot{}, lab.Errorf(lab.Invalid, "%s: the manifest names %q, which is not inside the folder", dir, f.Path)
		}
	}
	return Snapshot{ID: id, Dir: dir, Manifest: m}, nil
}

var hashed = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Verify reads the whole of a snapshot or an export and reports, as
// [lab.Invalid], the first thing that is not as its manifest says: bytes, rows,
// files too many, hashes of rows, splits, leaks, and the name of the folder
// where that is a hash.
func Verify(dir string) (Snapshot, error) {
	s, err := Open(dir)
	if err != nil {
		return s, err
	}
	bad := func(format string, args ...any) error {
		return lab.Errorf(lab.Invalid, "%s: %w", dir, lab.Errorf(lab.Invalid, format, args...))
	}
	if name := filepath.Base(dir); hashed.MatchString(name) && name != s.ID {
		return s, bad("the folder is named %s and the hash of its manifest is %s", name, s.ID)
	}
	known := map[string]bool{"manifest.json": true}
	if s.Of != "" {
		known[sealFile] = true
		if b, err := os.ReadFile(filepath.Join(dir, sealFile)); err != nil || string(b) != s.ID+"\n" {
			return s, bad("%s does not hold the hash of the manifest, %s", sealFile, s.ID)
		}
	}
	for _, f := range s.Files {
		if known[f.Path] {
			return s, bad("the manifest names %s twice", f.Path)
		}
		known[f.Path] = true
		if err := verifyFile(dir, f); err != nil {
			return s, bad("%w", err)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err == nil && !known[filepath.ToSlash(rel)] {
			err = bad("the file %s is not in the manifest", rel)
		}
		return err
	})
	if err != nil || s.Of != "" {
		return s, err // an export has the splits of its snapshot, and no index
	}
	if s.Rows == ExperimentRows {
		if s.Facts == nil {
			return s, bad("the manifest tells no facts")
		}
		if err := s.verifyRecord(); err != nil {
			return s, bad("%w", err)
		}
	}
	return s, s.verifyRows(bad)
}

func verifyFile(dir string, want File) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(want.Path)))
	if err != nil {
		return fmt.Errorf("%s is missing: %w", want.Path, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	h := sha256.New()
	size, err := io.Copy(h, f)
	switch got := hex.EncodeToString(h.Sum(nil)); {
	case err != nil:
		return fmt.Errorf("read %s: %w", want.Path, err)
	case size != want.Bytes:
		return fmt.Errorf("%s has %d bytes, want %d", want.Path, size, want.Bytes)
	case got != want.SHA256:
		return fmt.Errorf("%s has the hash %s, want %s", want.Path, got, want.SHA256)
	}
	return nil
}

// verifyRows holds the index to the rows, and the splits and leaks to the index.
func (s Snapshot) verifyRows(bad func(string, ...any) error) error {
	index, err := s.Index()
	if err != nil {
		return err
	}
	i := 0
	err = s.eachLine("data/rows.jsonl", func(line []byte) error {
		sum := sha256.Sum256(line)
		if i >= len(index) || index[i].SHA256 != hex.EncodeToString(sum[:]) {
			return bad("row %d is not the one of the index", i+1)
		}
		i++
		return nil
	})
	if err != nil {
		return err
	}
	if i != len(index) {
		return bad("there are %d rows and %d of the index", i, len(index))
	}
	for _, split := range s.Splits {
		parts, rows := make([]Part, 0, len(index)), map[Part]int{}
		err := s.eachLine("splits/"+split.Name+".jsonl", func(line []byte) error {
			var l splitLine
			n := len(parts)
			if err := json.Unmarshal(line, &l); err != nil || n >= len(index) || index[n].Key != l.Key {
				return bad("split %s, line %d: it is not of the row of the index", split.Name, n+1)
			}
			if l.Part != Train && l.Part != Validation && l.Part != Test && l.Part != Excluded {
				return bad("split %s, line %d: %q is no part", split.Name, n+1, l.Part)
			}
			parts = append(parts, l.Part)
			rows[l.Part]++
			return nil
		})
		switch {
		case err != nil:
			return err
		case len(parts) != len(index):
			return bad("split %s has %d rows of %d", split.Name, len(parts), len(index))
		case !maps.Equal(rows, split.Rows):
			return bad("split %s has the rows %v, the manifest says %v", split.Name, rows, split.Rows)
		case CountLeaks(index, parts) != split.Leaks:
			return bad("split %s leaks %+v, the manifest says %+v", split.Name, CountLeaks(index, parts), split.Leaks)
		}
	}
	return nil
}

// Index reads the index of a snapshot.
func (s Snapshot) Index() ([]Index, error) {
	var index []Index
	err := s.eachLine("data/index.jsonl", func(line []byte) error {
		var r Index
		if err := json.Unmarshal(line, &r); err != nil {
			return lab.Errorf(lab.Invalid, "%s: line %d of the index: %w", s.Dir, len(index)+1, err)
		}
		index = append(index, r)
		return nil
	})
	return index, err
}

// EachRow calls yield for every row, as a line of JSON that is valid during the
// call, by key.
func (s Snapshot) EachRow(yield func(line []byte) error) error {
	return s.eachLine("data/rows.jsonl", yield)
}

func (s Snapshot) eachLine(path string, yield func([]byte) error) error {
	f, err := os.Open(filepath.Join(s.Dir, filepath.FromSlash(path)))
	if err != nil {
		return lab.Errorf(lab.NotFound, "%s: %w", s.Dir, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := yield(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s of %s: %w", path, s.Dir, err)
		}
	}
}

// Change is what two snapshots differ in, by key.
type Change struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Same    int      `json:"same"`
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Changed []string `json:"changed"` // another row under the same key
}

// Diff compares the rows of two snapshots.
func Diff(a, b Snapshot) (Change, error) {
	c := Change{From: a.ID, To: b.ID, Added: []string{}, Removed: []string{}, Changed: []string{}}
	before, err := a.Index()
	if err != nil {
		return c, err
	}
	after, err := b.Index()
	if err != nil {
		return c, err
	}
	for len(before)+len(after) > 0 {
		switch {
		case len(before) == 0 || len(after) > 0 && after[0].Key < before[0].Key:
			c.Added, after = append(c.Added, after[0].Key), after[1:]
		case len(after) == 0 || before[0].Key < after[0].Key:
			c.Removed, before = append(c.Removed, before[0].Key), before[1:]
		default:
			if before[0].SHA256 == after[0].SHA256 {
				c.Same++
			} else {
				c.Changed = append(c.Changed, before[0].Key)
			}
			before, after = before[1:], after[1:]
		}
	}
	return c, nil
}
