package schedule_test

import (
	"flag"
	"testing"

	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

var seed = flag.Uint64("seed", 0, "carry out only the random laboratory of this seed")

// TestEverythingFinishes carries out random protocols in random laboratories,
// in a random order of finishing. Whatever the routes: no device is in two
// hands, every grant is whole, and no experiment waits for ever.
func TestEverythingFinishes(t *testing.T) {
	t.Parallel()
	seeds, experiments := 1000, 0
	first := uint64(1)
	if *seed != 0 {
		first, seeds = *seed, 1
	}
	for s := first; s < first+uint64(seeds); s++ {
		n, err := scheduletest.NewLaboratory(s).Run(t.Context(), new(scheduletest.Book))
		if err != nil {
			t.Fatalf("seed %d: %v\nagain: go test ./schedule -run %s -seed %d", s, err, t.Name(), s)
		}
		experiments += n
	}
	if *seed == 0 && experiments < 8*seeds {
		t.Errorf("only %d experiments were carried out in %d laboratories: the laboratories are too poor to prove anything", experiments, seeds)
	}
	t.Logf("%d experiments in %d laboratories", experiments, seeds)
}
