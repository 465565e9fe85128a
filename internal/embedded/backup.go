package embedded

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"
)

// BackupVersion names the form of a backup.
const BackupVersion = "backup/1"

// indexFile is the last entry of a backup: what is in it, by hash.
const indexFile = "backup.json"

// restoredFile says, until [Reconciled], that a data directory is a backup's which
// nobody has opened since: its devices may have gone on.
const restoredFile = "restored"

// maxIndex bounds what is read of an index, in bytes.
const maxIndex = 256 << 20

// Index says what a backup holds.
type Index struct {
	Athanor string            `json:"athanor"`
	Format  string            `json:"format"` // of the data directory
	Files   int               `json:"files"`
	Bytes   int64             `json:"bytes"`
	Sums    map[string]string `json:"sha256"` // by path
	// Stood is for how many seconds Temporal and simulated devices stood still, of
	// a laboratory that ran.
	Stood float64 `json:"stood_still_s,omitempty"`
}

// leftOut are files that belong to a process that runs, or to a place.
var leftOut = []string{lockFile, "postmaster.pid", "postmaster.opts", locationFile, originFile, "temporal.db.lock", "temporal.db-shm"}

// leftOutAbove are such files of the directory itself: where a running laboratory
// and its database are reached.
var leftOutAbove = []string{"address", "database", offerFile, asideDir}

// Backup writes everything that a closed laboratory keeps in its data directory
// to w: the record, the state of all workflows, what simulated devices remember.
// A laboratory that runs, or a server of it that outlived it, is an
// [*InUseError]: the three only fit together while nothing is being written.
func Backup(ctx context.Context, dir string, w io.Writer) (Index, error) {
	x := Index{Athanor: BackupVersion, Format: Format, Sums: map[string]string{}}
	if body, err := os.ReadFile(filepath.Join(dir, formatFile)); err != nil || strings.TrimSpace(string(body)) != Format {
		return x, fmt.Errorf("back up %s: it is no data directory of format %s of Athanor", dir, Format)
	}
	release, err := LockDir(dir)
	if err != nil {
		return x, err
	}
	defer release()
	home := filepath.Join(dir, "postgres")
	if body, err := os.ReadFile(filepath.Join(home, locationFile)); err == nil {
		home = strings.TrimSpace(string(body))
	}
	for _, name := range []string{filepath.Join(home, lockFile), filepath.Join(dir, "temporal", "temporal.db.lock")} {
		if _, err := os.Stat(filepath.Dir(name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		f, err := lock(name)
		if held := (*heldError)(nil); errors.As(err, &held) {
			return x, &InUseError{Dir: filepath.Dir(name), PID: held.pid}
		}
		if err != nil {
			return x, fmt.Errorf("back up %s: %w", dir, err)
		}
		defer unlock(f)
	}
	z, err := zstd.NewWriter(w)
	if err != nil {
		return x, fmt.Errorf("back up %s: %w", dir, err)
	}
	t := tar.NewWriter(z)
	p := packer{ctx: ctx, t: t, x: &x}
	err = p.walk(dir, "", []string{"postgres", asideDir})
	if _, e := os.Stat(home); err == nil && e == nil {
		err = p.walk(home, "postgres", nil)
	}
	if err == nil {
		err = p.index()
	}
	if err = errors.Join(err, t.Close(), z.Close()); err != nil {
		return x, fmt.Errorf("back up %s: %w", dir, err)
	}
	return x, nil
}

type packer struct {
	ctx context.Context //nolint:containedctx // of the one call that packs
	t   *tar.Writer
	x   *Index
	// moving says that files are written meanwhile: those that are gone are none,
	// and of one that grows what it had is packed.
	moving bool
}

// walk packs the files below root under a prefix, but for some folders of it.
func (p packer) walk(root, prefix string, but []string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if p.moving && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(but, rel) {
			return fs.SkipDir
		}
		name := filepath.ToSlash(filepath.Join(prefix, rel))
		if name == "." || slices.Contains(leftOut, d.Name()) || slices.Contains(leftOutAbove, name) || !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		return p.add(path, name, d)
	})
}

