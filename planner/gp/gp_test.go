package gp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/planner/gp"
)

// metrics of every kind: numbers, levels by Hamming distance, levels by
// descriptors and Hamming distance, and all of them with a column that does not
// count.
func metrics() map[string]gp.Metric {
	d := gp.Table{Group: 2, N: 3, D: []float64{0, 0.3, 1, 0.3, 0, 0.5, 1, 0.5, 0}}
	return map[string]gp.Metric{
		"numbers": {Groups: 3, Columns: []gp.Column{{Group: 0}, {Group: 1}, {Group: 2}}},
		"levels":  {Groups: 3, Columns: []gp.Column{{Group: 0}, {Tables: []gp.Table{gp.Hamming(1, 4)}}, {Tables: []gp.Table{gp.Hamming(2, 3)}}}},
		"mixed": {Groups: 4, Columns: []gp.Column{
			{Group: 0}, {Tables: []gp.Table{gp.Hamming(1, 4)}}, {Tables: []gp.Table{d, gp.Hamming(3, 3)}}, {Group: -1},
		}},
		"shared scale": {Groups: 1, Columns: []gp.Column{{Group: 0}, {Group: 0}, {Group: 0}}},
	}
}

func priors(groups int) []gp.Prior {
	between := gp.Long(groups)
	between.Name, between.ByGroup = "between", make([]gp.GroupScale, groups)
	between.ByGroup[0] = gp.Between()
	return []gp.Prior{gp.Short(), gp.Scaled(groups), gp.Smooth(groups), gp.Long(groups), between}
}

// points draws rows that fit a metric.
func points(rng *rand.Rand, m gp.Metric, n int) [][]float64 {
	x := make([][]float64, n)
	for i := range x {
		for _, c := range m.Columns {
			v := rng.Float64()
			if c.Tables != nil {
				v = float64(rng.IntN(c.Tables[0].N))
			}
			x[i] = append(x[i], v)
		}
	}
	return x
}

func data(rng *rand.Rand, m gp.Metric, n int) gp.Data {
	y := make([]float64, n)
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	d := gp.Observations(points(rng, m, n), y)
	for i := range y {
		d.Reps[i] = float64(1 + i%3)
		d.Squares[i] = (d.Reps[i] - 1) * 0.1 * rng.Float64()
		d.Known[i] = 0.01 * float64(i%2)
	}
	return d
}

// TestGradientAgreesWithDifferences checks every prior with every metric.
func TestGradientAgreesWithDifferences(t *testing.T) {
	t.Parallel()
	for name, m := range metrics() {
		for _, pr := range priors(m.Groups) {
			t.Run(name+"/"+pr.Name, func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(5, 5))
				p := gp.NewProblem(m, data(rng, m, 17))
				dims := m.Groups + 1
				if pr.OutputStart > 0 {
					dims++
				}
				z, grad, unused := make([]float64, dims), make([]float64, dims), make([]float64, dims)
				for i := range z {
					z[i] = -0.5 + 0.7*rng.NormFloat64()
				}
				p.Objective(pr, z, grad)
				for i := range z {
					const h = 1e-5
					at := z[i]
					z[i] = at + h
					up := p.Objective(pr, z, unused)
					z[i] = at - h
					down := p.Objective(pr, z, unused)
					z[i] = at
					if want := (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-5*(1+math.Abs(want)) {
						t.Errorf("∂J/∂z%d = %g, by differences %g", i, grad[i], want)
					}
				}
			})
		}
	}
}

// TestPosteriorOfOnePointIsKnown compares with the formulas for one
// observation: mean m + k/(k+s)·(y-m) with m = y, variance k - k²/(k+s).
func TestPosteriorOfOnePointIsKnown(t *testing.T) {
	t.Parallel()
	m := gp.Metric{Groups: 1, Columns: []gp.Column{{Group: 0}}}
	p := gp.NewProblem(m, gp.Observations([][]float64{{0}}, []float64{1.5}))
	post, err := p.Posterior(gp.SquaredExponential, gp.Params{Scales: []float64{2}, Noise: 0.25, Output: 3}, 0)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := post.Predict([]float64{2}, post.NewScratch())
	k := 3 * math.Exp(-0.5)
	if want := 3 - k*k/3.25; math.Abs(variance-want) > 1e-14 || mean != 1.5 {
		t.Errorf("Predict = %g, %g; want 1.5, %g", mean, variance, want)
	}
}

