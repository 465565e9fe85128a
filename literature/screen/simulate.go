package screen

import (
	"math"
	"time"
)

// Run is a simulated review by a reader who knows all answers.
type Run struct {
	WSS95 float64 // work saved over random reading at 95 % recall, in percent
	ATD   float64 // mean share of records read before a relevant one, in percent, of those read
	// Retrain are the times to train and score once.
	Retrain []time.Duration
}

// Simulate reviews the records of s with known answers, from one relevant and one
// irrelevant record drawn by the seed, until 95 % of the other relevant ones are
// found. It trains after every label to 100, every 5 to 1,000 and every 100
// after, as ASReview's own simulations do. Labels of s are not touched. clock is what
// training is timed by; nil for that of the wall.
func (s *Screener) Simulate(relevant []bool, seed uint64, clock func() time.Duration) Run {
	if clock == nil {
		start := time.Now()
		clock = func() time.Duration { return time.Since(start) }
	}
	c := s.clone(seed)
	var yes, no []int
	for i, r := range relevant {
		if r {
			yes = append(yes, i)
		} else {
			no = append(no, i)
		}
	}
	var run Run
	if len(yes) < 2 || len(no) < 1 {
		return run
	}
	label := func(i int) {
		l := Irrelevant
		if relevant[i] {
			l = Relevant
		}
		_ = c.Set(i, l) // i is a record and l a label
	}
	label(yes[c.rng.IntN(len(yes))])
	label(no[c.rng.IntN(len(no))])
	need := int(math.Ceil(0.95 * float64(len(yes)-1)))
	n, found, read := len(relevant)-2, 0, 0
	var depth float64
	for found < need {
		k := 1
		if at := len(c.labelled); at >= 1000 {
			k = 100
		} else if at >= 100 {
			k = 5
		}
		began := clock()
		next := c.Next(k)
		run.Retrain = append(run.Retrain, clock()-began)
		for _, i := range next {
			label(i)
			read++
			if relevant[i] {
				found++
				depth += float64(read)
				if found == need {
					run.WSS95 = 100 * (0.95 - float64(read)/float64(n))
				}
			}
		}
	}
	run.ATD = 100 * depth / float64(found) / float64(n)
	return run
}
