package screen

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Audit bounds how many relevant records are left unread. It draws from a pool,
// the records unread when it began, at random and without replacement.
//
// The bound is a confidence sequence: with the stated confidence it holds at all
// sizes of the sample at once, so that looking after every record and stopping
// when it is good enough is allowed. It is the prior-posterior-ratio martingale of
// Waudby-Smith and Ramdas ("Confidence sequences for sampling without
// replacement", 2020) with a beta-binomial prior that expects few.
type Audit struct {
	order []int // the pool in the order of the draw
	found int   // relevant records known before
	drawn int
	hits  int
	alpha float64
}

// The prior of an Audit: Beta(1, expectFew) for the share of the pool that is
// relevant. Any prior keeps the promise; this one is tight where few are left.
const expectFew = 30.0

// NewAudit begins an audit of the unread records, by seed, at a confidence such as
// 0.95. Records labelled Unsure count as read and not relevant.
func (s *Screener) NewAudit(confidence float64, seed uint64) (*Audit, error) {
	if !(confidence > 0 && confidence < 1) {
		return nil, lab.Errorf(lab.Invalid, "audit with confidence %g; it lies between 0 and 1", confidence)
	}
	a := &Audit{alpha: 1 - confidence}
	for i, l := range s.labels {
		switch l {
		case Unread:
			a.order = append(a.order, i)
		case Relevant:
			a.found++
		default: // nothing to look for
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x6175646974))
	rng.Shuffle(len(a.order), func(i, j int) { a.order[i], a.order[j] = a.order[j], a.order[i] })
	return a, nil
}

// Next returns the record to read next, and false when the pool is read.
func (a *Audit) Next() (int, bool) {
	if a.drawn == len(a.order) {
		return 0, false
	}
	return a.order[a.drawn], true
}

// Answer says whether the record of Next is relevant. A record whose label is
// unsure is best answered as relevant, so that the promise holds either way.
func (a *Audit) Answer(relevant bool) {
	if a.drawn == len(a.order) {
		return
	}
	a.drawn++
	if relevant {
		a.hits++
	}
}

// Read is how many records the audit has drawn.
func (a *Audit) Read() int { return a.drawn }

// Left returns an upper bound of the relevant records of the pool that are still
// unread, at the confidence of the audit.
func (a *Audit) Left() int {
	n, m, x := float64(len(a.order)), float64(a.drawn), float64(a.hits)
	rest := len(a.order) - a.drawn
	lg := func(v float64) float64 { l, _ := math.Lgamma(v); return l }
	beta := func(p, q float64) float64 { return lg(p) + lg(q) - lg(p+q) }
	falling := func(v, k float64) float64 { return lg(v+1) - lg(v-k+1) }
	// The logarithm of the probability of the draws, in their order, under the
	// prior, and under exactly k relevant records in the pool.
	prior := beta(1+x, expectFew+m-x) - beta(1, expectFew)
	given := func(k float64) float64 { return falling(k, x) + falling(n-k, m-x) - falling(n, m) }
	// given is unimodal in k and falls beyond the share that was drawn, so that
	// the largest k that is not refuted is found by halving.
	mode := 0
	if m > 0 {
		mode = min(int(math.Ceil(x/m*(n+1)))-a.hits, rest)
	}
	refuted := func(left int) bool { return prior-given(float64(a.hits+left)) >= math.Log(1/a.alpha) }
	mode = max(mode, 0)
	if mode >= rest {
		return rest
	}
	lo, hi := mode, rest+1 // lo is not refuted, hi is or does not exist
	if refuted(lo) {
		return lo
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; refuted(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}

// Recall returns a lower bound of the share of relevant records that have been
// read, at the confidence of the audit. It is 1 when none is left.
func (a *Audit) Recall() float64 {
	read, left := a.found+a.hits, a.Left()
	if left == 0 {
		return 1
	}
	return float64(read) / float64(read+left)
}

// Enough reports whether the target recall is reached at the audit's confidence.
func (a *Audit) Enough(target float64) bool { return a.Recall() >= target }

// Pool returns the records of the audit in the order of their draw.
func (a *Audit) Pool() []int { return slices.Clone(a.order) }
