package evidence

import (
	"cmp"
	"math"
	"slices"
)

// Recipe is a value that somebody used, and the features of what for: elements,
// precursors, operations, each with its weight.
type Recipe struct {
	Paper    string
	Features map[string]float64
	Value    float64
}

// Analogy predicts a number from the recipes most like the one in question: a
// density by kernels at their values, weighed by a power of the cosine of their
// tf-idf features, over a share of the density of all.
type Analogy struct {
	lo, hi  float64
	recipes []Recipe
	inverse map[string][]posting
	df      map[string]int
	global  []float64
}

type posting struct {
	recipe int
	weight float64
}

// The constants of an Analogy. The number of neighbours and the power of their
// likeness were chosen on recipes that the bench does not test on.
const (
	gridCells  = 300
	neighbours = 80
	likeness   = 5.0
	background = 0.15
)

// NewAnalogy takes the recipes whose values are within [lo, hi]. Several of one
// paper with equal features and value count once.
func NewAnalogy(lo, hi float64, recipes []Recipe) *Analogy {
	a := &Analogy{lo: lo, hi: hi, inverse: map[string][]posting{}, df: map[string]int{}}
	for _, r := range recipes {
		if r.Value < lo || r.Value > hi || math.IsNaN(r.Value) {
			continue
		}
		a.recipes = append(a.recipes, r)
		for f := range r.Features {
			a.df[f]++
		}
	}
	points := make([]point, len(a.recipes))
	for i, r := range a.recipes {
		w, norm := a.weigh(r.Features)
		for f, v := range w {
			a.inverse[f] = append(a.inverse[f], posting{i, v / norm})
		}
		points[i] = point{r.Value, 1}
	}
	a.global = a.density(points)
	return a
}

// weigh returns tf-idf weights and their length.
func (a *Analogy) weigh(features map[string]float64) (map[string]float64, float64) {
	out := make(map[string]float64, len(features))
	var sum float64
	names := make([]string, 0, len(features))
	for f := range features {
		names = append(names, f)
	}
	slices.Sort(names) // sums of floats depend on their order
	for _, f := range names {
		v := features[f] * math.Log(1+float64(len(a.recipes))/float64(1+a.df[f]))
		out[f] = v
		sum += v * v
	}
	return out, max(math.Sqrt(sum), 1e-12)
}

type point struct{ value, weight float64 }

// kernelWidths are the standard deviations of the two halves of a kernel as
// shares of the range: people repeat each other's round numbers, or come close.
var kernelWidths = []float64{0.01, 0.04}

// density spreads points over the grid; its mean over the cells is 1.
func (a *Analogy) density(points []point) []float64 {
	mass := make([]float64, gridCells)
	for _, p := range points {
		i := int((p.value - a.lo) / (a.hi - a.lo) * gridCells)
		mass[min(i, gridCells-1)] += p.weight
	}
	out := make([]float64, gridCells)
	var sum float64
	for _, w := range kernelWidths {
		width := w * gridCells
		reach := int(4 * width)
		for i, m := range mass {
			if m == 0 {
				continue
			}
			for j := max(0, i-reach); j <= min(gridCells-1, i+reach); j++ {
				u := float64(j-i) / width
				v := m * math.Exp(-u*u/2) / width
				out[j] += v
				sum += v
			}
		}
	}
	for i := range out {
		if sum <= 0 {
			out[i] = 1
		} else {
			out[i] *= gridCells / sum
		}
	}
	return out
}

// Forecast is a density over the range of an Analogy.
type Forecast struct {
	lo, hi float64
	cells  []float64 // relative to uniform
}

// Predict returns the density for features. It costs O(recipes that share one).
func (a *Analogy) Predict(features map[string]float64) Forecast {
	w, norm := a.weigh(features)
	names := make([]string, 0, len(w))
	for f := range w {
		names = append(names, f)
	}
	slices.Sort(names)
	score := map[int]float64{}
	for _, f := range names {
		for _, p := range a.inverse[f] {
			score[p.recipe] += w[f] / norm * p.weight
		}
	}
	order := make([]int, 0, len(score))
	for i := range score {
		order = append(order, i)
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(score[j], score[i]), cmp.Compare(i, j)) })
	papers := map[string]float64{}
	var points []point
	for _, i := range order[:min(neighbours, len(order))] {
		r := a.recipes[i]
		papers[r.Paper]++
		weight := math.Pow(score[i], likeness) / papers[r.Paper] // a paper of many recipes is still one opinion
		points = append(points, point{r.Value, weight})
	}
	local := a.density(points)
	out := Forecast{a.lo, a.hi, make([]float64, gridCells)}
	for i := range out.cells {
		out.cells[i] = (1-background)*local[i] + background*(0.9*a.global[i]+0.1)
	}
	return out
}

// Density returns the density at x relative to uniform, 0 outside the range.
func (f Forecast) Density(x float64) float64 {
	if x < f.lo || x > f.hi || math.IsNaN(x) {
		return 0
	}
	return f.cells[min(int((x-f.lo)/(f.hi-f.lo)*gridCells), gridCells-1)]
}

// Median returns the value with half the probability below it.
func (f Forecast) Median() float64 {
	var sum float64
	for i, c := range f.cells {
		if sum += c; sum >= gridCells/2 {
			return f.lo + (float64(i)+0.5)*(f.hi-f.lo)/gridCells
		}
	}
	return f.hi
}

// Region returns the density above which the most likely values with the given
// share of probability lie, and the width of the region in the unit of the values.
func (f Forecast) Region(share float64) (threshold, width float64) {
	sorted := slices.Clone(f.cells)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	var sum float64
	for i, c := range sorted {
		if sum += c; sum >= share*gridCells {
			return c, float64(i+1) * (f.hi - f.lo) / gridCells
		}
	}
	return 0, f.hi - f.lo
}
