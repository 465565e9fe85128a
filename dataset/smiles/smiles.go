// Package smiles reads SMILES, strictly by OpenSMILES (Craig James and others,
// "OpenSMILES specification", version 1.0, 2016, http://opensmiles.org/opensmiles.html):
// brackets, bonds, branches, ring closures, with the position of what is wrong.
//
// What is easily taken wrong: the syntax is checked and no chemistry. Carbon with
// five bonds is well formed here, and two SMILES of one molecule have one [Key]
// when their graphs are equal as written: aromatic and Kekulé forms differ.
package smiles

import (
	"errors"
	"fmt"
	"strings"
)

// SyntaxError says what is wrong with a SMILES, and where.
type SyntaxError struct {
	Pos  int // of the character, from 1
	Text string
	Want string // what would be right
}

// Error implements [error].
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("character %d: %s; want %s", e.Pos, e.Text, e.Want)
}

// Atom is an atom as it is written.
type Atom struct {
	Symbol   string // small where it is aromatic; "*" for any
	Isotope  int
	Hydrogen int // that a bracket says; -1 outside of brackets, where valence says it
	Charge   int
}

// Bond is a bond to another atom.
type Bond struct {
	To    int
	Order byte // '-', '=', '#', '$', ':' for aromatic
}

// Molecule is the graph of a SMILES; it may have several parts.
type Molecule struct {
	Atoms []Atom
	Bonds [][]Bond // of each atom
}

// Check reports what is wrong with a SMILES or a reaction SMILES, or nil. The
// error is a [*SyntaxError].
func Check(s string) error {
	parts := strings.Split(s, ">")
	if len(parts) == 1 {
		_, err := Parse(s)
		return err
	}
	if len(parts) != 3 {
		return &SyntaxError{strings.IndexByte(s, '>') + 1, fmt.Sprintf("a reaction has %d signs \">\"", len(parts)-1), "two, as in reactants>agents>products"}
	}
	at := 0
	for _, p := range parts {
		if p != "" {
			if _, err := Parse(p); err != nil {
				if e, ok := errors.AsType[*SyntaxError](err); ok {
					e.Pos += at
				}
				return err
			}
		}
		at += len(p) + 1
	}
	if len(s) == 2 {
		return &SyntaxError{1, "the reaction is empty", "molecules"}
	}
	return nil
}

// Parse reads a SMILES. Its error is a [*SyntaxError].
func Parse(s string) (*Molecule, error) {
	p := &parser{s: s, m: &Molecule{}, last: -1, rings: map[int]ring{}}
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.m, nil
}

type ring struct {
	atom, pos int
	order     byte
}

type branch struct{ atom, pos, atoms int }

type parser struct {
	s     string
	i     int
	m     *Molecule
	last  int  // the atom before; -1 for none
	order byte // of the bond before the next atom; 0 as the atoms say, '.' for none
	at    int  // where that bond is
	stack []branch
	rings map[int]ring
}

func (p *parser) bad(at int, want, format string, args ...any) error {
	return &SyntaxError{at + 1, fmt.Sprintf(format, args...), want}
}

func (p *parser) run() error {
	if p.s == "" {
		return p.bad(0, "an atom", "it is empty")
	}
	for p.i < len(p.s) {
		if err := p.next(); err != nil {
			return err
		}
	}
	if p.order != 0 {
		return p.bad(p.at, "an atom after it", "nothing comes after %q", p.s[p.at])
	}
	if n := len(p.stack); n > 0 {
		return p.bad(p.stack[n-1].pos, `a ")"`, "the branch is never closed")
	}
	first := -1
	for label, r := range p.rings {
		if first < 0 || r.pos < p.rings[first].pos {
			first = label
		}
	}
	if first >= 0 {
		return p.bad(p.rings[first].pos, "the label once more", "ring bond %d is never closed", first)
	}
	return nil
}

func (p *parser) next() error {
	c := p.s[p.i]
	switch {
	case c == '[':
		return p.bracket()
	case c == '(':
		return p.open()
	case c == ')':
		return p.closeBranch()
	case c >= '0' && c <= '9' || c == '%':
		return p.ring()
	case strings.IndexByte(`-=#$:/\.`, c) >= 0:
		return p.bond(c)
	}
	if n := organic(p.s[p.i:]); n > 0 {
		p.atom(Atom{Symbol: p.s[p.i : p.i+n], Hydrogen: -1})
		p.i += n
		return nil
	}
	if element(p.s[p.i:]) > 0 {
		return p.bad(p.i, "brackets around it", "%q is outside of brackets, where only B, C, N, O, P, S, F, Cl, Br, I and b, c, n, o, p, s stand", p.s[p.i:p.i+element(p.s[p.i:])])
	}
	return p.bad(p.i, "an atom, a bond, a branch or a ring bond", "%q is nothing that a SMILES has", rest(p.s[p.i:]))
}

