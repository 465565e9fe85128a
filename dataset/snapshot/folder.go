package snapshot

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Folder is an export that is being written: beside where it goes, so that what is
// there is whole.
type Folder struct {
	dir   string // where it is written
	to    string // where it goes
	of    Snapshot
	form  string
	files []File
	open  map[string]*Out
}

// partMark is in a folder that is being written, so that nothing else is taken for
// what a process left that was killed.
const partMark = ".exporting"

// NewFolder begins an export of s in a format that goes into dir, which must not be
// there or be empty. Until [Folder.Finish] it is written into dir.part; one that a
// killed process has left there is begun anew.
func NewFolder(s Snapshot, format, dir string) (*Folder, error) {
	if s.Of != "" {
		return nil, lab.Errorf(lab.Invalid, "%s is an export; export the snapshot %s itself", s.Dir, s.Of)
	}
	there, err := os.ReadDir(dir)
	switch {
	case len(there) > 0:
		return nil, lab.Errorf(lab.Conflict, "%s is not empty; exports go into a folder of their own", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, lab.Errorf(lab.Conflict, "export into %s: %w; exports go into a folder of their own", dir, err)
	}
	f := &Folder{dir: filepath.Clean(dir) + ".part", to: dir, of: s, form: format, open: map[string]*Out{}}
	if _, err := os.Stat(filepath.Join(f.dir, partMark)); err == nil {
		if err := os.RemoveAll(f.dir); err != nil {
			return nil, fmt.Errorf("export %s: %w", s.ID, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(f.dir), 0o755); err != nil {
		return nil, fmt.Errorf("export %s: %w", s.ID, err)
	}
	if err := os.Mkdir(f.dir, 0o755); errors.Is(err, fs.ErrExist) {
		return nil, lab.Errorf(lab.Conflict, "%s is there and is nothing that an export has left; it is needed while %s is written", f.dir, dir)
	} else if err != nil {
		return nil, fmt.Errorf("export %s: %w", s.ID, err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, partMark), nil, 0o644); err != nil {
		return nil, fmt.Errorf("export %s: %w", s.ID, err)
	}
	return f, nil
}

// Out is a file of a [Folder] that is open for writing.
type Out struct {
	file
	path string
	rows int
	to   *Folder
}

// Create opens a file of the folder; a path is created once.
func (f *Folder) Create(path string) (*Out, error) {
	full := filepath.Join(f.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return nil, fmt.Errorf("export %s: %w", f.of.ID, err)
	}
	to, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", f.of.ID, err)
	}
	o := &Out{file{f: to, w: bufio.NewWriterSize(to, 64<<10), h: sha256.New()}, path, 0, f}
	f.open[path] = o
	return o, nil
}

// Rows notes that n rows more are in the file.
func (o *Out) Rows(n int) { o.rows += n }

// Close ends the file and enters it into the folder's list.
func (o *Out) Close() error {
	delete(o.to.open, o.path)
	if err := errors.Join(o.w.Flush(), o.f.Sync(), o.f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	o.to.files = append(o.to.files, File{Path: o.path, SHA256: hex.EncodeToString(o.h.Sum(nil)), Bytes: o.size, Rows: o.rows})
	return nil
}

// Put writes a whole file.
func (f *Folder) Put(path string, rows int, write func(io.Writer) error) error {
	o, err := f.Create(path)
	if err != nil {
		return err
	}
	o.rows = rows
	return errors.Join(write(o), o.Close())
}

// Files are those written so far, by path.
func (f *Folder) Files() []File {
	return slices.SortedFunc(slices.Values(f.files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Finish copies the splits, writes the manifest, and puts the folder where it goes.
// After an error nothing is left.
func (f *Folder) Finish(err error) (Snapshot, error) {
	for _, o := range f.open {
		err = errors.Join(err, o.f.Close())
	}
	var done Snapshot
	if err == nil {
		done, err = f.whole()
	}
	if err == nil {
		err = f.appear()
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("export %s: %w", f.of.ID, errors.Join(err, os.RemoveAll(f.dir)))
	}
	return done, nil
}

// whole writes what makes the folder an export.
func (f *Folder) whole() (Snapshot, error) {
	m := f.of.Manifest
	m.Of, m.Format, m.Files = f.of.ID, f.form, f.Files()
	for _, from := range f.of.Files {
		if strings.HasPrefix(from.Path, "splits/") {
			if err := copyFile(f.of.Dir, f.dir, from.Path); err != nil {
				return Snapshot{}, err
			}
			m.Files = append(m.Files, from)
		}
	}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	raw, id, err := m.Encode()
	if err != nil {
		return Snapshot{}, err
	}
	return Snapshot{ID: id, Dir: f.to, Manifest: m}, seal(f.dir, raw, id)
}

// appear gives the folder its name.
func (f *Folder) appear() error {
	if err := os.Remove(filepath.Join(f.dir, partMark)); err != nil {
		return err
	}
	if err := os.Remove(f.to); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return err
	}
	return os.Rename(f.dir, f.to)
}

// Pull reads a file of lines of the snapshot, one at a time: next returns false
// at the end, stop ends it before. A line is valid until the next.
func (s Snapshot) Pull(path string) (next func() ([]byte, error, bool), stop func()) {
	return PullEach(func(yield func([]byte) error) error { return s.eachLine(path, yield) })
}

// PullEach has what each gives one at a time: next returns false at the end, stop
// ends it before.
func PullEach[T any](each func(yield func(T) error) error) (next func() (T, error, bool), stop func()) {
	stopped := errors.New("stopped")
	return iter.Pull2(func(yield func(T, error) bool) {
		err := each(func(x T) error {
			if !yield(x, nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			var none T
			yield(none, err)
		}
	})
}

// PartOf reads a line of a split.
func PartOf(line []byte) (Part, error) {
	// {"key":"…","part":"…"}: the part is between the last two quotes.
	text := strings.TrimSuffix(string(line), `"}`)
	switch p := Part(text[strings.LastIndexByte(text, '"')+1:]); p {
	case Train, Validation, Test, Excluded:
		return p, nil
	default:
		return "", lab.Errorf(lab.Invalid, "a split has the part %q, which is none", p)
	}
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

func copyFile(from, to, path string) error {
	in, err := os.Open(filepath.Join(from, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	_, err = writeFile(to, path, func(w io.Writer) error { _, err := io.Copy(w, in); return err })
	return errors.Join(err, in.Close())
}
