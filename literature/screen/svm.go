package screen

import (
	"math"
	"math/rand/v2"
)

// The hyperparameters of ELAS u4, found by ASReview's authors on the SYNERGY
// collection.
const (
	svmCost = 0.11
	// svmRatio is how much more all relevant records weigh than all irrelevant.
	svmRatio = 9.8
	// svmTolerance ends the descent, in the spread of projected gradients.
	svmTolerance = 1e-3
	svmEpochs    = 1000
)

// svm is an L2-regularised linear support vector machine with squared hinge
// loss, trained by dual coordinate descent (Hsieh et al., "A dual coordinate
// descent method for large-scale linear SVM", 2008) from where it was.
type svm struct {
	w     []float32
	bias  float32
	alpha []float64 // dual variable of each record
}

func newSVM(columns, records int) *svm {
	return &svm{w: make([]float32, columns), alpha: make([]float64, records)}
}

func (m *svm) score(x row) float32 { return x.dot(m.w) + m.bias }

// fit trains on the labelled records. It costs O(epochs · their nonzeros).
func (m *svm) fit(rows []row, labelled []int, relevant []bool, rng *rand.Rand) {
	positive := 0
	for _, i := range labelled {
		if relevant[i] {
			positive++
		}
	}
	negative := len(labelled) - positive
	if positive == 0 || negative == 0 {
		return
	}
	down := float64(positive) / (svmRatio * float64(negative))
	cost := svmCost * float64(len(labelled)) / (float64(positive) + down*float64(negative))
	order := append([]int(nil), labelled...)
	for range svmEpochs {
		rng.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		high, low := math.Inf(-1), math.Inf(1)
		for _, i := range order {
			y, c := 1.0, cost
			if !relevant[i] {
				y, c = -1, cost*down
			}
			diagonal := 1 / (2 * c)
			gradient := y*float64(m.score(rows[i])) - 1 + diagonal*m.alpha[i]
			projected := gradient
			if m.alpha[i] == 0 && gradient > 0 {
				projected = 0
			}
			high, low = max(high, projected), min(low, projected)
			if math.Abs(projected) <= 1e-12 {
				continue
			}
			// A unit row and the bias make 2 on the diagonal of the Gram matrix.
			next := max(m.alpha[i]-gradient/(2+diagonal), 0)
			step := float32((next - m.alpha[i]) * y)
			m.alpha[i] = next
			for j, k := range rows[i].at {
				m.w[k] += step * rows[i].v[j]
			}
			m.bias += step
		}
		if high-low < svmTolerance {
			return
		}
	}
}
