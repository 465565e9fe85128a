package acq

import (
	"cmp"
	"math"
	"slices"
)

// Front is what is known of the best trade-offs between two or three
// objectives: the part of the objective space, above a reference point, that no
// known outcome dominates, cut into boxes.
type Front struct {
	axes  [][]float64 // the edges of the boxes, ascending; the last is +Inf
	boxes []box
	logs  [3][]float64 // scratch of [Front.LogEHVI]
	best  [][]float64  // the outcomes that no other dominates
	ref   []float64
}

// box is a product of intervals between edges of the axes.
type box struct{ lo, hi [3]int }

// NewFront returns the front of outcomes with two or three objectives each.
// The number of boxes is linear in the size of the front for two objectives and
// quadratic for three.
func NewFront(outcomes [][]float64, ref []float64) *Front {
	f := &Front{ref: ref}
	for _, p := range outcomes {
		f.best = insert(f.best, p, ref)
	}
	f.cut()
	return f
}

// Add takes another outcome into the front.
func (f *Front) Add(outcome []float64) {
	f.best = insert(f.best, outcome, f.ref)
	f.cut()
}

// Best returns the outcomes on the front.
func (f *Front) Best() [][]float64 { return f.best }

// insert adds p to a front unless it is dominated or not above ref, and drops
// what it dominates.
func insert(front [][]float64, p, ref []float64) [][]float64 {
	for j, v := range p {
		if !(v > ref[j]) {
			return front
		}
	}
	for _, q := range front {
		if dominates(q, p) {
			return front
		}
	}
	kept := front[:0:0]
	for _, q := range front {
		if !dominates(p, q) {
			kept = append(kept, q)
		}
	}
	return append(kept, slices.Clone(p))
}

// dominates reports whether a is nowhere worse than b.
func dominates(a, b []float64) bool {
	for j := range a {
		if a[j] < b[j] {
			return false
		}
	}
	return true
}

// Nondominated returns the indices of the outcomes that no other beats in one
// objective without losing in another; of equal ones the first.
func Nondominated(outcomes [][]float64) []int {
	var out []int
	for i, p := range outcomes {
		best := true
		for j, q := range outcomes {
			if i != j && dominates(q, p) && (j < i || !dominates(p, q)) {
				best = false
				break
			}
		}
		if best {
			out = append(out, i)
		}
	}
	return out
}

// cut divides what is not dominated into boxes: slices along the last
// objective for three, and within each a staircase along the first.
func (f *Front) cut() {
	m := len(f.ref)
	f.boxes = f.boxes[:0]
	f.axes = make([][]float64, m)
	for j := range f.axes {
		edges := []float64{f.ref[j]}
		for _, p := range f.best {
			edges = append(edges, p[j])
		}
		slices.Sort(edges)
		f.axes[j] = append(slices.Compact(edges), math.Inf(1))
	}
	if m == 2 {
		f.stairs(f.best, box{})
		return
	}
	z := f.axes[2]
	for k := range len(z) - 1 {
		var above [][]float64
		for _, p := range f.best {
			if p[2] >= z[k+1] {
				above = append(above, p)
			}
		}
		f.stairs(above, box{lo: [3]int{2: k}, hi: [3]int{2: k + 1}})
	}
}

// stairs adds the boxes above the points in the first two objectives, with the
// third as in slice.
func (f *Front) stairs(points [][]float64, slice box) {
	var front [][]float64
	for _, p := range points {
		front = insert(front, p[:2], f.ref[:2])
	}
	slices.SortFunc(front, func(a, b []float64) int { return cmp.Compare(a[0], b[0]) })
	edge := func(axis int, v float64) int {
		i, _ := slices.BinarySearch(f.axes[axis], v)
		return i
	}
	left := 0
	for _, p := range front {
		b := slice
		b.lo[0], b.hi[0] = left, edge(0, p[0])
		b.lo[1], b.hi[1] = edge(1, p[1]), len(f.axes[1])-1
		f.boxes = append(f.boxes, b)
		left = b.hi[0]
	}
	b := slice
	b.lo[0], b.hi[0] = left, len(f.axes[0])-1
	b.lo[1], b.hi[1] = 0, len(f.axes[1])-1
	f.boxes = append(f.boxes, b)
}

