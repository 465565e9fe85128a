package space

import "math/bits"

// Sobol is a scrambled low-discrepancy sequence in the unit cube: the points
// of every leading power of two fill it evenly. Dimensions beyond
// [SobolDimensions] are filled by a hash, evenly only on average.
type Sobol struct {
	v    [][32]uint32
	dims int
	seed uint64
	raw  bool
}

// SobolDimensions is how many dimensions have direction numbers.
const SobolDimensions = 64

// NewSobol returns the sequence of dims dimensions, scrambled after Owen,
// Randomly permuted (t,m,s)-nets and (t,s)-sequences (1995): each bit of each
// coordinate is flipped or not by a hash of seed, dimension and the bits before
// it, which keeps the sequence as even as it was.
func NewSobol(dims int, seed uint64) *Sobol {
	s := &Sobol{v: make([][32]uint32, min(dims, SobolDimensions)), dims: dims, seed: seed}
	for d := range s.v {
		s.v[d] = directions(d)
	}
	return s
}

// directions returns the direction numbers of dimension d, from 0.
func directions(d int) (v [32]uint32) {
	if d == 0 {
		for i := range v {
			v[i] = 1 << (31 - i)
		}
		return v
	}
	p := joeKuo[d-1]
	for i := range v {
		if i < p.degree {
			v[i] = p.m[i] << (31 - i)
			continue
		}
		v[i] = v[i-p.degree] ^ v[i-p.degree]>>p.degree
		for k := 1; k < p.degree; k++ {
			v[i] ^= (p.coefficients >> (p.degree - 1 - k) & 1) * v[i-k]
		}
	}
	return v
}

// At writes point number index, from 0, into u, of which every coordinate is in
// [0, 1). It costs O(dims) and needs no point before it.
func (s *Sobol) At(index uint32, u []float64) {
	gray := index ^ index>>1
	for d := range u[:s.dims] {
		if d >= len(s.v) {
			u[d] = float64(Mix(s.seed, uint64(d)+1<<40, uint64(index))>>11) * 0x1p-53
			continue
		}
		x := uint32(0)
		for g := gray; g != 0; g &= g - 1 {
			x ^= s.v[d][bits.TrailingZeros32(g)]
		}
		if s.raw {
			u[d] = float64(x) * 0x1p-32
			continue
		}
		u[d] = float64(s.scramble(x, uint64(d))) * 0x1p-32
	}
}

// scramble flips the bits of x. Below the 24th they are all drawn at once:
// nothing measures a laboratory to one part in 2^24.
func (s *Sobol) scramble(x uint32, d uint64) uint32 {
	out := uint32(0)
	for b := 31; b >= 8; b-- {
		prefix := uint64(x) >> (b + 1)
		flip := uint32(Mix(s.seed, d<<8|uint64(b), prefix)>>63) << b
		out |= x&(1<<b) ^ flip
	}
	return out | uint32(Mix(s.seed, d<<8, uint64(x)))&0xff
}

// Mix returns a hash of three words, after the finaliser of SplitMix64 (Steele,
// Lea & Flood, Fast Splittable Pseudorandom Number Generators, 2014). Streams of
// randomness are told apart by it.
func Mix(a, b, c uint64) uint64 {
	h := a
	for _, w := range [2]uint64{b, c} {
		h = h*0x9e3779b97f4a7c15 + w + 0x632be59bd9b4e019
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