// rest is the character that a text begins with.
func rest(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// organic returns the length of an atom outside of brackets, or 0.
func organic(s string) int {
	if strings.HasPrefix(s, "Cl") || strings.HasPrefix(s, "Br") {
		return 2
	}
	if strings.IndexByte("BCNOPSFIbcnops*", s[0]) >= 0 {
		return 1
	}
	return 0
}

func (p *parser) atom(a Atom) {
	p.m.Atoms, p.m.Bonds = append(p.m.Atoms, a), append(p.m.Bonds, nil)
	n := len(p.m.Atoms) - 1
	if p.last >= 0 && p.order != '.' {
		p.m.join(p.last, n, p.order)
	}
	p.last, p.order = n, 0
}

func (a Atom) aromatic() bool { return a.Symbol[0] >= 'a' && a.Symbol[0] <= 'z' }

func (m *Molecule) join(a, b int, order byte) {
	switch {
	case order == '/' || order == '\\':
		order = '-'
	case order == 0 && m.Atoms[a].aromatic() && m.Atoms[b].aromatic():
		order = ':'
	case order == 0:
		order = '-'
	}
	m.Bonds[a], m.Bonds[b] = append(m.Bonds[a], Bond{b, order}), append(m.Bonds[b], Bond{a, order})
}

func (p *parser) bond(c byte) error {
	switch {
	case p.last < 0:
		return p.bad(p.i, "an atom first", "it begins with %q", c)
	case p.order != 0:
		return p.bad(p.i, "one bond, then an atom", "%q comes after %q", c, p.s[p.at])
	}
	p.order, p.at = c, p.i
	p.i++
	return nil
}

func (p *parser) open() error {
	switch {
	case p.last < 0:
		return p.bad(p.i, "an atom first", "it begins with a branch")
	case p.order != 0:
		return p.bad(p.i, "the bond inside of the branch", "a branch comes after %q", p.s[p.at])
	case p.s[p.i-1] == '(':
		return p.bad(p.i, "an atom or a bond", "a branch begins with a branch")
	}
	p.stack = append(p.stack, branch{p.last, p.i, len(p.m.Atoms)})
	p.i++
	return nil
}

func (p *parser) closeBranch() error {
	n := len(p.stack) - 1
	switch {
	case n < 0:
		return p.bad(p.i, `a "(" before it`, "no branch is open")
	case p.order != 0:
		return p.bad(p.at, "an atom after it", "nothing comes after %q", p.s[p.at])
	case p.stack[n].atoms == len(p.m.Atoms):
		return p.bad(p.i, "an atom in it", "the branch is empty")
	}
	p.last, p.stack = p.stack[n].atom, p.stack[:n]
	p.i++
	return nil
}

func (p *parser) ring() error {
	at, label, n := p.i, int(p.s[p.i]-'0'), 1
	if p.s[p.i] == '%' {
		if p.i+2 >= len(p.s) || !digit(p.s[p.i+1]) || !digit(p.s[p.i+2]) {
			return p.bad(at, "two digits after it, as in %12", `"%%" is no ring bond`)
		}
		label, n = int(p.s[p.i+1]-'0')*10+int(p.s[p.i+2]-'0'), 3
	}
	switch {
	case p.last < 0 || len(p.stack) > 0 && p.stack[len(p.stack)-1].atoms == len(p.m.Atoms):
		return p.bad(at, "an atom before it", "ring bond %d belongs to no atom", label)
	case p.order == '.':
		return p.bad(at, "an atom before it", `ring bond %d comes after "."`, label)
	case p.i > 0 && p.s[p.i-1] == ')':
		return p.bad(at, "ring bonds right after their atom", "ring bond %d comes after a branch", label)
	}
	p.i += n
	r, open := p.rings[label]
	order := p.order
	p.order = 0
	if !open {
		p.rings[label] = ring{p.last, at, order}
		return nil
	}
	delete(p.rings, label)
	switch {
	case r.atom == p.last:
		return p.bad(at, "another atom", "ring bond %d joins an atom to itself", label)
	case r.order != 0 && order != 0 && r.order != order && !(slanted(r.order) && slanted(order)):
		return p.bad(at, fmt.Sprintf("%q, as where it was opened", r.order), "ring bond %d is closed as %q", label, order)
	}
	for _, b := range p.m.Bonds[r.atom] {
		if b.To == p.last {
			return p.bad(at, "one bond between two atoms", "ring bond %d joins atoms that are joined already", label)
		}
	}
	p.m.join(r.atom, p.last, max(r.order, order))
	return nil
}

func slanted(c byte) bool { return c == '/' || c == '\\' }

func digit(c byte) bool { return c >= '0' && c <= '9' }
