package smiles

import (
	"slices"
	"strconv"
	"strings"
)

// elements are the symbols of all elements, in the order of the periodic table.
var elements = strings.Fields(`H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe
	Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og`)

// aromatic are the symbols of atoms that may be aromatic inside of brackets.
var aromatic = []string{"se", "as", "b", "c", "n", "o", "p", "s"}

// element returns the length of the symbol of an element that s begins with, or 0.
func element(s string) int {
	for n := min(2, len(s)); n > 0; n-- {
		if slices.Contains(elements, s[:n]) {
			return n
		}
	}
	return 0
}

func symbol(s string) int {
	if s != "" && s[0] == '*' {
		return 1
	}
	if n := element(s); n > 0 {
		return n
	}
	for _, a := range aromatic {
		if strings.HasPrefix(s, a) {
			return len(a)
		}
	}
	return 0
}

// bracket reads an atom in brackets: isotope, symbol, chirality, hydrogens,
// charge, class.
func (p *parser) bracket() error {
	begin := p.i
	end := strings.IndexByte(p.s[begin:], ']')
	if end < 0 {
		return p.bad(begin, `a "]"`, "the bracket is never closed")
	}
	end += begin
	b := inside{p, begin + 1, end}
	a := Atom{Isotope: b.number(3)}
	n := symbol(p.s[b.i:end])
	if n == 0 {
		return p.bad(b.i, "the symbol of an element", "the bracket has no element")
	}
	a.Symbol = p.s[b.i : b.i+n]
	b.i += n
	if err := b.chirality(); err != nil {
		return err
	}
	if b.is('H') {
		if a.Symbol == "H" {
			return p.bad(b.i, "[H] without hydrogens of its own", "hydrogen has a count of hydrogens")
		}
		b.i++
		if a.Hydrogen = b.number(1); a.Hydrogen == 0 && p.s[b.i-1] == 'H' {
			a.Hydrogen = 1
		}
	}
	if err := b.charge(&a); err != nil {
		return err
	}
	if b.is(':') {
		b.i++
		if from := b.i; b.number(8) == 0 && b.i == from {
			return p.bad(b.i, "digits", `nothing comes after ":"`)
		}
	}
	if b.i != end {
		return p.bad(b.i, `isotope, element, chirality, hydrogens, charge, class, in this order, and "]"`, "%q does not belong there", rest(p.s[b.i:]))
	}
	p.atom(a)
	p.i = end + 1
	return nil
}

// inside is a place inside of a bracket.
type inside struct {
	p   *parser
	i   int
	end int
}

func (b *inside) is(c byte) bool { return b.i < b.end && b.p.s[b.i] == c }

// number reads up to so many digits; none are 0.
func (b *inside) number(most int) int {
	from := b.i
	for b.i < b.end && b.i-from < most && digit(b.p.s[b.i]) {
		b.i++
	}
	n, _ := strconv.Atoi(b.p.s[from:b.i]) // no digits are 0
	return n
}

// classes are the kinds of chirality with their largest number.
var classes = map[string]int{"TH": 2, "AL": 2, "SP": 3, "TB": 20, "OH": 30}

func (b *inside) chirality() error {
	if !b.is('@') {
		return nil
	}
	b.i++
	if b.is('@') {
		b.i++
		return nil
	}
	if b.i+2 > b.end {
		return nil
	}
	most, ok := classes[b.p.s[b.i:b.i+2]]
	if !ok {
		return nil // hydrogens, a charge: the order is checked by who reads them
	}
	at := b.i
	b.i += 2
	if n := b.number(2); n < 1 || n > most {
		return b.p.bad(at, "a number from 1 to "+strconv.Itoa(most), "@%s has no such form", b.p.s[at:at+2])
	}
	return nil
}

func (b *inside) charge(a *Atom) error {
	if !b.is('+') && !b.is('-') {
		return nil
	}
	sign, at := b.p.s[b.i], b.i
	a.Charge = 1
	if b.i++; b.is(sign) {
		a.Charge = 2
		b.i++
	} else if b.i < b.end && digit(b.p.s[b.i]) {
		a.Charge = b.number(2)
	}
	if a.Charge > 15 {
		return b.p.bad(at, "at most 15", "the charge is %d", a.Charge)
	}
	if sign == '-' {
		a.Charge = -a.Charge
	}
	return nil
}
