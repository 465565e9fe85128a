package ucum

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a code. UCUM sets none; these are far above any real unit and
// keep a hostile code from costing more than some microseconds.
const (
	maxCode     = 2048 // bytes
	maxDepth    = 32   // parentheses
	maxExponent = 99
	maxBits     = 1024 // of the numerator and the denominator of a factor
)

// ParseError says where and why a code is no unit.
type ParseError struct {
	Code       string // as given to [Parse]
	Offset     int    // in bytes, of the first byte that is wrong
	Problem    string
	Suggestion string // a valid code which may have been meant, or ""
	Advice     string // why Suggestion, when that needs saying, or ""
}

func (e *ParseError) Error() string {
	var b strings.Builder
	code := e.Code
	if len(code) > 64 {
		code = code[:64] + "…"
	}
	fmt.Fprintf(&b, "unit %q, position %d: %s", code, e.Offset+1, e.Problem)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", e.Suggestion)
	}
	if e.Advice != "" {
		fmt.Fprintf(&b, " (%s)", e.Advice)
	}
	return b.String()
}

// Parse reads a case-sensitive UCUM code. The error is a [*ParseError].
func Parse(code string) (Unit, error) {
	t := units()
	u, err := t.parse(code)
	if err != nil {
		err.Suggestion, err.Advice = t.suggest(code, err)
		return Unit{}, err
	}
	return u, nil
}

// MustParse is [Parse] for codes written in a program; it panics on an error.
func MustParse(code string) Unit {
	u, err := Parse(code)
	if err != nil {
		panic("ucum: " + err.Error())
	}
	return u
}

// parse reads a code without a suggestion on failure. Note the type of its
// error: a nil *ParseError must not become a non-nil error.
func (t *table) parse(code string) (Unit, *ParseError) {
	p := &parser{table: t, code: code}
	if len(code) > maxCode {
		return Unit{}, p.failAt(maxCode, "the code is longer than %d bytes", maxCode)
	}
	u, err := p.mainTerm()
	if err != nil {
		return Unit{}, err
	}
	u.code = code
	return u, nil
}

// parser descends through the grammar of UCUM section 5:
//
//	main      = [ "/" ] term
//	term      = component { ( "." | "/" ) component }
//	component = ( simple | number ) [ annotation ] | annotation | "(" term ")"
//	simple    = [ prefix ] atom [ exponent ]
type parser struct {
	table *table
	code  string
	pos   int
	depth int
}

func (p *parser) failAt(offset int, format string, args ...any) *ParseError {
	return &ParseError{Code: p.code, Offset: offset, Problem: fmt.Sprintf(format, args...)}
}

func (p *parser) peek() byte {
	if p.pos < len(p.code) {
		return p.code[p.pos]
	}
	return 0
}

func (p *parser) mainTerm() (Unit, *ParseError) {
	if p.code == "" {
		return Unit{}, p.failAt(0, `the code is empty; a number without a unit has "1"`)
	}
	u := Unit{}
	if p.peek() == '/' {
		p.pos++
		v, err := p.component()
		if err != nil {
			return Unit{}, err
		}
		if u, err = p.combine(u, v, -1, 0); err != nil {
			return Unit{}, err
		}
	} else {
		var err *ParseError
		if u, err = p.component(); err != nil {
			return Unit{}, err
		}
	}
	u, err := p.rest(u)
	if err != nil {
		return Unit{}, err
	}
	if p.pos < len(p.code) {
		return Unit{}, p.unexpected()
	}
	return u, nil
}

// rest reads what follows the first component of a term.
func (p *parser) rest(u Unit) (Unit, *ParseError) {
	for {
		op, at := p.peek(), p.pos
		if op != '.' && op != '/' {
			return u, nil
		}
		p.pos++
		v, err := p.component()
		if err != nil {
			return Unit{}, err
		}
		sign := 1
		if op == '/' {
			sign = -1
		}
		if u, err = p.combine(u, v, sign, at); err != nil {
			return Unit{}, err
		}
	}
}

func (p *parser) component() (Unit, *ParseError) {
	at := p.pos
	switch c := p.peek(); {
	case p.pos >= len(p.code):
		return Unit{}, p.failAt(at, "a unit is missing at the end")
	case c == '(':
		return p.group()
	case c == '{':
		return Unit{}, p.annotation()
	}
	read := p.simple
	if isDigit(p.peek()) && !p.atTenStar() {
		read = p.number
	}
	u, err := read()
	if err != nil {
		return Unit{}, err
	}
	if p.peek() == '{' {
		if err := p.annotation(); err != nil {
			return Unit{}, err
		}
	}
	return u, nil
}

