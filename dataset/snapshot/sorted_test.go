package snapshot_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
)

// TestSorted gives items in a random order and wants the snapshot of those that
// come in order, the error of what gives them, and one of a key that is there twice.
func TestSorted(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	var all []snapshot.Item
	if err := items(300, nil)(func(i snapshot.Item) error { all = append(all, i); return nil }); err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	shuffled := func(end error) func(func(snapshot.Item) error) error {
		return func(yield func(snapshot.Item) error) error {
			for _, i := range all {
				if err := yield(i); err != nil {
					return err
				}
			}
			return end
		}
	}
	want := create(t, t.TempDir(), items(300, nil))
	if got := create(t, t.TempDir(), snapshot.Sorted(shuffled(nil))); got.ID != want.ID {
		t.Errorf("seed %d: %s, want %s", seed, got.ID, want.ID)
	}
	broken := errors.New("broken")
	if _, err := snapshot.Create(t.TempDir(), snapshot.Spec{Rows: snapshot.OutcomeRows}, snapshot.Sorted(shuffled(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of what gives the items", err)
	}
	all = append(all, all[7])
	if _, err := snapshot.Create(t.TempDir(), snapshot.Spec{Rows: snapshot.OutcomeRows}, snapshot.Sorted(shuffled(nil))); lab.KindOf(err) != lab.Invalid {
		t.Errorf("seed %d, a key twice: error %v, want an invalid one", seed, err)
	}
}
