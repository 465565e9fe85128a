package gatewaytest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

// Recalls is a [gateway.Recalls] in memory, of a record that was restored.
type Recalls struct {
	Ledger gateway.Ledger
	Asked  []string // the devices that are silent yet

	mu   sync.Mutex
	told map[string]gateway.Told
}

var _ gateway.Recalls = (*Recalls)(nil)

// Silent implements [gateway.Recalls].
func (r *Recalls) Silent(context.Context) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.Asked), nil
}

// KeepTold implements [gateway.Recalls].
func (r *Recalls) KeepTold(ctx context.Context, device string, told []gateway.Told, last bool) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, t := range told {
		_, err := lab.ParseCommandUUID(t.ID)
		_, onRecord := r.Ledger.Get(ctx, t.ID)
		if _, known := r.told[t.ID]; known || err != nil || onRecord == nil {
			continue
		}
		if r.told == nil {
			r.told = map[string]gateway.Told{}
		}
		t.Device = device
		r.told[t.ID], n = t, n+1
	}
	if last {
		r.Asked = slices.DeleteFunc(r.Asked, func(d string) bool { return d == device })
	}
	return n, nil
}

// WasTold implements [gateway.Recalls].
func (r *Recalls) WasTold(_ context.Context, id string) (gateway.Told, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.told[id]
	if !ok {
		return t, lab.Errorf(lab.NotFound, "nobody was told command %s", id)
	}
	return t, nil
}

// ExerciseRecalls tests what a [gateway.Recalls] promises. Of the record that
// newRecalls restores, the devices d-1 and d-2 are silent.
func ExerciseRecalls(t *testing.T, newRecalls func(*testing.T) (gateway.Recalls, gateway.Ledger)) {
	t.Helper()
	t.Parallel()
	r, ledger := newRecalls(t)
	silent := func(want ...string) {
		t.Helper()
		if got, err := r.Silent(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("silent are %v, %v; want %v", got, err, want)
		}
	}
	keep := func(device string, last bool, want int, told ...gateway.Told) {
		t.Helper()
		if n, err := r.KeepTold(t.Context(), device, told, last); err != nil || n != want {
			t.Errorf("of what %s was told %d are news, %v; want %d", device, n, err, want)
		}
	}
	id := func(seed byte) string { return lab.CommandID{0: seed, 15: 1}.UUID() }
	silent("d-1", "d-2")
	known := put(t, ledger, 1)
	told := []gateway.Told{{ID: id(1), Body: []byte("a")}, {ID: known.ID(), Body: known.Body}, {ID: id(2), Body: []byte("b")}, {ID: "somebody-else", Body: []byte("c")}}
	keep("d-1", false, 2, told...)
	silent("d-1", "d-2")
	keep("d-1", true, 0, told...)
	silent("d-2")
	keep("d-2", true, 1, gateway.Told{ID: id(1), Body: []byte("another's")}, gateway.Told{ID: id(3), Body: []byte("d")})
	silent()
	for _, want := range []gateway.Told{{Device: "d-1", ID: id(1), Body: []byte("a")}, {Device: "d-1", ID: id(2), Body: []byte("b")}, {Device: "d-2", ID: id(3), Body: []byte("d")}} {
		if got, err := r.WasTold(t.Context(), want.ID); err != nil || got.Device != want.Device || !bytes.Equal(got.Body, want.Body) {
			t.Errorf("under %s was told %+v, %v; want %+v", want.ID, got, err, want)
		}
	}
	for _, unknown := range []string{known.ID(), id(9), "somebody-else"} {
		if _, err := r.WasTold(t.Context(), unknown); lab.KindOf(err) != lab.NotFound {
			t.Errorf("under %s was told something: %v; want not_found", unknown, err)
		}
	}
}
