package text

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Series is the deterministic summary of an array of numbers: what a reader
// gets in the place of a thousand digits. The array itself stays in the record.
type Series struct {
	N           int
	First, Last float64
	Low, High   float64
	LowAt       int // where Low is, from 0
	HighAt      int
	Mean        float64
	// Slope is that of the straight line of least squares, to an element.
	Slope float64
	// Peaks are the highest local maxima that rise above their surroundings by a
	// tenth of the whole range, at most five, by position.
	Peaks []Peak
	// Error is the root mean square of what the straight line between first,
	// low, high and last does not tell, in the unit of the numbers.
	Error float64
}

// Peak is a local maximum.
type Peak struct {
	At     int
	Height float64
}

// Summarise returns the summary of a JSON array of numbers, and whether it is
// one of at least two.
func Summarise(raw string) (Series, bool) {
	var x []float64
	if json.Unmarshal([]byte(raw), &x) != nil || len(x) < 2 {
		return Series{}, false
	}
	s := Series{N: len(x), First: x[0], Last: x[len(x)-1], Low: x[0], High: x[0]}
	for i, v := range x {
		s.Mean += v / float64(len(x))
		if v < s.Low {
			s.Low, s.LowAt = v, i
		}
		if v > s.High {
			s.High, s.HighAt = v, i
		}
	}
	middle, above, below := float64(len(x)-1)/2, 0.0, 0.0
	for i, v := range x {
		above += (float64(i) - middle) * (v - s.Mean)
		below += (float64(i) - middle) * (float64(i) - middle)
	}
	s.Slope = above / below
	s.Peaks = peaks(x, (s.High-s.Low)/10)
	s.Error = s.misses(x)
	return s, true
}

// peaks returns local maxima with at least the given prominence.
func peaks(x []float64, rise float64) []Peak {
	var all []Peak
	if rise <= 0 {
		return nil
	}
	low, top, at := x[0], x[0], -1
	for i, v := range x {
		switch {
		case at < 0 && v < low:
			low = v
		case at < 0 && v-low >= rise, at >= 0 && v > top:
			top, at = v, i
		case at >= 0 && top-v >= rise:
			all = append(all, Peak{at, top})
			low, at = v, -1
		}
	}
	for len(all) > 5 {
		least := 0
		for i, p := range all {
			if p.Height < all[least].Height {
				least = i
			}
		}
		all = append(all[:least], all[least+1:]...)
	}
	return all
}

// misses is the root mean square between x and the lines through the points
// that the summary tells.
func (s Series) misses(x []float64) float64 {
	known := map[int]float64{0: s.First, s.N - 1: s.Last, s.LowAt: s.Low, s.HighAt: s.High}
	for _, p := range s.Peaks {
		known[p.At] = p.Height
	}
	sum, from := 0.0, 0
	for to := 1; to < s.N; to++ {
		if _, ok := known[to]; !ok {
			continue
		}
		for i := from; i <= to; i++ {
			line := known[from] + (known[to]-known[from])*float64(i-from)/float64(to-from)
			if i > from || from == 0 {
				sum += (x[i] - line) * (x[i] - line)
			}
		}
		from = to
	}
	return math.Sqrt(sum / float64(s.N))
}

// String writes the summary in a phrase.
func (s Series) String() string {
	text := fmt.Sprintf("series of %d from %s to %s, low %s at %d, high %s at %d, mean %s, slope %s",
		s.N, Short(s.First), Short(s.Last), Short(s.Low), s.LowAt, Short(s.High), s.HighAt, Short(round(s.Mean, 4)), Short(round(s.Slope, 3)))
	if len(s.Peaks) > 0 {
		var all []string
		for _, p := range s.Peaks {
			all = append(all, Short(round(p.Height, 4))+"@"+strconv.Itoa(p.At))
		}
		text += ", peaks " + strings.Join(all, " ")
	}
	return text + ", error " + Short(round(s.Error, 2))
}
