package evidence

import (
	"math"
)

// Experience is an experiment that was done: the density of the prior where it
// was, and how good it came out, larger being better.
type Experience struct {
	Density float64
	Value   float64
}

// The gate begins at about three in four, what a correlation of 0.46 seen in five
// experiments would give, and moves with the correlation that the laboratory sees.
const (
	gateFaith = 2.0
	gateStart = 0.5
)

// Gate is the probability, in (0, 1), that experiments come out better where the
// literature is denser: from the correlation of log density and outcome, by
// Fisher's transformation ("On the probable error of a coefficient of correlation",
// 1921) and a prior worth two experiments.
func Gate(done []Experience) float64 {
	n := float64(len(done))
	var mx, my float64
	for _, e := range done {
		mx += math.Log(e.Density) / n
		my += e.Value / n
	}
	var xx, yy, xy float64
	for _, e := range done {
		dx, dy := math.Log(e.Density)-mx, e.Value-my
		xx += dx * dx
		yy += dy * dy
		xy += dx * dy
	}
	z, weight := gateFaith*gateStart, gateFaith
	if xx > 1e-12 && yy > 0 && n > 3 {
		r := max(-0.999, min(0.999, xy/math.Sqrt(xx*yy)))
		z += (n - 3) * math.Atanh(r)
		weight += n - 3
	}
	return 0.5 * math.Erfc(-z/math.Sqrt(2*weight))
}

// Strength is β of Hvarfner et al., "πBO: Augmenting acquisition functions with
// user beliefs" (2022): the power of the prior before the first experiment.
const Strength = 5.0

// Exponent is the power to raise the density to, beside an acquisition value,
// after the experiments done. It fades as 1/n.
func Exponent(done []Experience) float64 {
	return Strength / float64(max(len(done), 1)) * Gate(done)
}