// TestScreenBoundsVariance holds that a bound is a bound and the mean exact.
func TestScreenBoundsVariance(t *testing.T) {
	t.Parallel()
	for name, m := range metrics() {
		rng := rand.New(rand.NewPCG(6, 6))
		post := posterior(t, m, data(rng, m, 40), 0)
		s := post.NewScratch()
		for _, x := range points(rng, m, 50) {
			mean, variance := post.Predict(x, s)
			at, bound := post.Screen(x, 12, s)
			if at != mean || bound < variance-1e-12 {
				t.Errorf("%s: Screen = %g, %g; want %g and no less than %g", name, at, bound, mean, variance)
			}
		}
	}
}

func posterior(t *testing.T, m gp.Metric, d gp.Data, spare int) *gp.Posterior {
	t.Helper()
	pr := gp.Long(m.Groups)
	p := gp.NewProblem(m, d)
	h, _ := p.Fit(pr, pr.Start(m.Groups), 30)
	post, err := p.Posterior(pr.Kernel, h, spare)
	if err != nil {
		t.Fatal(err)
	}
	return post
}

// TestAppendedPointIsAsIfObserved compares believing a point with observing
// the outcome that was believed, at the same constant mean.
func TestAppendedPointIsAsIfObserved(t *testing.T) {
	t.Parallel()
	m := metrics()["mixed"]
	rng := rand.New(rand.NewPCG(7, 7))
	d := data(rng, m, 20)
	post := posterior(t, m, d, 2)
	s := post.NewScratch()
	probe := points(rng, m, 30)
	before := make([]float64, len(probe))
	for i, x := range probe {
		before[i], _ = post.Predict(x, s)
	}
	extra := points(rng, m, 1)[0]
	believed := post.Append(extra, s)

	d.X, d.Y = append(d.X, extra), append(d.Y, believed)
	d.Reps, d.Squares, d.Known = append(d.Reps, 1), append(d.Squares, 0), append(d.Known, 0)
	whole, err := gp.NewProblem(m, d).Posterior(gp.Matern52, post.Params, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range probe {
		mean, variance := post.Predict(x, s)
		_, want := whole.Predict(x, whole.NewScratch())
		if math.Abs(mean-before[i]) > 1e-12 || math.Abs(variance-want) > 1e-9 {
			t.Errorf("after Append: mean %g, variance %g; want %g, %g", mean, variance, before[i], want)
		}
	}
}

// TestLeaveOneOutAgreesWithLeavingOneOut refits without each point, at the
// constant mean of all.
func TestLeaveOneOutAgreesWithLeavingOneOut(t *testing.T) {
	t.Parallel()
	m := metrics()["numbers"]
	rng := rand.New(rand.NewPCG(8, 8))
	d := data(rng, m, 12)
	p := gp.NewProblem(m, d)
	h := gp.Params{Scales: []float64{0.5, 0.7, 1}, Noise: 0.1, Output: 1.3}
	fit, err := p.LeaveOneOut(gp.Matern52, h)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := p.Posterior(gp.Matern52, h, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Y {
		var rest []int
		for j := range d.Y {
			if j != i {
				rest = append(rest, j)
			}
		}
		part, err := p.Subset(rest).Posterior(gp.Matern52, h, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := part.NewScratch()
		_, variance := part.Predict(d.X[i], s)
		want := math.Sqrt(variance + h.Noise/d.Reps[i] + d.Known[i])
		if math.Abs(fit.SD[i]-want) > 1e-9 {
			t.Errorf("point %d: sd %g, want %g", i, fit.SD[i], want)
		}
		// The mean differs by the constant mean alone, which is a little other
		// without the point; it moves the prediction by at most that.
		mean := part.Mean(d.X[i], s)
		if slack := math.Abs(part.Mean0-whole.Mean0) + 1e-9; math.Abs(fit.Mean[i]-mean) > slack {
			t.Errorf("point %d: mean %g, want %g within %g", i, fit.Mean[i], mean, slack)
		}
	}
}

// TestFitFindsWhatMatters draws outcomes that one column decides.
func TestFitFindsWhatMatters(t *testing.T) {
	t.Parallel()
	m := metrics()["numbers"]
	rng := rand.New(rand.NewPCG(9, 9))
	x := points(rng, m, 40)
	y := make([]float64, len(x))
	for i := range x {
		y[i] = math.Sin(6*x[i][1]) * 1.4
	}
	for _, pr := range priors(m.Groups) {
		p := gp.NewProblem(m, gp.Observations(x, y))
		start := pr.Start(m.Groups)
		z := make([]float64, 3+2)
		before := p.Objective(pr, packed(pr, start), z)
		h, after := p.Fit(pr, start, 50)
		if !(after < before) || !(h.Scales[1] < 0.5*h.Scales[0]) || !(h.Scales[1] < 0.5*h.Scales[2]) || h.Noise > 0.05 {
			t.Errorf("%s: objective %g → %g, scales %.3g, noise %.3g; want a short second scale and little noise", pr.Name, before, after, h.Scales, h.Noise)
		}
		again, _ := p.Fit(pr, start, 50)
		if fmt.Sprint(again) != fmt.Sprint(h) {
			t.Errorf("%s: a second fit gives %v, the first gave %v", pr.Name, again, h)
		}
	}
}

// packed is the search vector of hyperparameters.
func packed(pr gp.Prior, h gp.Params) []float64 {
	var z []float64
	for _, l := range h.Scales {
		z = append(z, math.Log(l-pr.ScaleMin))
	}
	z = append(z, math.Log(h.Noise-pr.NoiseMin))
	if pr.OutputStart > 0 {
		z = append(z, math.Log(h.Output))
	}
	return z
}

// TestEqualPointsDoNotBreakTheFit gives rows that are all the same.
func TestEqualPointsDoNotBreakTheFit(t *testing.T) {
	t.Parallel()
	m := metrics()["numbers"]
	x := make([][]float64, 20)
	y := make([]float64, 20)
	for i := range x {
		x[i] = []float64{0.5, 0.5, 0.5}
		y[i] = float64(i % 2)
	}
	for _, pr := range priors(m.Groups) {
		p := gp.NewProblem(m, gp.Observations(x, y))
		h, value := p.Fit(pr, pr.Start(m.Groups), 40)
		post, err := p.Posterior(pr.Kernel, h, 0)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			t.Fatalf("%s: %v, %g", pr.Name, err, value)
		}
		if mean, variance := post.Predict(x[0], post.NewScratch()); math.Abs(mean-0.5) > 1e-6 || variance > 0.2 {
			t.Errorf("%s: predicts %g with variance %g at the point, want 0.5 and little", pr.Name, mean, variance)
		}
	}
}

// TestClassifierLearnsWhereExperimentsFail fails everything above 0.6 of the
// first column.
func TestClassifierLearnsWhereExperimentsFail(t *testing.T) {
	t.Parallel()
	m := metrics()["numbers"]
	rng := rand.New(rand.NewPCG(10, 10))
	x := points(rng, m, 60)
	ok := make([]bool, len(x))
	for i := range x {
		ok[i] = x[i][0] < 0.6
	}
	c := gp.Classify(m, x, ok)
	s := c.NewScratch()
	low, _ := c.Predict([]float64{0.2, 0.5, 0.5}, s)
	high, _ := c.Predict([]float64{0.95, 0.5, 0.5}, s)
	if low < 0.9 || high > 0.15 {
		t.Errorf("success is %.2f likely where all succeed and %.2f where all fail; want over 0.9 and under 0.15", low, high)
	}
	none := gp.Classify(m, x[:3], []bool{false, false, false})
	if p, _ := none.Predict([]float64{0.5, 0.5, 0.5}, none.NewScratch()); p > 0.5 || p < 0 {
		t.Errorf("after three failures success is %.2f likely, want less than even", p)
	}
}
