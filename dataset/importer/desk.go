package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Store keeps imports and their files on record. What is asked for and not there
// is [lab.NotFound].
type Store interface {
	// PutFile keeps a file by its SHA-256; twice is the same as once.
	PutFile(ctx context.Context, sha string, r io.Reader) error
	CopyFile(ctx context.Context, sha string, w io.Writer) error
	// PutImport asks for an import, whose rows are written by others; twice is
	// the same as once.
	PutImport(ctx context.Context, s Standing) error
	Standing(ctx context.Context, id string) (Standing, error)
	// Standings returns up to limit imports, the newest first.
	Standings(ctx context.Context, limit int) ([]Standing, error)
	// HeldRows returns up to limit rows that are held back and not settled, in
	// order, from those after a row.
	HeldRows(ctx context.Context, id string, after, limit int) ([]Held, error)
	// SettleHeld imports a row that was held back.
	SettleHeld(ctx context.Context, id string, r *Row) error
}

// Standing is an import on record, and what has become of it.
type Standing struct {
	ID      string   `json:"id"`
	SHA256  string   `json:"sha256"` // of the file
	Source  string   `json:"source"` // the name of the file
	Mapping Mapping  `json:"mapping"`
	LastRow int      `json:"last_row"`          // of those that are on record
	Summary *Summary `json:"summary,omitempty"` // when it is done
	Failure string   `json:"failure,omitempty"` // why it can never be done
	Held    int      `json:"held"`              // rows that are held back now
	Settled int      `json:"settled"`           // rows that were held back, and are imported now
	// Cells are the ledger as it is now: what was settled is no longer held back.
	// It has the cells that corrections have added to rows that were too short.
	Cells   Cells     `json:"cells"`
	BegunAt time.Time `json:"begun_at"`
}

// Settled counts what became of the cells of rows that were held back.
type Settled struct {
	Rows, Mapped, Attributes int64
	Original                 int64 // cells that the rows had in the file
	Surplus, Added           int64 // cells beyond the columns, that a correction left out; that it added
}

// Settle moves the cells of settled rows to what became of them.
func (c Cells) Settle(m Mapping, s Settled) Cells {
	var ignored int64
	for _, col := range m.Columns {
		if col.Role == Ignored {
			ignored++
		}
	}
	c.Quarantined -= s.Original
	c.Mapped += s.Mapped
	c.Attributes += s.Attributes
	c.Ignored += s.Rows*ignored + s.Surplus
	c.Blank += s.Rows*(int64(len(m.Columns))-ignored) - s.Mapped - s.Attributes
	c.All += s.Added
	return c
}

// Edit is what a person makes of a row that is held back.
type Edit struct {
	Row   int      `json:"row"`
	Texts []string `json:"texts"` // one to a column
}

// Replays tells what became of edited rows.
type Replays struct {
	Imported []string `json:"imported"` // the ids of rows
	Held     []Held   `json:"held"`     // what is still wrong, with the texts as they were edited
}

// Offered is a file that is kept to be imported.
type Offered struct {
	SHA256 string `json:"sha256"`
	Source string `json:"source"` // its name
}

// InboxFile is a file that lies in the folder of imports.
type InboxFile struct {
	Name  string    `json:"name"`
	Bytes int64     `json:"bytes"`
	At    time.Time `json:"modified_at"`
}

// maxUpload bounds a file that comes over the wire; a larger one is put into the
// folder of imports.
const maxUpload = 2 << 30

// copies is how many files are kept at hand to be looked at again.
const copies = 8

// Desk is where people prepare imports: it takes files, tries mappings, asks for
// imports and settles what they hold back. It is safe for concurrent use.
type Desk struct {
	store Store
	open  Opener
	inbox string

	mu   sync.Mutex
	dir  string   // of copies; "" until there is one
	have []string // hashes of the files in dir, the one that was used last at the end
}

// NewDesk returns a desk. inbox is the folder of imports on this machine, or "".
// Copies of files are kept in a folder of its own until [Desk.Close].
func NewDesk(store Store, open Opener, inbox string) *Desk {
	return &Desk{store: store, open: open, inbox: inbox}
}

// Close removes the copies.
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir == "" {
		return nil
	}
	return os.RemoveAll(d.dir)
}

// aside makes a folder among the copies for a file that is not yet whole.
func (d *Desk) aside() (dir string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asideLocked()
}

