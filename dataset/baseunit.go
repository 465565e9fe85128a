package dataset

import (
	"fmt"
	"strings"

	"github.com/athanor-lab/athanor/internal/memo"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// baseUnits are the base units of UCUM by the letters of their dimensions.
var baseUnits = map[byte]string{'L': "m", 'T': "s", 'M': "g", 'A': "rad", 'C': "K", 'Q': "C", 'F': "cd"}

// baseUnit returns the UCUM code of a dimension, written in UCUM's letters, in
// base units.
func baseUnit(dimension string) string {
	parts := strings.Split(dimension, ".")
	for i, p := range parts {
		if p == "" {
			continue
		}
		if u := baseUnits[p[0]]; u != "" {
			parts[i] = u + p[1:]
		}
	}
	return strings.Join(parts, ".")
}

// Scale is a unit beside its base unit.
type Scale struct {
	toBase    *ucum.Converter
	Base      string // UCUM code of the base unit
	Dimension string // in UCUM's letters
}

// scales are those that were asked for, by code.
var scales memo.Table[lab.Unit, *Scale]

// ScaleOf returns the scale of a unit; none is "1". A unit without a base unit,
// such as a currency, is an error.
func ScaleOf(u lab.Unit) (*Scale, error) {
	if u == "" {
		u = "1"
	}
	if known, ok := scales.Load(u); ok {
		return known, nil
	}
	unit, err := ucum.Parse(string(u))
	if err != nil {
		return nil, err
	}
	dimension := unit.Dimension().String()
	base, err := ucum.Parse(baseUnit(dimension))
	if err != nil {
		return nil, fmt.Errorf("the base unit of %s: %w", u, err)
	}
	s := &Scale{Base: base.String(), Dimension: dimension}
	if s.toBase, err = ucum.NewConverter(unit, base); err != nil {
		return nil, fmt.Errorf("the base unit of %s: %w", u, err)
	}
	scales.Store(u, s)
	return s, nil
}

// ToBase returns x in base units.
func (s *Scale) ToBase(x float64) (float64, error) { return s.toBase.Convert(x) }
