package net

import "math"

// Quality is how well a model predicts points that it was not shown.
type Quality struct {
	Points int `json:"points"`
	// RMSE is the root of the mean squared error, in the unit of the outcome.
	RMSE float64 `json:"rmse"`
	// Explained is 1 - the mean squared error over the variance.
	Explained float64 `json:"explained"`
	// LogDensity is the mean log predictive density of a point in nats.
	LogDensity float64 `json:"log_density"`
	// Covered is the share of points within their 50, 80 and 95 % interval.
	Covered50 float64 `json:"covered_50"`
	Covered80 float64 `json:"covered_80"`
	Covered95 float64 `json:"covered_95"`
}

// Calibrate finds the scale of the spread and the noise under which points that
// no member was shown are likeliest, on a grid.
func (e *Ensemble) Calibrate(x [][]float64, y []float64) {
	if len(x) == 0 {
		return
	}
	e.Scale, e.Noise = 1, 0
	p := e.Predictor()
	mean, spread := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		mean[i], spread[i], _ = p.At(x[i])
	}
	best := math.Inf(-1)
	scale, noise := 1.0, 0.05
	for _, s := range []float64{0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4} {
		for _, n := range []float64{0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.65, 1} {
			sum := 0.0
			for i := range x {
				sum += logNormal(y[i]-mean[i], math.Hypot(s*spread[i], n*e.SD))
			}
			if sum > best {
				best, scale, noise = sum, s, n
			}
		}
	}
	e.Scale, e.Noise = scale, noise
}

// Judge tells how well e predicts points that it was not shown.
func (e *Ensemble) Judge(x [][]float64, y []float64) Quality {
	p := e.Predictor()
	mean, sd := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		mean[i], _, sd[i] = p.At(x[i])
	}
	return Judge(y, mean, sd)
}

// Judge compares outcomes with predictions of them, each a mean and a standard
// deviation above 0.
func Judge(y, mean, sd []float64) Quality {
	q := Quality{Points: len(y)}
	if len(y) == 0 {
		return q
	}
	n := float64(len(y))
	centre, _ := moments(y)
	total, square := 0.0, 0.0
	for i, v := range y {
		d := v - mean[i]
		square += d * d / n
		total += (v - centre) * (v - centre) / n
		q.LogDensity += logNormal(d, sd[i]) / n
		z := math.Abs(d) / sd[i]
		for share, bound := range map[*float64]float64{&q.Covered50: 0.6745, &q.Covered80: 1.2816, &q.Covered95: 1.96} {
			if z <= bound {
				*share += 1 / n
			}
		}
	}
	q.RMSE = math.Sqrt(square)
	if total > 0 {
		q.Explained = 1 - square/total
	}
	return q
}

func logNormal(d, sd float64) float64 {
	return -0.5*d*d/(sd*sd) - math.Log(sd) - 0.5*math.Log(2*math.Pi)
}