func (d *Desk) asideLocked() (dir string, err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "athanor-desk-"); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(d.dir, ".taking-")
}

// Inbox returns the name of the folder of imports and the files in it, by name.
// Without one there are none.
func (d *Desk) Inbox(context.Context) (string, []InboxFile, error) {
	files := []InboxFile{}
	if d.inbox == "" {
		return "", files, nil
	}
	entries, err := os.ReadDir(d.inbox)
	if errors.Is(err, os.ErrNotExist) {
		return d.inbox, files, nil
	}
	if err != nil {
		return d.inbox, nil, lab.Errorf(lab.Unavailable, "read the folder of imports: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, InboxFile{e.Name(), info.Size(), info.ModTime().UTC()})
		}
	}
	return d.inbox, files, nil
}

// Take keeps a file of the folder of imports. Nothing outside of the folder can
// be named, by a link neither.
func (d *Desk) Take(ctx context.Context, name string) (Offered, error) {
	none := lab.Errorf(lab.NotFound, "the folder of imports has no file %q", name)
	if d.inbox == "" || !filepath.IsLocal(name) || filepath.Base(name) != name {
		return Offered{}, none
	}
	root, err := os.OpenRoot(d.inbox)
	if err != nil {
		return Offered{}, none
	}
	defer root.Close() //nolint:errcheck // it was only read
	f, err := root.Open(name)
	if err != nil {
		return Offered{}, none
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return Offered{}, none
	}
	return d.keep(ctx, name, f, 0)
}

// Upload keeps a file that is read from r.
func (d *Desk) Upload(ctx context.Context, name string, r io.Reader) (Offered, error) {
	return d.keep(ctx, name, r, maxUpload)
}

