package screen

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/literature/index"
)

// Record is what is screened.
type Record struct {
	Title    string
	Abstract string
}

// features are unit rows of tf-idf weights over words and pairs of words.
type features struct {
	rows  []row
	names []string // of the columns
}

// row is a sparse vector.
type row struct {
	at []int32
	v  []float32
}

// maxShare is the share of records above which a term is everywhere and says
// nothing.
const maxShare = 0.95

// newFeatures weighs terms as ELAS u4 does: words and pairs of neighbours, 1 + log
// of their count, a smoothed inverse document frequency, unit length.
func newFeatures(records []Record) *features {
	f := &features{rows: make([]row, len(records))}
	words := map[string]int32{}
	wordID := func(w string) int32 {
		id, ok := words[w]
		if !ok {
			id = int32(len(words))
			words[string([]byte(w))] = id
		}
		return id
	}
	columns := map[[2]int32]int32{}
	var df []int
	counts := make([]map[int32]float64, len(records))
	for i, r := range records {
		m := map[int32]float64{}
		count := func(a, b int32, name func() string) {
			k := [2]int32{a, b}
			id, ok := columns[k]
			if !ok {
				id = int32(len(df))
				columns[k] = id
				df = append(df, 0)
				f.names = append(f.names, name())
			}
			if m[id] == 0 {
				df[id]++
			}
			m[id]++
		}
		before, last := int32(-1), ""
		for _, w := range index.Words(r.Title + " " + r.Abstract) {
			if len(w) < 2 {
				continue
			}
			id := wordID(w)
			count(id, -1, func() string { return w })
			if before >= 0 {
				count(before, id, func() string { return last + " " + w })
			}
			before, last = id, w
		}
		counts[i] = m
	}
	n := float64(len(records))
	for i, m := range counts {
		f.rows[i] = weigh(m, df, n)
	}
	return f
}

func weigh(counts map[int32]float64, df []int, n float64) row {
	var x row
	for id := range counts {
		if float64(df[id]) <= maxShare*n {
			x.at = append(x.at, id)
		}
	}
	slices.Sort(x.at)
	var sum float64
	x.v = make([]float32, len(x.at))
	for j, id := range x.at {
		v := (1 + math.Log(counts[id])) * (math.Log((1+n)/(1+float64(df[id]))) + 1)
		x.v[j] = float32(v)
		sum += v * v
	}
	if sum > 0 {
		s := float32(1 / math.Sqrt(sum))
		for j := range x.v {
			x.v[j] *= s
		}
	}
	return x
}

func (x row) dot(w []float32) float32 {
	var s float32
	for j, i := range x.at {
		s += w[i] * x.v[j]
	}
	return s
}
