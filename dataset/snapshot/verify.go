package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/athanor-lab/athanor/internal/jsonline"
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
	defer f.Close()
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
	defer f.Close()
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
// It reads them side by side, and keeps what splits need.
func (s Snapshot) verifyRows(bad func(string, ...any) error) (err error) {
	index, err := newRows()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.close()) }()
	next, stop := s.pullIndex()
	defer stop()
	err = s.eachLine("data/rows.jsonl", func(line []byte) error {
		x, more, err := next()
		if err != nil {
			return err
		}
		sum := sha256.Sum256(line)
		if !more || x.SHA256 != hex.EncodeToString(sum[:]) {
			return bad("row %d is not the one of the index", index.n+1)
		}
		return index.add(x)
	})
	if err != nil {
		return err
	}
	if _, more, err := next(); more || err != nil {
		return errors.Join(err, bad("there are %d rows and more of the index", index.n))
	}
	ways := make([][]byte, len(s.Splits))
	for i, split := range s.Splits {
		if ways[i], err = s.verifySplit(index, split, bad); err != nil {
			return err
		}
	}
	leaks, err := index.leaks(ways...)
	if err != nil {
		return err
	}
	for i, split := range s.Splits {
		if leaks[i] != split.Leaks {
			return bad("split %s leaks %+v, the manifest says %+v", split.Name, leaks[i], split.Leaks)
		}
	}
	return nil
}

func (s Snapshot) verifySplit(index *rows, split Split, bad func(string, ...any) error) ([]byte, error) {
	parts, rows := make([]byte, 0, index.n), map[Part]int{}
	next, stop := s.Pull("data/index.jsonl")
	defer stop()
	err := s.eachLine("splits/"+split.Name+".jsonl", func(line []byte) error {
		var l splitLine
		n := len(parts) + 1
		at, err, more := next()
		if err != nil {
			return err
		}
		key := ""
		if more {
			if key, err = keyOf(at); err != nil {
				return err
			}
		}
		if err := jsonline.Unmarshal(line, &l); err != nil || !more || key != l.Key {
			return bad("split %s, line %d: it is not of the row of the index", split.Name, n)
		}
		p := partByte(l.Part)
		if p == 0 {
			return bad("split %s, line %d: %q is no part", split.Name, n, l.Part)
		}
		parts = append(parts, p)
		rows[l.Part]++
		return nil
	})
	switch {
	case err != nil:
	case len(parts) != index.n:
		err = bad("split %s has %d rows of %d", split.Name, len(parts), index.n)
	case !maps.Equal(rows, split.Rows):
		err = bad("split %s has the rows %v, the manifest says %v", split.Name, rows, split.Rows)
	}
	return parts, err
}

// pullIndex reads the index line by line; more is false at its end.
func (s Snapshot) pullIndex() (next func() (x Index, more bool, err error), stop func()) {
	lines, stop := s.Pull("data/index.jsonl")
	n := 0
	return func() (x Index, more bool, err error) {
		line, err, more := lines()
		if err != nil || !more {
			return x, false, err
		}
		n++
		if err := jsonline.Unmarshal(line, &x); err != nil {
			return x, false, lab.Errorf(lab.Invalid, "%s: line %d of the index: %w", s.Dir, n, err)
		}
		return x, true, nil
	}, stop
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
	defer f.Close()
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
	before, stop := a.pullIndex()
	defer stop()
	after, stop := b.pullIndex()
	defer stop()
	x, isX, err := before()
	if err != nil {
		return c, err
	}
	y, isY, err := after()
	for err == nil && (isX || isY) {
		switch {
		case !isX || isY && y.Key < x.Key:
			c.Added = append(c.Added, y.Key)
			y, isY, err = after()
			continue
		case !isY || x.Key < y.Key:
			c.Removed = append(c.Removed, x.Key)
			x, isX, err = before()
			continue
		case x.SHA256 == y.SHA256:
			c.Same++
		default:
			c.Changed = append(c.Changed, x.Key)
		}
		if x, isX, err = before(); err == nil {
			y, isY, err = after()
		}
	}
	return c, err
}
