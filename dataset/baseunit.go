package dataset

import "strings"

// baseUnits are the base units of UCUM by the letters of their dimensions.
var baseUnits = map[byte]string{'L': "m", 'T': "s", 'M': "g", 'A': "rad", 'C': "K", 'Q': "C", 'F': "cd"}

// BaseUnit returns the UCUM code of a dimension, written in UCUM's letters, in
// base units.
func BaseUnit(dimension string) string {
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
