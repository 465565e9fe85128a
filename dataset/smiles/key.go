package smiles

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// maxRounds bounds what a long chain costs: a neighbourhood of 64 bonds around
// tells the atoms of a molecule apart, and of a polymer enough.
const maxRounds = 64

// Key names a molecule whatever the order in which its SMILES writes it: the
// multiset of atom neighbourhoods after rounds of refinement until nothing more
// is divided, at most maxRounds (Weisfeiler & Lehman, "The reduction of a graph
// to canonical form", 1968), in O(rounds · atoms). Equal graphs have equal keys, and different ones
// nearly always different keys. Charges, isotopes and hydrogens count,
// stereochemistry does not.
func (m *Molecule) Key() string {
	return m.refine(make([]bool, len(m.Atoms)), func(a Atom) string {
		return a.Symbol + "," + strconv.Itoa(a.Isotope) + "," + strconv.Itoa(max(a.Hydrogen, -1)) + "," + strconv.Itoa(a.Charge)
	})
}

// Scaffold names what is left of a molecule when its side chains are cut off:
// rings and what links them (Bemis & Murcko, "The properties of known drugs. 1",
// J. Med. Chem. 39, 1996). Only elements and bonds count. It is "" without a ring.
func (m *Molecule) Scaffold() string {
	gone := m.prune()
	if !slices.Contains(gone, false) {
		return ""
	}
	return m.refine(gone, func(a Atom) string { return a.Symbol })
}

// prune cuts atoms with one neighbour until there are none.
func (m *Molecule) prune() []bool {
	gone := make([]bool, len(m.Atoms))
	left := make([]int, len(m.Atoms))
	var next []int
	for i := range m.Atoms {
		if left[i] = len(m.Bonds[i]); left[i] < 2 {
			next, gone[i] = append(next, i), true
		}
	}
	for len(next) > 0 {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		for _, b := range m.Bonds[i] {
			if left[b.To]--; !gone[b.To] && left[b.To] < 2 {
				next, gone[b.To] = append(next, b.To), true
			}
		}
	}
	return gone
}

func (m *Molecule) refine(gone []bool, of func(Atom) string) string {
	label := make([]string, len(m.Atoms))
	var alive []int
	for i, a := range m.Atoms {
		label[i] = of(a)
		if !gone[i] {
			alive = append(alive, i)
		}
	}
	var around []string
	kinds := 0
	for range maxRounds {
		next := slices.Clone(label)
		for _, i := range alive {
			around = around[:0]
			for _, b := range m.Bonds[i] {
				if !gone[b.To] {
					around = append(around, string(b.Order)+label[b.To])
				}
			}
			slices.Sort(around)
			sum := sha256.Sum256([]byte(label[i] + "(" + strings.Join(around, ",") + ")"))
			next[i] = hex.EncodeToString(sum[:8])
		}
		label = next
		// Refinement only divides; where it divided nothing it never will again.
		seen := map[string]bool{}
		for _, i := range alive {
			seen[label[i]] = true
		}
		if len(seen) == kinds {
			break
		}
		kinds = len(seen)
	}
	names := make([]string, 0, len(alive))
	for _, i := range alive {
		names = append(names, label[i])
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return hex.EncodeToString(sum[:16])
}