func (p packer) add(path, name string, d fs.DirEntry) error {
	st, err := d.Info()
	if p.moving && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(st.Mode().Perm()), ModTime: st.ModTime().UTC(), Format: tar.FormatPAX, Typeflag: tar.TypeReg, Size: st.Size()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && sys.Uid != 0 {
		h.Uname = "server" // belongs to the account that the server runs as, whoever that is elsewhere
	}
	if d.IsDir() {
		h.Typeflag, h.Size = tar.TypeDir, 0
		return p.t.WriteHeader(h)
	}
	f, err := os.Open(path)
	if p.moving && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if p.moving { // another file may have its name by now
		if st, err = f.Stat(); err != nil {
			return err
		}
		h.Size = st.Size()
	}
	if err := p.t.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(p.t, sum), io.LimitReader(f, h.Size))
	if err == nil && n < h.Size {
		err = errors.New("it was cut while it was backed up; try again")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p.x.Files, p.x.Bytes = p.x.Files+1, p.x.Bytes+n
	p.x.Sums[name] = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (p packer) index() error {
	b, err := json.Marshal(p.x)
	if err != nil {
		return err
	}
	if err := p.t.WriteHeader(&tar.Header{Name: indexFile, Mode: 0o644, Size: int64(len(b)), Format: tar.FormatPAX, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = p.t.Write(b)
	return err
}

// Restore makes a data directory of a backup. dir must not be there or be empty;
// it appears whole, every file held to its hash, or not at all. The database of a
// laboratory that ran is loaded by PostgreSQL, whose programs are in binDir or
// are looked for when it is "".
func Restore(ctx context.Context, r io.Reader, dir, binDir string) (x Index, err error) {
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return x, fmt.Errorf("restore into %s: it is not empty; choose a new directory", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return x, fmt.Errorf("restore into %s: %w", dir, err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".restoring-")
	if err != nil {
		return x, fmt.Errorf("restore into %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore into %s: %w", dir, err), os.RemoveAll(part))
		}
	}()
	if err := os.Chmod(part, 0o755); err != nil {
		return x, err
	}
	z, err := zstd.NewReader(r)
	if err != nil {
		return x, err
	}
	defer z.Close()
	if x, err = unpackTar(ctx, tar.NewReader(z), part); err != nil {
		return x, err
	}
	if err := os.WriteFile(filepath.Join(part, restoredFile), nil, 0o644); err != nil {
		return x, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return x, err
	}
	if err := os.Rename(part, dir); err != nil {
		return x, err
	}
	if err := load(ctx, dir, binDir); err != nil {
		return x, errors.Join(fmt.Errorf("load its database: %w", err), forget(dir))
	}
	return x, nil
}

// forget removes a data directory, and the database that is kept elsewhere for it.
func forget(dir string) error {
	var elsewhere error
	if home, err := os.ReadFile(filepath.Join(dir, "postgres", locationFile)); err == nil {
		elsewhere = os.RemoveAll(strings.TrimSpace(string(home)))
	}
	return errors.Join(elsewhere, os.RemoveAll(dir))
}

func unpackTar(ctx context.Context, t *tar.Reader, dir string) (Index, error) {
	var x Index
	sums := map[string]string{}
	acc, err := serverAccount(filepath.Join(dir, "postgres", dataDir))
	if err != nil {
		return x, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return x, err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return x, errors.New("the backup ends before its index: it was cut short")
		}
		if err != nil {
			return x, fmt.Errorf("the backup cannot be read: %w", err)
		}
		if h.Name == indexFile {
			if err := json.NewDecoder(io.LimitReader(t, maxIndex)).Decode(&x); err != nil {
				return x, fmt.Errorf("the index of the backup cannot be read: %w", err)
			}
			return x, x.check(sums)
		}
		if !filepath.IsLocal(filepath.FromSlash(h.Name)) || strings.Contains(h.Name, `\`) {
			return x, fmt.Errorf("the backup names %q, which is not inside the directory", h.Name)
		}
		full := filepath.Join(dir, filepath.FromSlash(h.Name))
		mode := fs.FileMode(h.Mode).Perm()
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(full, mode|0o700)
		case tar.TypeReg:
			sums[h.Name], err = unpackFile(t, full, mode)
		default:
			err = fmt.Errorf("%q is neither a file nor a directory", h.Name)
		}
		if err == nil && h.Uname == "server" {
			err = acc.give(full)
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = os.Chtimes(full, h.ModTime, h.ModTime)
		}
		if err != nil {
			return x, err
		}
	}
}

func unpackFile(r io.Reader, full string, mode fs.FileMode) (string, error) {
	f, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Sync(), f.Close())
}

// check holds what was unpacked to the index.
func (x Index) check(sums map[string]string) error {
	if x.Athanor != BackupVersion && x.Athanor != LiveVersion || x.Format != Format {
		return fmt.Errorf("the backup is of the form %q and data format %q; this program knows %q, %q and %q", x.Athanor, x.Format, BackupVersion, LiveVersion, Format)
	}
	for name, want := range x.Sums {
		if got := sums[name]; got != want {
			return fmt.Errorf("%s has the hash %q and the index says %q: the backup is damaged", name, got, want)
		}
	}
	if len(sums) != len(x.Sums) {
		return fmt.Errorf("the backup has %d files and its index names %d", len(sums), len(x.Sums))
	}
	return nil
}

// WasRestored reports whether dir was made by [Restore] and its record has not
// been told yet that devices may be ahead of it.
func WasRestored(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, restoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Reconciled notes that the record of dir knows that it was restored.
func Reconciled(dir string) error { return os.Remove(filepath.Join(dir, restoredFile)) }
