package xrd

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Instrument is a diffractometer in Bragg–Brentano geometry with a copper tube.
type Instrument struct {
	From, To, Step float64 // degrees of 2θ

	// U, V and W are the instrument's widths: H² = U·tan²θ + V·tan θ + W, in
	// degrees² (Caglioti, Paoletti & Ricci, Nucl. Instrum. 3, 223, 1958).
	U, V, W float64
	Eta     float64 // share of the Lorentzian in a peak, 0 to 1

	ZeroDegrees    float64 // every line is so much too high
	DisplacementMM float64 // of the sample below the circle: Δ2θ = −2s·cos θ/R
	RadiusMM       float64 // of the circle
	Monochromatic  bool    // no second K-alpha line

	Background float64 // counts a step, far from the beam
	Hump       float64 // counts a step more at the beginning, which fall off as exp(−(2θ−from)/15°)
	Saturation float64 // counts a step that the detector cannot exceed; 0 is none
}

// Standard is a laboratory instrument of common quality.
var Standard = Instrument{From: 10, To: 90, Step: 0.02, U: 0.01, V: -0.004, W: 0.006, Eta: 0.5, RadiusMM: 240, Background: 20, Hump: 40}

// Phase is a part of a sample.
type Phase struct {
	Lines []Line
	Grams float64 // or any other measure of mass; what counts is the ratio
	// CrystallitesA is their size in Å, which widens the lines by K·λ/(L·cos θ)
	// with K = 0.9 (Scherrer 1918; Patterson, Phys. Rev. 56, 978, 1939); 0 is
	// large.
	CrystallitesA float64
}

const scherrer = 0.9

// Points returns how many steps a scan has.
func (in Instrument) Points() int { return int(math.Round((in.To-in.From)/in.Step)) + 1 }

// Check reports what is wrong with an instrument.
func (in Instrument) Check() error {
	switch {
	case !(in.From > 0 && in.To < 180 && in.To > in.From):
		return fmt.Errorf("scan from %g to %g°: want 0 < from < to < 180", in.From, in.To)
	case !(in.Step > 0) || (in.To-in.From)/in.Step > 1e5:
		return fmt.Errorf("scan in steps of %g°: want above 0, and at most 100,000 of them", in.Step)
	case !(in.RadiusMM > 0):
		return fmt.Errorf("the radius is %g mm, want above 0", in.RadiusMM)
	}
	return nil
}

// reach is how many widths from its middle a peak is cut off. A Lorentzian has
// 2 % of its area beyond; the background is not known better.
const reach = 15

// Expected adds to y, which has a value for each step, what phases are expected
// to give: the counts of a peak of a gram are its strength times the Lorentz and
// polarization factors (1 + cos²2θ)/(sin²θ·cos θ) times scale. Cost: O(lines ·
// widths/step).
func (in Instrument) Expected(y []float64, phases []Phase, scale float64) {
	waves := [2][2]float64{{CuKa1, 1}, {CuKa2, ratio}}
	lines := waves[:]
	if in.Monochromatic {
		lines = waves[:1]
	}
	for _, p := range phases {
		if p.Grams <= 0 {
			continue
		}
		for _, l := range p.Lines {
			for _, w := range lines {
				sin := w[0] / 2 / l.D
				if sin >= 1 {
					continue
				}
				in.peak(y, sin, w[0], w[1]*scale*p.Grams*l.Strength, p.CrystallitesA)
			}
		}
	}
}

// peak adds a line to y.
func (in Instrument) peak(y []float64, sin, wavelength, strength, size float64) {
	cos := math.Sqrt(1 - sin*sin)
	tan, degrees := sin/cos, 180/math.Pi
	centre := 2*math.Asin(sin)*degrees + in.ZeroDegrees - 2*in.DisplacementMM/in.RadiusMM*cos*degrees
	width := math.Sqrt(max(1e-4, in.U*tan*tan+in.V*tan+in.W))
	if size > 0 {
		width = math.Hypot(width, scherrer*wavelength/size/cos*degrees)
	}
	cos2 := 1 - 2*sin*sin
	area := strength * (1 + cos2*cos2) / (sin * sin * cos)
	// A pseudo-Voigt of unit area: η·L + (1−η)·G of one full width (Wertheim et
	// al., Rev. Sci. Instrum. 45, 1369, 1974).
	lorentz := area * in.Eta * 2 / math.Pi / width * in.Step
	gauss := area * (1 - in.Eta) * 2 * math.Sqrt(math.Ln2/math.Pi) / width * in.Step
	first := max(0, int(math.Ceil((centre-reach*width-in.From)/in.Step)))
	last := min(len(y)-1, int((centre+reach*width-in.From)/in.Step))
	if first > last {
		return
	}
	x, dx := (in.From+float64(first)*in.Step-centre)/width, in.Step/width
	for i := first; i <= last; i++ {
		u := x * x
		y[i] += lorentz / (1 + 4*u)
		if u < 9 { // beyond, a Gaussian is less than 1e-10
			y[i] += gauss * math.Exp(-4*math.Ln2*u)
		}
		x += dx
	}
}

// AddBackground adds the background to y.
func (in Instrument) AddBackground(y []float64, scale float64) {
	hump, decay := in.Hump, math.Exp(-in.Step/15)
	for i := range y {
		y[i] += scale * (in.Background + hump)
		hump *= decay
	}
}

// Count replaces expected counts by counts, each a draw of its own.
func (in Instrument) Count(y []float64, r *rand.Rand) {
	for i, expected := range y {
		y[i] = poisson(expected, r)
		if in.Saturation > 0 {
			y[i] = min(y[i], in.Saturation)
		}
	}
}

// poisson draws a count. Below ten by multiplying uniforms (Knuth, The Art of
// Computer Programming 2, 3.4.1), above by transformed rejection with a squeeze,
// algorithm PTRS of W. Hörmann, Insurance: Mathematics and Economics 12, 39, 1993.
func poisson(mean float64, r *rand.Rand) float64 {
	if mean < 10 {
		limit, k := math.Exp(-mean), -1.0
		for p := 1.0; p > limit || k < 0; k++ {
			p *= r.Float64()
		}
		return k
	}
	root := math.Sqrt(mean)
	b := 0.931 + 2.53*root
	a := -0.059 + 0.02483*b
	invAlpha := 1.1239 + 1.1328/(b-3.4)
	squeeze := 0.9277 - 3.6224/(b-2)
	for {
		u, v := r.Float64()-0.5, r.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + mean + 0.43)
		if us >= 0.07 && v <= squeeze {
			return k
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		g, _ := math.Lgamma(k + 1)
		if math.Log(v)+math.Log(invAlpha)-math.Log(a/(us*us)+b) <= k*math.Log(mean)-mean-g {
			return k
		}
	}
}
