package gp

import "math"

// Kernel is a correlation as a function of the scaled distance r.
type Kernel uint8

// The kernels.
const (
	// Matern52 is (1 + √5r + 5r²/3)·exp(-√5r), twice differentiable.
	Matern52 Kernel = iota
	// SquaredExponential is exp(-r²/2), infinitely smooth.
	SquaredExponential
)

const sqrt5 = 2.23606797749978969640917366873127623544

// Density is the logarithm of an unnormalised probability density over x > 0.
type Density struct {
	form densityForm
	a, b float64
}

type densityForm uint8

const (
	flat densityForm = iota
	gammaForm
	logNormalForm
)

// Flat is the improper density that prefers nothing.
func Flat() Density { return Density{} }

// Gamma is the gamma density of a shape and a rate, both above 0.
func Gamma(shape, rate float64) Density { return Density{gammaForm, shape, rate} }

// LogNormal is the density of x when ln x is normal with mean mu and standard
// deviation sigma above 0.
func LogNormal(mu, sigma float64) Density { return Density{logNormalForm, mu, sigma} }

// Log returns ln p(x) up to a constant, and its derivative.
func (d Density) Log(x float64) (value, slope float64) {
	switch d.form {
	case gammaForm:
		return (d.a-1)*math.Log(x) - d.b*x, (d.a-1)/x - d.b
	case logNormalForm:
		l := math.Log(x)
		z := (l - d.a) / d.b
		return -l - 0.5*z*z, (-1 - z/d.b) / x
	default:
		return 0, 0
	}
}

// Prior says what is believed of the hyperparameters before any data, and
// where the search for them begins. Outcomes have mean 0 and variance 1.
type Prior struct {
	Name       string
	Kernel     Kernel
	Scale      Density // of each length scale
	ScaleStart float64
	ScaleMin   float64
	// ByGroup replaces Scale and ScaleStart for single groups, those with a Start
	// above 0. It may be nil.
	ByGroup    []GroupScale
	Noise      Density // of the variance of one observation
	NoiseStart float64
	NoiseMin   float64
	Output     Density // of the variance of f, when it is free
	// OutputStart is where the search for the variance of f begins; 0 fixes it at 1.
	OutputStart float64
}

// GroupScale is the prior of one group's length scale.
type GroupScale struct {
	Scale Density
	Start float64
}

// scale returns density and start of a group's length scale.
func (pr *Prior) scale(g int) (Density, float64) {
	if pr.ByGroup != nil && pr.ByGroup[g].Start > 0 {
		return pr.ByGroup[g].Scale, pr.ByGroup[g].Start
	}
	return pr.Scale, pr.ScaleStart
}

// Between is a prior between [Short] and [Long], l ~ Gamma(4, 2), for the groups
// that are unlike the others in a mixed space: numbers under long scales, where
// it is short enough for an optimum between the bounds, and choices under short
// ones, where it lets levels learn from each other.
func Between() GroupScale { return GroupScale{Scale: Gamma(4, 2), Start: 1.5} }

// Short is a prior of short length scales with a free output scale:
// l ~ Gamma(3, 6), s2f ~ Gamma(2, 0.15), s2 ~ Gamma(1.1, 0.05), the customary
// choice for inputs in the unit cube.
func Short() Prior {
	return Prior{
		Name: "short scales", Kernel: Matern52,
		Scale: Gamma(3, 6), ScaleStart: 1.0 / 3, ScaleMin: 1e-3,
		Noise: Gamma(1.1, 0.05), NoiseStart: 0.1, NoiseMin: 1e-4,
		Output: Gamma(2, 0.15), OutputStart: 1,
	}
}

// Scaled is a prior whose length scales grow with the square root of the
// number of groups: l ~ Gamma(3, 2/(e^(√2-3)·√groups)), s2 ~ Gamma(2, e⁵), after
// the dimension scaling of Hvarfner, Hellsten & Nardi, Vanilla Bayesian
// Optimization Performs Great in High Dimensions (2024),
// https://arxiv.org/abs/2402.02229.
func Scaled(groups int) Prior {
	mode := math.Exp(math.Sqrt2-3) * math.Sqrt(float64(max(1, groups)))
	return Prior{
		Name: "scaled by dimension", Kernel: Matern52,
		Scale: Gamma(3, 2/mode), ScaleStart: mode, ScaleMin: 0.025,
		Noise: Gamma(2, math.Exp(5)), NoiseStart: math.Exp(-5), NoiseMin: 1e-4,
	}
}

// Smooth is the squared-exponential kernel with l ~ LogNormal(√2 + ½ln groups,
// √3) and s2 ~ LogNormal(-4, 1), the prior of Hvarfner, Hellsten & Nardi (2024).
func Smooth(groups int) Prior {
	mu := math.Sqrt2 + 0.5*math.Log(float64(max(1, groups)))
	return Prior{
		Name: "smooth", Kernel: SquaredExponential,
		Scale: LogNormal(mu, math.Sqrt(3)), ScaleStart: math.Exp(mu - 3), ScaleMin: 0.025,
		Noise: LogNormal(-4, 1), NoiseStart: math.Exp(-5), NoiseMin: 1e-4,
	}
}

// Long is a prior of long length scales with a free output scale, which makes
// the function nearly additive: l ~ Gamma(2L, 2), s2f ~ Gamma(L, 1) with
// L = 0.4·√groups + 4. It fits tables of reactions, whose choices are
// substances, and misleads on numeric spaces.
func Long(groups int) Prior {
	l := 0.4*math.Sqrt(float64(max(1, groups))) + 4
	return Prior{
		Name: "long scales", Kernel: Matern52,
		Scale: Gamma(2*l, 2), ScaleStart: l, ScaleMin: 1e-3,
		Noise: Flat(), NoiseStart: 0.1, NoiseMin: 1e-4,
		Output: Gamma(l, 1), OutputStart: 4,
	}
}

// Reactive is a prior of medium length scales with a large, free output scale
// and a measurable noise: l ~ Gamma(3, 1), s2f ~ Gamma(5, 0.2), s2 ~
// Gamma(1.5, 0.1). It is what Shields et al., Bayesian reaction optimization as a
// tool for chemical synthesis, Nature 590 (2021), found best for spaces of
// reactions, whose choices are substances. On numbers alone it misleads.
func Reactive() Prior {
	return Prior{
		Name: "scales of reactions", Kernel: Matern52,
		Scale: Gamma(3, 1), ScaleStart: 2, ScaleMin: 1e-3,
		Noise: Gamma(1.5, 0.1), NoiseStart: 0.5, NoiseMin: 1e-4,
		Output: Gamma(5, 0.2), OutputStart: 8,
	}
}
