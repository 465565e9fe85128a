package bench

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/athanor-lab/athanor/literature/screen"
)

// Screening is what was measured on reviews whose answers are known.
type Screening struct {
	MeanWSS95 *float64 `json:"mean_wss95"`
	MeanATD   *float64 `json:"mean_atd"`
	// RetrainP95MS is processor time of one core, which a busy machine leaves as it is.
	RetrainP95MS *float64 `json:"retrain_p95_ms"`
	// FirstWithin10 is on how many sets, of those whose question is known, a relevant
	// record is among the first ten with no label.
	FirstWithin10 *int                 `json:"first_relevant_within_10"`
	Questions     int                  `json:"sets_with_question"`
	Sets          map[string]ReviewSet `json:"sets"`
	Seeds         int                  `json:"seeds"`
}

// ReviewSet is what was measured on one review.
type ReviewSet struct {
	WSS95    float64 `json:"wss95"`
	ATD      float64 `json:"atd"`
	Records  int     `json:"records"`
	Relevant int     `json:"relevant"`
	// First is the rank of the first relevant record with no label, by the review's
	// question; null where it is not known.
	First *int `json:"first_relevant"`
	// Blind is that rank with no question either.
	Blind int `json:"first_relevant_without_question"`
	// Random is where it would stand on average in a random order.
	Random float64 `json:"first_relevant_random"`
}

type screened struct {
	Title    string `json:"title"`
	Abstract string `json:"abstract"`
	Label    int    `json:"label"`
}

// clock is the processor time of the calling thread.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return time.Duration(time.Now().UnixNano()) // a system without that clock
	}
	return time.Duration(t.Nano())
}

// screening measures every set in dir.
func screening(dir string, seeds int, progress func(string, ...any)) (Screening, error) {
	out := Screening{Sets: map[string]ReviewSet{}, Seeds: seeds}
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil {
		return out, err
	}
	slices.Sort(paths)
	var wss, atd float64
	var times []time.Duration
	runtime.LockOSThread() // for its processor time
	defer runtime.UnlockOSThread()
	for _, p := range paths {
		var records []screen.Record
		var relevant []bool
		if err := rows(p, func(r screened) {
			records = append(records, screen.Record{Title: r.Title, Abstract: r.Abstract})
			relevant = append(relevant, r.Label == 1)
		}); err != nil {
			return out, err
		}
		s, err := screen.New(records, nil, 1)
		if err != nil {
			return out, err
		}
		var set ReviewSet
		set.Records = len(records)
		for i, doc := range s.Next(len(records)) {
			if relevant[doc] && set.Blind == 0 {
				set.Blind = i + 1
			}
		}
		name := strings.TrimSuffix(filepath.Base(p), ".jsonl.gz")
		if q, ok := question(dir, name); ok {
			first, err := firstRelevant(records, relevant, q)
			if err != nil {
				return out, err
			}
			set.First = &first
			out.Questions++
			if out.FirstWithin10 == nil {
				out.FirstWithin10 = new(int)
			}
			if first <= 10 {
				*out.FirstWithin10++
			}
		}
		for _, r := range relevant {
			if r {
				set.Relevant++
			}
		}
		set.Random = float64(set.Records+1) / float64(set.Relevant+1)
		for seed := range seeds {
			run := s.Simulate(relevant, uint64(seed), clock)
			set.WSS95 += run.WSS95 / float64(seeds)
			set.ATD += run.ATD / float64(seeds)
			times = append(times, run.Retrain...)
		}
		out.Sets[name] = set
		progress("screening %s: WSS@95 %.1f", name, set.WSS95)
		wss += set.WSS95
		atd += set.ATD
	}
	if n := float64(len(paths)); n > 0 && len(times) > 0 {
		slices.Sort(times)
		out.MeanWSS95, out.MeanATD = new(wss/n), new(atd/n)
		out.RetrainP95MS = new(times[len(times)*95/100].Seconds() * 1e3)
	}
	return out, nil
}
