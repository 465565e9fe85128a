package xrd

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Structure is a crystal: its cell and its atoms, which the generators of its
// space group multiply.
type Structure struct {
	Name       string
	A, B, C    float64 // Å
	Alpha      float64 // degrees
	Beta       float64
	Gamma      float64
	Generators []string // operations such as "-x,y+1/2,-z+1/2"; the identity is understood
	Sites      []Site
	Units      int    // formula units in the cell
	Source     string // of cell and positions
}

// Site is an atom of the asymmetric unit, in fractions of the cell.
type Site struct {
	Element string
	X, Y, Z float64
}

// biso is the displacement factor of every atom, in Å²: a typical value of
// inorganic crystals at room temperature.
const biso = 0.5

// atom is a place of the whole cell.
type atom struct {
	element string
	at      [3]float64
}

// atoms returns all atoms of the cell: the orbits of the sites under the
// generators.
func (s Structure) atoms() ([]atom, error) {
	var ops []operation
	for _, g := range s.Generators {
		op, err := parseOperation(g)
		if err != nil {
			return nil, fmt.Errorf("structure %s: %w", s.Name, err)
		}
		ops = append(ops, op)
	}
	var all []atom
	for _, site := range s.Sites {
		if _, known := elements[site.Element]; !known {
			return nil, fmt.Errorf("structure %s: there is no form factor of %q", s.Name, site.Element)
		}
		orbit := [][3]float64{wrap([3]float64{site.X, site.Y, site.Z})}
		for i := 0; i < len(orbit); i++ {
			for _, op := range ops {
				if p := op.apply(orbit[i]); !contains(orbit, p) {
					orbit = append(orbit, p)
				}
			}
			if len(orbit) > orbitMax {
				return nil, fmt.Errorf("structure %s: the generators do not close", s.Name)
			}
		}
		for _, p := range orbit {
			all = append(all, atom{site.Element, p})
		}
	}
	return all, nil
}

// orbitMax is the order of the largest space group, with its centring.
const orbitMax = 192

// near is how close two places are that are the same, in fractions of the cell.
const near = 1e-4

func contains(all [][3]float64, p [3]float64) bool {
	for _, q := range all {
		same := true
		for i := range p {
			d := math.Abs(p[i] - q[i])
			same = same && min(d, 1-d) < near
		}
		if same {
			return true
		}
	}
	return false
}

func wrap(p [3]float64) [3]float64 {
	for i := range p {
		p[i] -= math.Floor(p[i] + near/2) // 0.99999… is 0
	}
	return p
}

// operation is a rotation and a translation.
type operation struct {
	rotation    [3][3]float64
	translation [3]float64
}

func (o operation) apply(p [3]float64) [3]float64 {
	q := o.translation
	for i := range q {
		for j := range p {
			q[i] += o.rotation[i][j] * p[j]
		}
	}
	return wrap(q)
}

// parseOperation reads an operation as International Tables write it.
func parseOperation(text string) (operation, error) {
	var o operation
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return o, fmt.Errorf("operation %q has %d parts, want 3", text, len(parts))
	}
	for i, part := range parts {
		for term := range strings.FieldsSeq(strings.NewReplacer("-", " -", "+", " +").Replace(part)) {
			sign := 1.0
			if term[0] == '-' {
				sign = -1
			}
			term = strings.TrimLeft(term, "+-")
			if axis := strings.Index("xyz", term); axis >= 0 && len(term) == 1 {
				o.rotation[i][axis] = sign
				continue
			}
			over, under, _ := strings.Cut(term, "/")
			n, err1 := strconv.ParseFloat(over, 64)
			d, err2 := strconv.ParseFloat(under, 64)
			if err1 != nil || err2 != nil || d == 0 {
				return o, fmt.Errorf("operation %q: %q is no axis and no fraction", text, term)
			}
			o.translation[i] += sign * n / d
		}
	}
	return o, nil
}

// metric returns the metric tensor of the cell.
func (s Structure) metric() [3][3]float64 {
	cos := func(degrees float64) float64 { return math.Cos(degrees * math.Pi / 180) }
	ab, ac, bc := s.A*s.B*cos(s.Gamma), s.A*s.C*cos(s.Beta), s.B*s.C*cos(s.Alpha)
	return [3][3]float64{{s.A * s.A, ab, ac}, {ab, s.B * s.B, bc}, {ac, bc, s.C * s.C}}
}

// Volume returns the volume of the cell in Å³.
func (s Structure) Volume() float64 { return math.Sqrt(determinant(s.metric())) }

// Density returns the density in g/cm³.
func (s Structure) Density() (float64, error) {
	atoms, err := s.atoms()
	if err != nil {
		return 0, err
	}
	mass := 0.0
	for _, a := range atoms {
		mass += elements[a.element].weight
	}
	const avogadroPerCubicCentimetre = 0.602214076 // mol⁻¹ · 1e-24 cm³/Å³
	return mass / avogadroPerCubicCentimetre / s.Volume(), nil
}

// MolarMass returns the mass of a formula unit in g/mol.
func (s Structure) MolarMass() (float64, error) {
	rho, err := s.Density()
	return rho * s.Volume() * 0.602214076 / float64(s.Units), err
}

func determinant(m [3][3]float64) float64 {
	return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
}

// inverse returns the inverse of a symmetric matrix: the reciprocal metric.
func inverse(m [3][3]float64) [3][3]float64 {
	d := determinant(m)
	cofactor := func(i, j int) float64 {
		a, b, c, e := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return (m[a][c]*m[b][e] - m[a][e]*m[b][c]) / d
	}
	var r [3][3]float64
	for i := range 3 {
		for j := range 3 {
			r[i][j] = cofactor(j, i)
		}
	}
	return r
}
