package gp

import "math"

// Metric says how far apart two points are: for each group of columns that
// share a length scale, the square of their distance.
//
// A point is a row of float64, one to a column. A numeric column adds the
// square of the difference; a level column holds the index of a level and adds
// what its tables say of the two levels.
type Metric struct {
	Columns []Column
	Groups  int // number of length scales
	// Trends are columns whose value the outcome is expected to follow; they add
	// nothing to a distance.
	Trends []Trend
}

// Trend is a column t(x) that adds b·t(x) to the outcome, with a slope b that is
// normal before there is data. It is integrated out: the prior mean is Mean·t(x)
// and the covariance of two points grows by SD²·t(x)·t(x'), so that data which do
// not follow the trend unlearn it (Rasmussen & Williams 2006, section 2.7).
type Trend struct {
	Column   int
	Mean, SD float64
	// Zero is the value of the column where the trend is 0. With Step the trend is 1
	// everywhere else, and otherwise the difference from it.
	Zero float64
	Step bool
}

// at returns the trend at x.
func (t Trend) at(x []float64) float64 {
	v := x[t.Column] - t.Zero
	if t.Step && v != 0 {
		return 1
	}
	return v
}

// trend returns what the trends expect at x.
func (m Metric) trend(x []float64) float64 {
	s := 0.0
	for _, t := range m.Trends {
		s += t.Mean * t.at(x)
	}
	return s
}

// together returns what the trends add to the covariance of a and b.
func (m Metric) together(a, b []float64) float64 {
	s := 0.0
	for _, t := range m.Trends {
		s += t.SD * t.SD * t.at(a) * t.at(b)
	}
	return s
}

// Column is one coordinate of a point. It has Tables, or it is numeric.
type Column struct {
	Group  int // of a numeric column; below 0 the column does not count
	Tables []Table
	// Optional says that some points have no number there: they have [None]. Two of
	// these are at distance 0, and one of them is as far from every number as 0 is
	// from 1. For the kernel to stay one, numbers lie on an arc of a radian whose
	// centre is the point without; where they are near each other that changes their
	// distance little (after the arc kernel of Swersky, Duvenaud, Snoek, Hutter &
	// Osborne, Raiders of the lost architecture: kernels for Bayesian optimization in
	// conditional parameter spaces, 2013, https://arxiv.org/abs/1409.4011).
	Optional bool
}

// None is the coordinate of a point that has no number in an optional column, whose
// numbers are above it.
const None = -1.0

// arcRadius puts 0 and 1, a radian apart, at a distance of 1.
var arcRadius = 1 / (2 * math.Sin(0.5))

// arc returns where an optional number is in the plane of its arc.
func arc(v float64) (a, b float64) {
	if v == None {
		return 0, 0
	}
	s, c := math.Sincos(v)
	return arcRadius * c, arcRadius * s
}

// apart is the square of the distance of two coordinates of a numeric column.
func (c Column) apart(a, b float64) float64 {
	if !c.Optional {
		return (a - b) * (a - b)
	}
	a0, a1 := arc(a)
	b0, b1 := arc(b)
	return (a0-b0)*(a0-b0) + (a1-b1)*(a1-b1)
}

// Table is the square of the distance between each two levels of a column, as
// the square matrix D of side N by rows.
type Table struct {
	Group int
	N     int
	D     []float64
}

// Hamming returns the table that puts n levels at distance 1 from each other.
func Hamming(group, n int) Table {
	t := Table{Group: group, N: n, D: make([]float64, n*n)}
	for i := range t.D {
		if i/n != i%n {
			t.D[i] = 1
		}
	}
	return t
}

// Squared returns Σ_g d_g(a,b)²: the square of the distance with all length
// scales 1.
func (m Metric) Squared(a, b []float64) float64 {
	s := 0.0
	for c, col := range m.Columns {
		if col.Tables == nil {
			if col.Group >= 0 {
				s += col.apart(a[c], b[c])
			}
			continue
		}
		for _, t := range col.Tables {
			s += t.D[int(a[c])*t.N+int(b[c])]
		}
	}
	return s
}

// distances returns d_g² of all pairs i > j of the rows of x, one slice to a
// group, the pair at i(i-1)/2+j.
func (m Metric) distances(x [][]float64) [][]float64 {
	n := len(x)
	out := make([][]float64, m.Groups)
	flat := make([]float64, m.Groups*n*(n-1)/2)
	for g := range out {
		out[g], flat = flat[:n*(n-1)/2], flat[n*(n-1)/2:]
	}
	for c, col := range m.Columns {
		if col.Tables == nil {
			if col.Group < 0 {
				continue
			}
			d := out[col.Group]
			p := 0
			for i := range x {
				for j := range x[:i] {
					if col.Optional {
						d[p] += col.apart(x[i][c], x[j][c])
					} else {
						z := x[i][c] - x[j][c]
						d[p] += z * z
					}
					p++
				}
			}
			continue
		}
		for _, t := range col.Tables {
			d := out[t.Group]
			p := 0
			for i := range x {
				row := t.D[int(x[i][c])*t.N:]
				for j := range x[:i] {
					d[p] += row[int(x[j][c])]
					p++
				}
			}
		}
	}
	return out
}
