package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a 95 % confidence interval of a mean.
type Interval [2]float64

// resamples is how many bootstrap samples an interval comes from.
const resamples = 4000

// interval returns the bias-corrected and accelerated bootstrap interval of the
// mean of v (Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc.
// 82, 1987), the same for the same numbers. Fewer than two numbers span nothing.
func interval(v []float64) Interval {
	n := len(v)
	if n == 0 {
		return Interval{}
	}
	mean := total(v) / float64(n)
	if n == 1 || slices.Min(v) == slices.Max(v) {
		return Interval{mean, mean}
	}
	rng := rand.New(rand.NewPCG(uint64(n), 21))
	means := make([]float64, resamples)
	below := 0.0
	for i := range means {
		sum := 0.0
		for range n {
			sum += v[rng.IntN(n)]
		}
		means[i] = sum / float64(n)
		switch {
		case means[i] < mean:
			below++
		case means[i] == mean:
			below += 0.5
		}
	}
	slices.Sort(means)
	square, cube := 0.0, 0.0
	for _, x := range v { // the jackknife's means differ from the mean by (mean-x)/(n-1)
		square += (x - mean) * (x - mean)
		cube += (x - mean) * (x - mean) * (x - mean)
	}
	accelerate := cube / (6 * math.Pow(square, 1.5))
	normal := distuv.UnitNormal
	bias := normal.Quantile(math.Min(math.Max(below/resamples, 0.5/resamples), 1-0.5/resamples))
	at := func(p float64) float64 {
		z := bias + normal.Quantile(p)
		share := normal.CDF(bias + z/(1-accelerate*z))
		return means[min(resamples-1, max(0, int(share*resamples)))]
	}
	return Interval{at(0.025), at(0.975)}
}

// exactPairs is up to how many pairs without ties the distribution of Wilcoxon's
// statistic is counted out.
const exactPairs = 50

// wilcoxon returns the two-sided p of the signed-rank test that paired
// differences have median 0 (Wilcoxon, Individual comparisons by ranking
// methods, Biometrics 1, 1945). Differences of 0 are ranked and then left out
// (Pratt, J. Am. Stat. Assoc. 54, 1959). Without ties the distribution is
// exact; with ties, or many pairs, it is the normal one with its variance
// corrected for ties and a continuity correction. With nothing to rank p is 1.
func wilcoxon(d []float64) float64 {
	order := slices.Clone(d)
	slices.SortFunc(order, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	plus, expected, variance := 0.0, 0.0, 0.0
	ties, used := false, 0
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && math.Abs(order[j]) == math.Abs(order[i]) {
			j++
		}
		rank := float64(i+j+1) / 2 // the mean of ranks i+1 … j
		if order[i] == 0 {
			ties = true
		} else {
			ties = ties || j-i > 1
			used += j - i
			for _, x := range order[i:j] {
				if x > 0 {
					plus += rank
				}
				expected += rank / 2
				variance += rank * rank / 4
			}
		}
		i = j
	}
	switch {
	case used == 0:
		return 1
	case !ties && used <= exactPairs:
		return exactSignedRank(used, plus)
	}
	z := math.Max(0, math.Abs(plus-expected)-0.5) / math.Sqrt(variance)
	return 2 * distuv.UnitNormal.Survival(z)
}

// exactSignedRank counts the subsets of the ranks 1 … n whose sum is as far
// from its mean as w.
func exactSignedRank(n int, w float64) float64 {
	most := n * (n + 1) / 2
	chance := make([]float64, most+1)
	chance[0] = 1
	for r := 1; r <= n; r++ {
		for s := most; s >= 0; s-- {
			chance[s] /= 2
			if s >= r {
				chance[s] += chance[s-r] / 2
			}
		}
	}
	far, mean, p := math.Abs(w-float64(most)/2), float64(most)/2, 0.0
	for s, c := range chance {
		if math.Abs(float64(s)-mean) >= far-1e-9 {
			p += c
		}
	}
	return math.Min(1, p)
}

// holm corrects p-values for their number (Holm, A simple sequentially
// rejective multiple test procedure, Scand. J. Stat. 6, 1979).
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out, least := make([]float64, len(p)), 0.0
	for k, i := range order {
		least = math.Max(least, math.Min(1, p[i]*float64(len(p)-k)))
		out[i] = least
	}
	return out
}