func (p *parser) group() (Unit, *ParseError) {
	at := p.pos
	if p.depth++; p.depth > maxDepth {
		return Unit{}, p.failAt(at, "more than %d parentheses are open", maxDepth)
	}
	p.pos++
	u, err := p.component()
	if err != nil {
		return Unit{}, err
	}
	if u, err = p.rest(u); err != nil {
		return Unit{}, err
	}
	if p.peek() != ')' {
		if p.pos >= len(p.code) {
			return Unit{}, p.failAt(at, "the parenthesis is never closed")
		}
		return Unit{}, p.unexpected()
	}
	p.pos++
	p.depth--
	return u, nil
}

// annotation passes over "{…}", which means 1 and says something to people.
func (p *parser) annotation() *ParseError {
	at := p.pos
	for p.pos++; p.pos < len(p.code); p.pos++ {
		switch c := p.code[p.pos]; {
		case c == '}':
			p.pos++
			return nil
		case c == '{':
			return p.failAt(p.pos, "an annotation cannot hold another")
		case c < 33 || c > 126:
			return p.failAt(p.pos, "an annotation holds ASCII characters without spaces only")
		}
	}
	return p.failAt(at, "the annotation is never closed")
}

func (p *parser) number() (Unit, *ParseError) {
	at := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	n, ok := new(big.Int).SetString(p.code[at:p.pos], 10)
	if !ok || n.BitLen() > maxBits {
		return Unit{}, p.failAt(at, "the number is too large")
	}
	if n.Sign() == 0 {
		return Unit{}, p.failAt(at, "zero is no factor of a unit")
	}
	return Unit{factor: new(big.Rat).SetInt(n)}, nil
}

// atTenStar tells the units "10*" and "10^", powers of ten, from a number.
func (p *parser) atTenStar() bool {
	rest := p.code[p.pos:]
	return strings.HasPrefix(rest, "10*") || strings.HasPrefix(rest, "10^")
}

func (p *parser) simple() (Unit, *ParseError) {
	at := p.pos
	symbol, err := p.symbol()
	if err != nil {
		return Unit{}, err
	}
	u, ok := p.table.resolve(symbol)
	if !ok {
		return Unit{}, p.failAt(at, "%q is no UCUM unit", symbol)
	}
	from := p.pos
	if c := p.peek(); c == '+' || c == '-' {
		p.pos++
	}
	digits := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	if p.pos == from {
		return u, nil
	}
	if p.pos == digits {
		return Unit{}, p.failAt(from, "an exponent needs digits")
	}
	n, bad := strconv.Atoi(p.code[from:p.pos])
	if bad != nil || n < -maxExponent || n > maxExponent {
		return Unit{}, p.failAt(from, "the exponent is not between %d and %d", -maxExponent, maxExponent)
	}
	return p.raise(u, n, at)
}

// symbol reads up to the exponent or the next operator; what stands in
// brackets belongs to the symbol, whatever it is.
func (p *parser) symbol() (string, *ParseError) {
	at := p.pos
	if p.atTenStar() {
		p.pos += len("10*")
		return p.code[at:p.pos], nil
	}
	for p.pos < len(p.code) {
		c := p.code[p.pos]
		switch {
		case c == '[':
			length := strings.IndexByte(p.code[p.pos:], ']')
			if length < 0 {
				return "", p.failAt(p.pos, "the bracket is never closed")
			}
			p.pos += length + 1
			continue
		case strings.IndexByte("./(){}+-", c) >= 0 || isDigit(c):
			if p.pos == at {
				return "", p.unexpected()
			}
			return p.code[at:p.pos], nil
		case c < 33 || c > 126:
			return "", p.unexpected()
		}
		p.pos++
	}
	return p.code[at:p.pos], nil
}

