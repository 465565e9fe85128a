// Package blob keeps raw data under the SHA-256 of its content, in a directory.
//
// A blob comes in pieces, each appended at the offset that is already there, so
// that an upload goes on after a cut. It exists once it is whole, its content
// has the hash that it is named by, and the disk has it; before that nobody can
// open it. What exists never changes.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/athanor-lab/athanor/lab"
)

// Dir is a store in a directory. It is safe for concurrent use, by several
// processes too: who appends has the lock of the partial file.
type Dir struct {
	root string

	mu   sync.Mutex
	busy map[string]bool // blobs that a piece is written to
}

// partial is the folder of what is not whole.
const partial = "partial"

// Open returns the store in a directory, made when absent.
func Open(root string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Join(root, partial), 0o750); err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return &Dir{root: root, busy: map[string]bool{}}, nil
}

// path returns where a whole blob is: a folder to every first two letters.
func (d *Dir) path(sum string) string { return filepath.Join(d.root, sum[:2], sum) }

func (d *Dir) partial(sum string) string { return filepath.Join(d.root, partial, sum) }

func check(sum string) error {
	if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != sum {
		return lab.Errorf(lab.Invalid, "blob %.80q is not named by a SHA-256 in small hexadecimal letters", sum)
	}
	return nil
}

// Status returns how many bytes of a blob are there, and whether it is whole.
// One that nobody has begun has none.
func (d *Dir) Status(_ context.Context, sum string) (size int64, whole bool, err error) {
	if err := check(sum); err != nil {
		return 0, false, err
	}
	for _, path := range []string{d.path(sum), d.partial(sum)} {
		info, err := os.Stat(path)
		if err == nil {
			return info.Size(), path == d.path(sum), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return 0, false, fmt.Errorf("look for blob %s: %w", sum, err)
		}
	}
	return 0, false, nil
}

// Append adds what r has at an offset of a blob that will have size bytes, and
// returns how many are there then and whether the blob is whole. Appending to a
// whole blob does nothing. It is lab.Conflict when the offset is not where the
// blob ends, or when somebody else is at it: size says where it ends. It is
// lab.Invalid when all is there and the content has another hash, or more is
// there than size; the blob then begins anew. Of a piece that ends early, what came is kept.
func (d *Dir) Append(ctx context.Context, sum string, offset, size int64, r io.Reader) (at int64, whole bool, err error) {
	if err := check(sum); err != nil {
		return 0, false, err
	}
	if !d.take(sum) {
		at, whole, err := d.Status(ctx, sum)
		if err == nil && !whole {
			err = lab.Errorf(lab.Conflict, "append to blob %s: somebody else is at it", sum)
		}
		return at, whole, err
	}
	defer d.leave(sum)
	if at, whole, err := d.Status(ctx, sum); err != nil || whole {
		return at, whole, err
	}
	f, err := d.begin(sum)
	if err != nil {
		at, whole, lost := d.Status(ctx, sum)
		if whole && lost == nil {
			err = nil // somebody else has just finished it
		}
		return at, whole, err
	}
	defer f.Close()
	at, whole, err = d.Status(ctx, sum)
	switch {
	case err != nil:
		return at, whole, err
	case whole: // and the file that begin has made is of no use
		return at, true, os.Remove(d.partial(sum))
	case offset != at:
		return at, false, lab.Errorf(lab.Conflict, "append to blob %s at %d: %d bytes are there", sum, offset, at)
	case size < at:
		return 0, false, errors.Join(lab.Errorf(lab.Invalid, "append to blob %s of %d bytes: %d are there", sum, size, at), os.Remove(d.partial(sum)))
	}
	n, cut := io.Copy(f, io.LimitReader(r, size-at))
	at += n
	if err := f.Sync(); err != nil {
		return at, false, fmt.Errorf("append to blob %s: %w", sum, err)
	}
	if at < size {
		if cut != nil {
			cut = lab.Errorf(lab.Unavailable, "append to blob %s: the piece ended early: %w", sum, cut)
		}
		return at, false, cut
	}
	if err := d.finish(sum); err != nil {
		return 0, false, err
	}
	return at, true, nil
}

// begin opens the partial file of a blob and locks it. It is lab.Conflict when
// another process has it, or has done away with it meanwhile.
func (d *Dir) begin(sum string) (*os.File, error) {
	f, err := os.OpenFile(d.partial(sum), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("append to blob %s: %w", sum, err)
	}
	free, err := lock(f)
	if err == nil && free {
		var mine, there fs.FileInfo
		if mine, err = f.Stat(); err == nil {
			there, err = os.Stat(d.partial(sum))
			free = err == nil && os.SameFile(mine, there)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	switch {
	case err != nil:
		err = fmt.Errorf("append to blob %s: %w", sum, err)
	case !free:
		err = lab.Errorf(lab.Conflict, "append to blob %s: some other process is at it", sum)
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// finish makes a blob exist whose bytes are all there.
func (d *Dir) finish(sum string) error {
	f, err := os.Open(d.partial(sum))
	if err != nil {
		return fmt.Errorf("finish blob %s: %w", sum, err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("finish blob %s: %w", sum, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return errors.Join(lab.Errorf(lab.Invalid, "finish blob %s: its content has the hash %s", sum, got), os.Remove(d.partial(sum)))
	}
	folder := filepath.Dir(d.path(sum))
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("finish blob %s: %w", sum, err)
	}
	if err := os.Rename(d.partial(sum), d.path(sum)); err != nil {
		return fmt.Errorf("finish blob %s: %w", sum, err)
	}
	if err := errors.Join(syncDir(folder), syncDir(d.root)); err != nil {
		return fmt.Errorf("finish blob %s: %w", sum, err)
	}
	return nil
}

// Get opens a whole blob, or fails with lab.NotFound.
func (d *Dir) Get(_ context.Context, sum string) (io.ReadSeekCloser, error) {
	if err := check(sum); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path(sum))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lab.Errorf(lab.NotFound, "blob %s is not here", sum)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", sum, err)
	}
	return f, nil
}

func (d *Dir) take(sum string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[sum] {
		return false
	}
	d.busy[sum] = true
	return true
}

func (d *Dir) leave(sum string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, sum)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