func (d *Desk) keep(ctx context.Context, name string, r io.Reader, most int64) (o Offered, err error) {
	aside, err := d.aside()
	if err != nil {
		return o, fmt.Errorf("keep %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	o.Source = plainName(name)
	path := filepath.Join(aside, o.Source)
	f, err := os.Create(path)
	if err != nil {
		return o, fmt.Errorf("keep %s: %w", name, err)
	}
	defer f.Close()
	if most > 0 {
		r = io.LimitReader(r, most+1)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	switch {
	case err != nil:
		return o, lab.Errorf(lab.Invalid, "keep %s: it was cut after %d bytes: %w", name, n, err)
	case n == 0:
		return o, lab.Errorf(lab.Invalid, "%s is empty", o.Source)
	case most > 0 && n > most:
		return o, lab.Errorf(lab.Invalid, "%s has more than %d bytes; put it into the folder of imports of the server and choose it there", o.Source, most)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return o, err
	}
	o.SHA256 = hex.EncodeToString(h.Sum(nil))
	if err := d.store.PutFile(ctx, o.SHA256, f); err != nil {
		return o, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return o, d.shelve(o.SHA256, aside)
}

// shelve makes a folder the one of a file. The caller holds the lock.
func (d *Desk) shelve(sha, aside string) error {
	if i := slices.Index(d.have, sha); i >= 0 { // the name may be another now
		if err := os.RemoveAll(filepath.Join(d.dir, sha)); err != nil {
			return err
		}
		d.have = slices.Delete(d.have, i, i+1)
	}
	if err := os.Rename(aside, filepath.Join(d.dir, sha)); err != nil {
		return err
	}
	d.have = append(d.have, sha)
	for len(d.have) > copies {
		if err := os.RemoveAll(filepath.Join(d.dir, d.have[0])); err != nil {
			return err
		}
		d.have = d.have[1:]
	}
	return nil
}

var hexSHA = regexp.MustCompile(`^[0-9a-f]{64}$`)

// path returns where a kept file is on this machine, under its name, which may
// tell its format.
func (d *Desk) path(ctx context.Context, o Offered) (path string, err error) {
	if !hexSHA.MatchString(o.SHA256) {
		return "", lab.Errorf(lab.Invalid, "sha256: %q; want the 64 hexadecimal digits that the upload was answered with", o.SHA256)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.have, o.SHA256); i >= 0 {
		path = filepath.Join(d.dir, o.SHA256, plainName(o.Source))
		if _, err := os.Stat(path); err == nil {
			d.have = append(slices.Delete(d.have, i, i+1), o.SHA256)
			return path, nil
		}
	}
	aside, err := d.asideLocked()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	f, err := os.Create(filepath.Join(aside, plainName(o.Source)))
	if err != nil {
		return "", err
	}
	if err := errors.Join(d.store.CopyFile(ctx, o.SHA256, f), f.Close()); err != nil {
		return "", err
	}
	return filepath.Join(d.dir, o.SHA256, plainName(o.Source)), d.shelve(o.SHA256, aside)
}

// plainName is the name of a file without a path and without what no name has.
func plainName(name string) string {
	name = filepath.Base(filepath.Clean("/" + strings.ReplaceAll(strings.ToValidUTF8(name, "_"), `\`, "/")))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
	for len(name) > 200 { // the end tells the format
		name = strings.ToValidUTF8(name[len(name)-200:], "")
	}
	if name == "" || name == "/" {
		return "file"
	}
	return name
}

// Try tells what an import would do; without a mapping one is proposed for the
// sheet, or for the first that has rows.
func (d *Desk) Try(ctx context.Context, o Offered, sheet string, m *Mapping) (Trial, error) {
	path, err := d.path(ctx, o)
	if err != nil {
		return Trial{}, err
	}
	t, err := Job{Path: path, Open: d.open, Sheet: sheet, Mapping: m}.Try()
	if err != nil {
		return t, err
	}
	t.Source = plainName(o.Source)
	_, err = d.store.Standing(ctx, t.Import)
	if t.OnRecord = err == nil; lab.KindOf(err) == lab.NotFound {
		err = nil
	}
	return t, err
}

// Begin asks for an import. The same file by the same mapping is the same import.
func (d *Desk) Begin(ctx context.Context, o Offered, m Mapping) (Standing, error) {
	path, err := d.path(ctx, o)
	if err != nil {
		return Standing{}, err
	}
	found, err := Job{Path: path, Open: d.open, Mapping: &m}.Look()
	if err != nil {
		return Standing{}, err
	}
	s := Standing{ID: found.Import(), SHA256: o.SHA256, Source: plainName(o.Source), Mapping: m}
	if err := errors.Join(m.fits(found.Table), found.Close()); err != nil {
		return s, err
	}
	if err := d.store.PutImport(ctx, s); err != nil {
		return s, err
	}
	return d.store.Standing(ctx, s.ID)
}

// Standing returns an import.
func (d *Desk) Standing(ctx context.Context, id string) (Standing, error) {
	return d.store.Standing(ctx, id)
}

// Standings returns the newest imports.
func (d *Desk) Standings(ctx context.Context, limit int) ([]Standing, error) {
	return d.store.Standings(ctx, limit)
}

// HeldRows returns rows that an import holds back, after a row.
func (d *Desk) HeldRows(ctx context.Context, id string, after, limit int) ([]Held, error) {
	return d.store.HeldRows(ctx, id, after, limit)
}

// Replay imports rows that are held back with other texts. Those that are still
// wrong stay held, and are told with what is wrong now.
func (d *Desk) Replay(ctx context.Context, id string, edits []Edit) (Replays, error) {
	done := Replays{Imported: []string{}, Held: []Held{}}
	s, err := d.store.Standing(ctx, id)
	if err != nil {
		return done, err
	}
	if s.Summary == nil {
		return done, lab.Errorf(lab.Conflict, "import %.12s… is not done; what it holds back is settled then", id)
	}
	for i, e := range edits {
		rows, err := d.store.HeldRows(ctx, id, e.Row-1, 1)
		if err != nil {
			return done, err
		}
		if len(rows) == 0 || rows[0].Source.Row != e.Row {
			return done, lab.Errorf(lab.Conflict, "rows[%d]: row %d of import %.12s… is not held back", i, e.Row, id)
		}
		h := rows[0]
		if len(e.Texts) != len(s.Mapping.Columns) && len(e.Texts) != len(h.Original) {
			return done, lab.Errorf(lab.Invalid, "rows[%d].texts: row %d has %d; want %d, one to a column", i, e.Row, len(e.Texts), len(s.Mapping.Columns))
		}
		h.Texts = e.Texts
		err = Replay([]Held{h}, s.Mapping, func(r *Row) error {
			done.Imported = append(done.Imported, r.ID)
			return d.store.SettleHeld(ctx, id, r)
		}, func(h Held) error {
			done.Held = append(done.Held, h)
			return nil
		})
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
