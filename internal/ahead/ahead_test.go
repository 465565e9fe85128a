package ahead_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/athanor-lab/athanor/internal/ahead"
)

var (
	errSource = errors.New("source")
	errWork   = errors.New("work")
	errYield  = errors.New("yield")
)

// count gives 0 to n-1, and then an error.
func count(n int, end error) func(func(int) error) error {
	return func(yield func(int) error) error {
		for i := range n {
			if err := yield(i); err != nil {
				return err
			}
		}
		return end
	}
}

// TestOrder wants every value once, in order, on one core and on several, and
// after an error of the source or of the work no more than what is before it.
func TestOrder(t *testing.T) {
	for _, cores := range []int{1, 2, 8} {
		before := runtime.GOMAXPROCS(cores)
		for _, c := range []struct {
			n, badAt, stopAt, want int
			end, err               error
		}{
			{n: 0, badAt: -1, stopAt: -1, want: 0},
			{n: 1, badAt: -1, stopAt: -1, want: 1},
			{n: 32, badAt: -1, stopAt: -1, want: 32},
			{n: 10000, badAt: -1, stopAt: -1, want: 10000},
			{n: 1000, badAt: -1, stopAt: -1, want: 1000, end: errSource, err: errSource},
			{n: 10000, badAt: 777, stopAt: -1, want: 777, err: errWork},
			{n: 10000, badAt: 0, stopAt: -1, want: 0, end: errSource, err: errWork},
			{n: 100000, badAt: -1, stopAt: 333, want: 334, err: errYield},
		} {
			got := 0
			err := ahead.Each(count(c.n, c.end), func(i int) (int, error) {
				if i == c.badAt {
					return 0, errWork
				}
				return 2 * i, nil
			}, func(y int) error {
				if y != 2*got {
					t.Errorf("%d cores: %d, want %d", cores, y, 2*got)
				}
				if got++; got == c.stopAt+1 {
					return errYield
				}
				return nil
			})
			if got != c.want || !errors.Is(err, c.err) || err != nil && c.err == nil {
				t.Errorf("%d cores, %+v: %d values and error %v", cores, c, got, err)
			}
		}
		runtime.GOMAXPROCS(before)
	}
}

// TestNothingIsLeft wants every goroutine to have ended when Each returns, in a
// bubble that fails otherwise.
func TestNothingIsLeft(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			err := ahead.Each(count(100000, nil), func(i int) (int, error) { return i, nil }, func(int) error {
				if n++; n == 200 {
					return errYield
				}
				return nil
			})
			if !errors.Is(err, errYield) {
				t.Errorf("error %v, want that of yield", err)
			}
		})
	}
}
