package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/athanor-lab/athanor/internal/blob"
	"github.com/athanor-lab/athanor/lab"
)

func open(t *testing.T) (*blob.Dir, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "blobs")
	d, err := blob.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return d, root
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// TestCutsCorruptNothing uploads blobs in random pieces that are cut at random,
// through stores that are opened anew, and wants every byte back.
func TestCutsCorruptNothing(t *testing.T) {
	t.Parallel()
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, 0))
	d, root := open(t)
	for i := range 200 {
		content := make([]byte, rng.IntN(3000))
		for j := range content {
			content[j] = byte(rng.Uint32())
		}
		sum, at, whole := sumOf(content), int64(0), false
		for !whole {
			piece := content[at:min(int64(len(content)), at+1+rng.Int64N(900))]
			var r io.Reader = bytes.NewReader(piece)
			if rng.IntN(3) == 0 && len(piece) > 0 {
				r = io.MultiReader(bytes.NewReader(piece[:rng.IntN(len(piece))]), iotest.ErrReader(errors.New("cut")))
			}
			if rng.IntN(5) == 0 {
				var err error
				if d, err = blob.Open(root); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if at, whole, err = d.Append(t.Context(), sum, at, int64(len(content)), r); err != nil && lab.KindOf(err) != lab.Unavailable {
				t.Fatalf("seed %d, blob %d: %v", seed, i, err)
			}
		}
		f, err := d.Get(t.Context(), sum)
		if err != nil {
			t.Fatalf("seed %d, blob %d: %v", seed, i, err)
		}
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("seed %d, blob %d: %d bytes, %v; want the %d that were sent", seed, i, len(got), err, len(content))
		}
		f.Close()
	}
	if left, err := os.ReadDir(filepath.Join(root, "partial")); err != nil || len(left) != 0 {
		t.Errorf("%d parts are left, %v; want none", len(left), err)
	}
}

// TestRefusals lists what a store does not take.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	ctx, content := t.Context(), []byte("what is wanted")
	sum := sumOf(content)
	for _, bad := range []string{"", "../../etc/passwd", strings.Repeat("A", 64), sum[:63], sum + "0"} {
		if _, _, err := d.Append(ctx, bad, 0, 1, strings.NewReader("x")); lab.KindOf(err) != lab.Invalid {
			t.Errorf("append to %q: %v; want invalid", bad, err)
		}
		if _, err := d.Get(ctx, bad); lab.KindOf(err) != lab.Invalid {
			t.Errorf("get %q: %v; want invalid", bad, err)
		}
	}
	if _, err := d.Get(ctx, sum); lab.KindOf(err) != lab.NotFound {
		t.Errorf("get what is not there: %v; want not found", err)
	}
	if at, _, err := d.Append(ctx, sum, 4, 14, strings.NewReader("x")); lab.KindOf(err) != lab.Conflict || at != 0 {
		t.Errorf("append at 4 of nothing = %d, %v; want a conflict at 0", at, err)
	}
	if _, whole, err := d.Append(ctx, sum, 0, 14, strings.NewReader("something else")); lab.KindOf(err) != lab.Invalid || whole {
		t.Errorf("other content: whole %t, %v; want invalid", whole, err)
	}
	if at, whole, err := d.Append(ctx, sum, 0, 14, bytes.NewReader(content)); !whole || at != 14 || err != nil {
		t.Errorf("after other content: %d, whole %t, %v; want it taken", at, whole, err)
	}
	if at, whole, err := d.Append(ctx, sum, 0, 14, iotest.ErrReader(errors.New("not to be read"))); !whole || at != 14 || err != nil {
		t.Errorf("again: %d, whole %t, %v; want nothing done", at, whole, err)
	}
	if size, whole, err := d.Status(ctx, sum); size != 14 || !whole || err != nil {
		t.Errorf("status = %d, whole %t, %v", size, whole, err)
	}
}

// TestOneWriterAtATime sends the same blob from several sides at once.
func TestOneWriterAtATime(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	content := bytes.Repeat([]byte("0123456789"), 5000)
	sum := sumOf(content)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				at, whole, err := d.Status(t.Context(), sum)
				if whole || err != nil {
					return
				}
				_, whole, err = d.Append(t.Context(), sum, at, int64(len(content)), bytes.NewReader(content[at:min(int64(len(content)), at+777)]))
				if err != nil && lab.KindOf(err) != lab.Conflict {
					t.Error(err)
				}
				if whole {
					return
				}
			}
		})
	}
	all.Wait()
	f, err := d.Get(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v; want %d as sent", len(got), err, len(content))
	}
}

// TestProcessesShareAStore has several stores in one directory, as several
// processes have them, append the same pieces side by side, and wants each blob
// whole, its bytes in order, and no store to report another hash.
func TestProcessesShareAStore(t *testing.T) {
	t.Parallel()
	_, root := open(t)
	content := make([]byte, 40_000)
	rng := rand.New(rand.NewPCG(11, 0))
	for j := range content {
		content[j] = byte(rng.Uint32())
	}
	sum := sumOf(content)
	var wg sync.WaitGroup
	for range 4 {
		d, err := blob.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for whole := false; !whole; {
				at, _, err := d.Status(t.Context(), sum)
				if err != nil {
					t.Error(err)
					return
				}
				end := min(int64(len(content)), at+1000)
				_, whole, err = d.Append(t.Context(), sum, at, int64(len(content)), bytes.NewReader(content[at:end]))
				if err != nil && lab.KindOf(err) != lab.Conflict {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	d, err := blob.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Get(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v; want the %d that were sent", len(got), err, len(content))
	}
	if left, err := os.ReadDir(filepath.Join(root, "partial")); err != nil || len(left) > 0 {
		t.Errorf("partial files left: %v, %v; want none", left, err)
	}
}
