package screen_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/literature/screen"
)

// TestAgree compares with values worked out by hand.
func TestAgree(t *testing.T) {
	t.Parallel()
	const y, n, u, x = screen.Relevant, screen.Irrelevant, screen.Unsure, screen.Unread
	// Krippendorff's example of two observers and ten units of binary data
	// (Computing Krippendorff's Alpha-Reliability, 2011, part A): alpha = 0.095.
	a := screen.Agree([][]screen.Label{{n, y, n, n, n, n, n, n, y, n}, {y, y, y, n, n, y, n, n, n, n}})
	if a.Both != 10 || math.Abs(*a.Same-0.6) > 1e-12 || math.Abs(*a.Alpha-0.095) > 5e-4 {
		t.Errorf("got %+v, same %g, alpha %g; want 0.6 and 0.095", a, *a.Same, *a.Alpha)
	}
	if diff := cmp.Diff([]int{0, 2, 5, 8}, a.Conflicts); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	a = screen.Agree([][]screen.Label{{y, y, u, x}, {y, x, n, x}, {y, n, n, n}})
	if a.Both != 3 || math.Abs(*a.Same-0.8) > 1e-12 || !cmp.Equal(a.Conflicts, []int{1}) {
		t.Errorf("with gaps: %+v, same %g", a, *a.Same)
	}
	if a := screen.Agree([][]screen.Label{{y, u}, {y, n}}); a.Alpha != nil || *a.Same != 1 || a.Both != 1 {
		t.Errorf("one label only: %+v", a)
	}
	if a := screen.Agree(nil); a.Alpha != nil || a.Same != nil {
		t.Errorf("nobody: %+v", a)
	}
}
