package screen_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/literature/screen"
)

// review makes records of random words; the relevant ones have a word of their
// topic in most.
func review(n, every int, seed uint64) ([]screen.Record, []bool) {
	rng := rand.New(rand.NewPCG(seed, 1))
	records, relevant := make([]screen.Record, n), make([]bool, n)
	for i := range records {
		relevant[i] = i%every == every/2
		var w []string
		for range 30 {
			w = append(w, fmt.Sprintf("w%d", rng.IntN(400)))
		}
		for range 4 {
			if relevant[i] == (rng.Float64() < 0.8) {
				w = append(w, fmt.Sprintf("topic%d", rng.IntN(5)))
			}
		}
		records[i] = screen.Record{Title: strings.Join(w[:5], " "), Abstract: strings.Join(w[5:], " ")}
	}
	return records, relevant
}

func newScreener(t *testing.T, records []screen.Record, start []int) *screen.Screener {
	t.Helper()
	s, err := screen.New(records, start, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReadingIsSaved wants far less reading than at random.
func TestReadingIsSaved(t *testing.T) {
	t.Parallel()
	records, relevant := review(600, 15, 1)
	s := newScreener(t, records, nil)
	var sum float64
	for seed := range uint64(5) {
		sum += s.Simulate(relevant, seed, nil).WSS95 / 5
	}
	if sum < 40 {
		t.Errorf("WSS@95 is %.1f, want at least 40", sum)
	}
	if a, b := s.Simulate(relevant, 3, nil), s.Simulate(relevant, 3, nil); a.WSS95 != b.WSS95 || a.ATD != b.ATD {
		t.Error("one seed gave two reviews")
	}
}

// TestNextBeforeLabels wants the caller's order first, then all others once, and
// what was read never again.
func TestNextBeforeLabels(t *testing.T) {
	t.Parallel()
	records, _ := review(40, 10, 2)
	s := newScreener(t, records, []int{7, 3})
	next := s.Next(40)
	if !slices.Equal(next[:2], []int{7, 3}) {
		t.Errorf("first are %v", next[:2])
	}
	slices.Sort(next)
	if len(slices.Compact(next)) != 40 {
		t.Errorf("%d records are shown", len(next))
	}
	if err := s.Set(7, screen.Unsure); err != nil {
		t.Fatal(err)
	}
	if next := s.Next(1); next[0] != 3 {
		t.Errorf("after 7 comes %d, want 3", next[0])
	}
}

// TestTakenBackLeavesNoTrace wants the suggestions of a review in which a label
// was never given.
func TestTakenBackLeavesNoTrace(t *testing.T) {
	t.Parallel()
	records, relevant := review(120, 6, 3)
	label := func(s *screen.Screener, i int) {
		l := screen.Irrelevant
		if relevant[i] {
			l = screen.Relevant
		}
		if err := s.Set(i, l); err != nil {
			t.Fatal(err)
		}
	}
	a, b := newScreener(t, records, nil), newScreener(t, records, nil)
	for i := range 20 {
		label(a, i)
		label(b, i)
	}
	label(b, 50)
	b.Next(1) // trains with it
	if err := b.Set(50, screen.Unread); err != nil {
		t.Fatal(err)
	}
	if x, y := a.Next(10), b.Next(10); !slices.Equal(x, y) {
		t.Errorf("got %v, want %v", y, x)
	}
}

// TestWhyNamesTheTopic wants the words that make a record relevant among its
// reasons.
func TestWhyNamesTheTopic(t *testing.T) {
	t.Parallel()
	records, relevant := review(300, 6, 4)
	s := newScreener(t, records, nil)
	for i := range 150 {
		l := screen.Irrelevant
		if relevant[i] {
			l = screen.Relevant
		}
		if err := s.Set(i, l); err != nil {
			t.Fatal(err)
		}
	}
	reasons := s.Why(s.Next(1)[0], 3)
	if !slices.ContainsFunc(reasons, func(r screen.Reason) bool { return strings.Contains(r.Term, "topic") && r.Share > 0 }) {
		t.Errorf("reasons are %+v", reasons)
	}
}

// TestRefusals wants errors, not panics, for records that are not there.
func TestRefusals(t *testing.T) {
	t.Parallel()
	records, _ := review(10, 5, 5)
	s := newScreener(t, records, nil)
	if s.Set(10, screen.Relevant) == nil || s.Set(-1, screen.Relevant) == nil || s.Set(1, 9) == nil {
		t.Error("a label that makes no sense was taken")
	}
	if _, err := screen.New(records, []int{1, 1}, 0); err == nil {
		t.Error("a start with a record twice was taken")
	}
	if _, err := s.NewAudit(1, 0); err == nil {
		t.Error("certainty was promised")
	}
	empty := newScreener(t, make([]screen.Record, 3), nil)
	if got := empty.Next(5); len(got) != 3 {
		t.Errorf("three records without words, %d shown", len(got))
	}
}

// TestAuditKeepsItsPromise stops as soon as the audit says so, many times over,
// and counts how often that was wrong: at most one time in twenty, with room for
// the chance of 400 audits.
func TestAuditKeepsItsPromise(t *testing.T) {
	t.Parallel()
	const runs, target = 400, 0.9
	for _, left := range []int{0, 3, 8, 20, 60} {
		records := make([]screen.Record, 400)
		s := newScreener(t, records, nil)
		for i := range 50 {
			if err := s.Set(i, screen.Relevant); err != nil {
				t.Fatal(err)
			}
		}
		wrong, read := 0, 0
		for seed := range uint64(runs) {
			a, err := s.NewAudit(0.95, seed)
			if err != nil {
				t.Fatal(err)
			}
			found := 50
			for !a.Enough(target) {
				i, ok := a.Next()
				if !ok {
					break
				}
				yes := i < 50+left
				if yes {
					found++
				}
				a.Answer(yes)
			}
			read += a.Read()
			if float64(found)/float64(50+left) < target {
				wrong++
			}
		}
		if float64(wrong)/runs > 0.05+0.03 {
			t.Errorf("%d left: wrong %d times in %d", left, wrong, runs)
		}
		t.Logf("%d left: wrong %d of %d, %d of 350 read on average", left, wrong, runs, read/runs)
	}
}

// TestAuditEnds wants nothing left when all is read.
func TestAuditEnds(t *testing.T) {
	t.Parallel()
	s := newScreener(t, make([]screen.Record, 5), nil)
	a, err := s.NewAudit(0.99, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Left(); got != 5 {
		t.Errorf("at the start %d may be left, want 5", got)
	}
	for range 7 {
		a.Answer(true)
	}
	if a.Left() != 0 || a.Recall() != 1 || a.Read() != 5 {
		t.Errorf("at the end: left %d, recall %g, read %d", a.Left(), a.Recall(), a.Read())
	}
}
