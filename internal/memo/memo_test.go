package memo_test

import (
	"testing"

	"github.com/athanor-lab/athanor/internal/memo"
)

// TestTableKeepsNoMoreThanFits asks for more keys than a table has room for, and
// wants the first of them kept.
func TestTableKeepsNoMoreThanFits(t *testing.T) {
	t.Parallel()
	var table memo.Table[int, int]
	kept := 0
	for i := range 5000 {
		table.Store(i, 2*i)
	}
	for i := range 5000 {
		v, ok := table.Load(i)
		if ok && v != 2*i || ok != (i < 4096) {
			t.Fatalf("of %d is kept %d (%t), want what was stored for the first 4096", i, v, ok)
		}
		if ok {
			kept++
		}
	}
	if kept != 4096 {
		t.Errorf("%d are kept, want 4096", kept)
	}
}
