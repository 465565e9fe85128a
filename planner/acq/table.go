package acq

import "math"

// The gain h(z) = φ(z) + z·Φ(z) is asked for at every edge of every axis of a front,
// and costs an exponential and an error function. Between -reach and reach it is read
// off a table instead, by the cubic that has h and its slope Φ at both ends of a
// step: the relative error is below 1e-6, and there are no jumps.

const (
	reach     = 16.0
	gainSteps = 128 // to one
)

var gainTable = func() (t [2*int(reach)*gainSteps + 1]struct{ gain, slope float64 }) {
	for i := range t {
		z := float64(i)/gainSteps - reach
		t[i].gain = math.Exp(logH(z))
		t[i].slope = Phi(z) / gainSteps
	}
	return t
}()

// gainAt returns h(z) for z from -reach to reach.
func gainAt(z float64) float64 {
	at := (z + reach) * gainSteps
	i := int(at)
	u := at - float64(i)
	a, b := &gainTable[i], &gainTable[i+1]
	d := b.gain - a.gain
	return a.gain + u*(a.slope+u*(3*d-2*a.slope-b.slope+u*(a.slope+b.slope-2*d)))
}
