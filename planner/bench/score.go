package bench

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// area sums the loss of the best so far after the starts.
func (t *Table) area(trace []int, starts int) float64 {
	best, sum := math.Inf(1), 0.0
	for i, row := range trace {
		best = math.Min(best, t.loss[row])
		if i >= starts {
			sum += best
		}
	}
	return sum
}

// top returns whether a row is among the best share of points.
func (t *Table) top(share float64) func(int) bool {
	most := int(math.Ceil(share * float64(len(t.rank))))
	return func(row int) bool { return t.rank[row] < most }
}

// near99 returns whether a row comes within 1 % of the best: of its value for
// an objective to be maximised, and of the way from the median otherwise.
func (t *Table) near99(row int) bool {
	if t.Objectives[0].Direction == lab.Maximize {
		best := slices.Max(t.Value)
		if best > 0 {
			return t.Value[row] >= 0.99*best
		}
	}
	return t.loss[row] <= 0.01
}

// evaluationsTo counts the evaluations up to the first that is good, or one
// more than the budget.
func (t *Table) evaluationsTo(trace []int, budget int, good func(int) bool) float64 {
	if i := slices.IndexFunc(trace, good); i >= 0 {
		return float64(i + 1)
	}
	return float64(budget + 1)
}

// randomArea returns the expected area of random search from the given starts:
// the chance that none of k further draws is among the m better points is
// C(n-m, k)/C(n, k).
func (t *Table) randomArea(first []int, budget int) float64 {
	best := math.Inf(1)
	used := make([]bool, len(t.loss))
	for _, row := range first {
		best = math.Min(best, t.loss[row])
		used[row] = true
	}
	var rest []float64
	for row, l := range t.loss {
		if !used[row] {
			rest = append(rest, l)
		}
	}
	slices.Sort(rest)
	sum := 0.0
	for k := 1; k <= budget-len(first); k++ {
		none, expected := 1.0, 0.0 // none: no draw among those passed so far
		for m, l := range rest {
			if l >= best || none < 1e-15 {
				break
			}
			next := none * math.Max(0, float64(len(rest)-m-k)) / float64(len(rest)-m)
			expected += l * (none - next)
			none = next
		}
		sum += expected + none*best
	}
	return sum
}

// randomTo returns the expected evaluations of random search to a good point,
// one more than the budget where there is none.
func (t *Table) randomTo(first []int, budget int, good func(int) bool) float64 {
	used := make([]bool, len(t.loss))
	for i, row := range first {
		if good(row) {
			return float64(i + 1)
		}
		used[row] = true
	}
	n, m := 0, 0
	for row := range t.loss {
		if !used[row] {
			n++
			if good(row) {
				m++
			}
		}
	}
	expected, none := float64(len(first)), 1.0
	for k := range budget - len(first) + 1 {
		expected += none
		none *= math.Max(0, float64(n-m-k)) / math.Max(1, float64(n-k))
	}
	return expected
}

// coverage returns the share of the top 5 % of points that a trace holds.
func (t *Table) coverage(trace []int) float64 {
	good := t.top(0.05)
	found := 0.0
	for _, row := range trace {
		if good(row) {
			found++
		}
	}
	return found / float64(t.count(good))
}

// randomCoverage returns the expected coverage of random search.
func (t *Table) randomCoverage(first []int, budget int) float64 {
	found := t.coverage(first)
	draws, rest := float64(budget-len(first)), float64(len(t.loss)-len(first))
	return found + (1-found)*draws/math.Max(1, rest)
}

func (t *Table) count(good func(int) bool) int {
	n := 0
	for row := range t.loss {
		if good(row) {
			n++
		}
	}
	return n
}

// acceleration returns how many times more evaluations random search takes to a
// point of the top 1 %, median over median, as acceleration is defined by
// Adesiji et al., Benchmarking self-driving labs (2025). It returns 0 where half
// of the campaigns or more found no such point within the budget.
func (t *Table) acceleration(to []float64, firsts [][]int, budget int) float64 {
	sorted := slices.Clone(to)
	slices.Sort(sorted)
	ours := (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	if ours > float64(budget) {
		return 0
	}
	return t.randomMedianTo(firsts, t.top(0.01)) / ours
}

// randomMedianTo returns the median number of evaluations of random search to a
// good point, without a budget.
func (t *Table) randomMedianTo(firsts [][]int, good func(int) bool) float64 {
	n, most := len(t.loss), t.count(good)
	for k := 1; k <= n; k++ {
		found := 0.0
		for _, first := range firsts {
			found += t.chance(first, k, n, most, good) / float64(len(firsts))
		}
		if found >= 0.5 {
			return float64(k)
		}
	}
	return float64(n)
}

// chance returns the probability that one of the first k evaluations of random
// search is good: of n points most are.
func (t *Table) chance(first []int, k, n, most int, good func(int) bool) float64 {
	if slices.ContainsFunc(first[:min(k, len(first))], good) {
		return 1
	}
	if k <= len(first) {
		return 0
	}
	none := 1.0
	for i := range k - len(first) {
		left := n - len(first) - i
		none *= math.Max(0, float64(left-most)) / float64(left)
	}
	return 1 - none
}
