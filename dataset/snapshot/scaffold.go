package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// ringSystem returns a name of the scaffold of a molecule (Bemis & Murcko, "The
// properties of known drugs. 1", J. Med. Chem. 39, 1996: what is left when side
// chains are cut off, rings and what links them), and whether smiles is a SMILES
// with a ring. The name is the multiset of atom neighbourhoods after as many
// rounds of refinement as there are atoms (Weisfeiler & Lehman): equal
// scaffolds have equal names, and different ones nearly always different names.
func ringSystem(smiles string) (string, bool) {
	m, ok := parseSMILES(smiles)
	if !ok {
		return "", false
	}
	m.prune()
	var label []string
	var alive []int
	for i, a := range m.atoms {
		if !m.gone[i] {
			alive = append(alive, i)
		}
		label = append(label, a)
	}
	if len(alive) == 0 {
		return "", false // no ring
	}
	for range alive {
		next := slices.Clone(label)
		for _, i := range alive {
			var around []string
			for _, b := range m.bonds[i] {
				if !m.gone[b.to] {
					around = append(around, string(b.order)+label[b.to])
				}
			}
			slices.Sort(around)
			sum := sha256.Sum256([]byte(label[i] + "(" + strings.Join(around, ",") + ")"))
			next[i] = hex.EncodeToString(sum[:8])
		}
		label = next
	}
	var names []string
	for _, i := range alive {
		names = append(names, label[i])
	}
	slices.Sort(names)
	return strings.Join(names, ""), true
}

type bond struct {
	to    int
	order byte // '-', '=', '#', ':' for aromatic
}

type molecule struct {
	atoms []string // elements, small where aromatic
	bonds [][]bond
	gone  []bool
}

// prune cuts atoms with one neighbour until there are none.
func (m *molecule) prune() {
	m.gone = make([]bool, len(m.atoms))
	for again := true; again; {
		again = false
		for i := range m.atoms {
			n := 0
			for _, b := range m.bonds[i] {
				if !m.gone[b.to] {
					n++
				}
			}
			if !m.gone[i] && n < 2 {
				m.gone[i], again = true, true
			}
		}
	}
}

func (m *molecule) join(a, b int, order byte) {
	lower := func(i int) bool { return m.atoms[i][0] >= 'a' }
	if order == 0 {
		order = '-'
		if lower(a) && lower(b) {
			order = ':'
		}
	}
	m.bonds[a], m.bonds[b] = append(m.bonds[a], bond{b, order}), append(m.bonds[b], bond{a, order})
}

// parseSMILES reads the graph of a SMILES: elements, bonds, branches, rings.
// Charges, isotopes, hydrogens and stereochemistry do not matter to a scaffold.
func parseSMILES(s string) (*molecule, bool) {
	m := &molecule{}
	type open struct {
		atom  int
		order byte
	}
	var (
		stack []int
		rings = map[string]open{}
		last  = -1
		order byte
	)
	atom := func(name string) {
		m.atoms, m.bonds = append(m.atoms, name), append(m.bonds, nil)
		if n := len(m.atoms) - 1; last >= 0 && order != '.' {
			m.join(last, n, order)
		}
		last, order = len(m.atoms)-1, 0
	}
	ring := func(label string) bool {
		if last < 0 {
			return false
		}
		if o, ok := rings[label]; ok {
			delete(rings, label)
			if o.atom == last {
				return false
			}
			m.join(o.atom, last, max(o.order, order))
		} else {
			rings[label] = open{last, order}
		}
		order = 0
		return true
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.HasPrefix(s[i:], "Cl") || strings.HasPrefix(s[i:], "Br"):
			atom(s[i : i+2])
			i++
		case strings.IndexByte("BCNOPSFIbcnops", c) >= 0:
			atom(string(c))
		case c == '[':
			end := strings.IndexByte(s[i:], ']')
			name := ""
			if end > 0 {
				name = element(s[i+1 : i+end])
			}
			if name == "" {
				return nil, false
			}
			atom(name)
			i += end
		case c == '(':
			if last < 0 {
				return nil, false
			}
			stack = append(stack, last)
		case c == ')':
			if len(stack) == 0 {
				return nil, false
			}
			last, stack = stack[len(stack)-1], stack[:len(stack)-1]
		case c >= '0' && c <= '9':
			if !ring(string(c)) {
				return nil, false
			}
		case c == '%' && i+2 < len(s):
			if !ring(s[i+1 : i+3]) {
				return nil, false
			}
			i += 2
		case strings.IndexByte("-=#$:.", c) >= 0:
			order = c
		case c == '/' || c == '\\':
			order = '-'
		default:
			return nil, false
		}
	}
	return m, len(m.atoms) > 0 && len(stack) == 0 && len(rings) == 0
}

// element returns the symbol of a bracket atom.
func element(s string) string {
	s = strings.TrimLeft(s, "0123456789")
	if s == "" {
		return ""
	}
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		return s[:2]
	}
	if s[0] >= 'A' && s[0] <= 'Z' || strings.IndexByte("bcnops", s[0]) >= 0 {
		return s[:1]
	}
	return ""
}
