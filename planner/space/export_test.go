package space

// Unscrambled returns the plain sequence, for comparison with published points.
func Unscrambled(dims int) *Sobol {
	s := NewSobol(dims, 0)
	s.raw = true
	return s
}