// LogEHVI returns the logarithm of the expected growth of the hypervolume by
// an outcome with independent normal objectives. Within a box the growth is a
// product of clipped gains, and so its expectation is
//
//	Σ_boxes Π_j (EI_j(lo_j) - EI_j(hi_j))
//
// (the box decomposition of Yang, Emmerich, Deutz & Bäck, Efficient computation
// of expected hypervolume improvement using box decomposition algorithms, 2019,
// https://arxiv.org/abs/1904.12672). It grows with every mean and every sd. The
// front's own memory is its scratch: it is not safe for concurrent use.
func (f *Front) LogEHVI(mean, sd []float64) float64 {
	if v := f.plainEHVI(mean, sd); v > 1e-200 {
		return math.Log(v)
	}
	logs := f.scratch()
	for j, edges := range f.axes {
		for k, e := range edges {
			logs[j][k] = math.Inf(-1)
			if !math.IsInf(e, 1) {
				logs[j][k] = LogEI(mean[j], sd[j], e)
			}
		}
	}
	m := len(f.axes)
	terms := make([]float64, len(f.boxes))
	for i, b := range f.boxes {
		for j := range m {
			terms[i] += logDiff(logs[j][b.lo[j]], logs[j][b.hi[j]])
		}
	}
	top := slices.Max(terms)
	if math.IsInf(top, -1) {
		return top
	}
	s := 0.0
	for _, t := range terms {
		s += math.Exp(t - top)
	}
	return top + math.Log(s)
}

// plainEHVI is the same without logarithms, which is much faster. It returns 0
// where a gain is too far from what is expected for float64.
func (f *Front) plainEHVI(mean, sd []float64) float64 {
	gains := f.scratch()
	for j, edges := range f.axes {
		last := len(edges) - 1
		for k, e := range edges[:last] {
			z := (mean[j] - e) / sd[j]
			switch {
			case z >= reach: // φ(z) - z·Φ(-z) is below the last bit of z
				gains[j][k] = mean[j] - e
			case z > -reach:
				gains[j][k] = sd[j] * gainAt(z)
			case z > -30:
				gains[j][k] = sd[j] * (invSqrt2Pi*math.Exp(-0.5*z*z) + z*0.5*math.Erfc(-z/math.Sqrt2))
			case k == 0:
				return 0
			default:
				gains[j][k] = 0
			}
		}
		gains[j][last] = 0
	}
	sum := 0.0
	if len(f.axes) == 2 {
		for i := range f.boxes {
			b := &f.boxes[i]
			sum += (gains[0][b.lo[0]] - gains[0][b.hi[0]]) * (gains[1][b.lo[1]] - gains[1][b.hi[1]])
		}
		return sum
	}
	for i := range f.boxes {
		b := &f.boxes[i]
		sum += (gains[0][b.lo[0]] - gains[0][b.hi[0]]) * (gains[1][b.lo[1]] - gains[1][b.hi[1]]) * (gains[2][b.lo[2]] - gains[2][b.hi[2]])
	}
	return sum
}

// scratch returns memory for a number to each edge of each axis.
func (f *Front) scratch() *[3][]float64 {
	for j, edges := range f.axes {
		if len(f.logs[j]) != len(edges) {
			f.logs[j] = make([]float64, len(edges))
		}
	}
	return &f.logs
}

// logDiff returns ln(eᵃ - eᵇ) for a ≥ b.
func logDiff(a, b float64) float64 {
	if math.IsInf(b, -1) {
		return a
	}
	if b >= a {
		return math.Inf(-1)
	}
	return a + math.Log(-math.Expm1(b-a))
}

// Hypervolume returns the volume above ref that the front dominates, in two or
// three objectives.
func (f *Front) Hypervolume() float64 {
	if len(f.best) == 0 {
		return 0
	}
	top := make([]float64, len(f.ref))
	whole := 1.0
	for j := range top {
		top[j] = f.axes[j][len(f.axes[j])-2]
		whole *= top[j] - f.ref[j]
	}
	free := 0.0
	for _, b := range f.boxes {
		v := 1.0
		for j := range top {
			lo, hi := f.axes[j][b.lo[j]], math.Min(top[j], f.axes[j][b.hi[j]])
			v *= math.Max(0, hi-lo)
		}
		free += v
	}
	return whole - free
}