func (p *parser) unexpected() *ParseError {
	if p.pos == len(p.code) {
		return p.failAt(p.pos, "a unit is missing at the end")
	}
	switch r, _ := utf8.DecodeRuneInString(p.code[p.pos:]); {
	case r == ' ':
		return p.failAt(p.pos, "a code has no spaces")
	case r > 126 || r < 33:
		return p.failAt(p.pos, "%q is not allowed; codes are printable ASCII", r)
	case r == '{':
		return p.failAt(p.pos, `an annotation follows a unit symbol or an operator`)
	default:
		return p.failAt(p.pos, "%q is out of place", r)
	}
}

// resolve finds what a symbol stands for: an atom, or a prefix before a
// metric atom.
func (t *table) resolve(symbol string) (Unit, bool) {
	if a, ok := t.atoms[symbol]; ok {
		u, err := t.meaning(a)
		return u, err == nil
	}
	for n := 1; n <= 2 && n < len(symbol); n++ {
		prefix, ok := t.prefixes[symbol[:n]]
		if !ok {
			continue
		}
		a, ok := t.atoms[symbol[n:]]
		if !ok || !a.metric {
			continue
		}
		u, err := t.meaning(a)
		if err != nil {
			return Unit{}, false
		}
		if u.special != nil {
			u.scale = new(big.Rat).Mul(u.scale, prefix)
		} else {
			u.factor = new(big.Rat).Mul(u.size(), prefix)
		}
		return u, true
	}
	return Unit{}, false
}

// raise returns u^n for a unit that stands at an offset.
func (p *parser) raise(u Unit, n, at int) (Unit, *ParseError) {
	if u.special != nil && n != 1 {
		return Unit{}, p.special(u, at)
	}
	size := u.size()
	magnitude := max(n, -n)
	if bits(size)*magnitude > maxBits+magnitude {
		return Unit{}, p.failAt(at, "the factor to base units has too many digits")
	}
	e := big.NewInt(int64(magnitude))
	num, den := new(big.Int).Exp(size.Num(), e, nil), new(big.Int).Exp(size.Denom(), e, nil)
	if n < 0 {
		num, den = den, num
	}
	out := u
	if u.special == nil {
		out = Unit{factor: new(big.Rat).SetFrac(num, den), dim: Dimension{}.times(u.dim, n)}
	}
	if !out.dim.withinLimits() {
		return Unit{}, p.failAt(at, "a dimension has an exponent above %d", maxExponent)
	}
	return out, nil
}

// combine returns u·v^sign, where the operator stands at an offset.
func (p *parser) combine(u, v Unit, sign, at int) (Unit, *ParseError) {
	if u.special != nil || v.special != nil {
		return p.scaleSpecial(u, v, sign, at)
	}
	w := Unit{dim: u.dim.times(v.dim, sign), factor: new(big.Rat)}
	if sign > 0 {
		w.factor.Mul(u.size(), v.size())
	} else {
		w.factor.Quo(u.size(), v.size())
	}
	if bits(w.factor) > maxBits {
		return Unit{}, p.failAt(at, "the factor to base units has too many digits")
	}
	if !w.dim.withinLimits() {
		return Unit{}, p.failAt(at, "a dimension has an exponent above %d", maxExponent)
	}
	return w, nil
}

// scaleSpecial multiplies or divides a special unit by a pure number; UCUM
// section 22 allows it nothing else.
func (p *parser) scaleSpecial(u, v Unit, sign, at int) (Unit, *ParseError) {
	switch {
	case u.special != nil && v.isNumber():
		w := u
		w.scale = new(big.Rat).Mul(u.scale, v.size())
		if sign < 0 {
			w.scale.Quo(u.scale, v.size())
		}
		if bits(w.scale) > maxBits {
			return Unit{}, p.failAt(at, "the factor has too many digits")
		}
		return w, nil
	case u.isNumber() && sign > 0:
		return p.scaleSpecial(v, u, sign, at)
	case u.special != nil:
		return Unit{}, p.special(u, at)
	}
	return Unit{}, p.special(v, at)
}

func (p *parser) special(u Unit, at int) *ParseError {
	err := p.failAt(at, "%q is on no ratio scale and cannot be multiplied with units, divided or raised", u.special.code)
	if difference, ok := differences[u.special.code]; ok {
		err.Advice = fmt.Sprintf("a difference of temperature is written %q", difference)
	}
	return err
}

// differences are the units in which the differences of a scale are counted.
var differences = map[string]string{"Cel": "K", "[degF]": "[degR]"}

func bits(r *big.Rat) int { return max(r.Num().BitLen(), r.Denom().BitLen()) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
