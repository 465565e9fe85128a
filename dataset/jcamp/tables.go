package jcamp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// body divides the value of a table's label into its form and its lines.
func body(value string) (form, lines string) {
	form, lines, _ = strings.Cut(value, "\n")
	return strings.ToUpper(strings.Join(strings.Fields(form), "")), lines
}

// axis is what a table (X++(Y..Y)) needs to know.
type axis struct {
	first, last     float64
	factor, yfactor float64
	points          int // 0 when it is not said
}

func (p *parser) xydata(b *Block, l Label) (Curve, error) {
	form, lines := body(l.Value)
	if form != "(X++(Y..Y))" && form != "(X++(R..R))" && form != "(X++(A..A))" {
		return Curve{}, fmt.Errorf("the form %q is not one of (X++(Y..Y)), (X++(R..R))", form)
	}
	a := axis{factor: 1, yfactor: 1}
	var there [2]bool
	var points float64
	for _, f := range []struct {
		name string
		to   *float64
		ok   *bool
	}{
		{"FIRSTX", &a.first, &there[0]}, {"LASTX", &a.last, &there[1]}, {"XFACTOR", &a.factor, nil}, {"YFACTOR", &a.yfactor, nil}, {"NPOINTS", &points, nil},
	} {
		x, ok, err := b.number(f.name)
		if err != nil {
			return Curve{}, err
		}
		if ok {
			*f.to = x
		}
		if f.ok != nil {
			*f.ok = ok
		}
	}
	if !there[0] || !there[1] {
		return Curve{}, errors.New("##FIRSTX= and ##LASTX= are needed and one is missing")
	}
	if points < 0 || points > maxPoints || points != math.Trunc(points) {
		return Curve{}, fmt.Errorf("##NPOINTS= is %g, want a whole number to %d", points, maxPoints)
	}
	a.points = int(points)
	c, notes, err := p.spread(lines, a)
	b.Notes = append(b.Notes, notes...)
	c.Name = l.Name
	c.XUnits, _ = b.Get("XUNITS")
	c.YUnits, _ = b.Get("YUNITS")
	if err == nil {
		b.compareFirst(c)
	}
	return c, err
}

// compareFirst notes a first ordinate that is not what the file says, by more
// than its digits explain.
func (b *Block) compareFirst(c Curve) {
	y, ok, err := b.number("FIRSTY")
	if err != nil || !ok {
		return
	}
	if factor, ok, _ := b.number("YFACTOR"); math.Abs(c.Y[0]-y) > 1e-3*math.Abs(y)+math.Abs(factor) && ok {
		b.Notes = append(b.Notes, fmt.Sprintf("##FIRSTY= is %g and the first ordinate %g", y, c.Y[0]))
	}
}

// spread decodes ordinates and gives them evenly spaced abscissas.
func (p *parser) spread(lines string, a axis) (Curve, []string, error) {
	limit := p.points
	if a.points > 0 {
		limit = min(limit, a.points+1) // one more is seen as wrong below
	}
	d, err := ordinates(lines, limit, a.points)
	ys, firsts, starts := d.ys, d.firsts, d.starts
	switch {
	case err != nil:
		return Curve{}, nil, err
	case len(ys) == 0:
		return Curve{}, nil, errors.New("the table is empty")
	case a.points > 0 && len(ys) != a.points:
		return Curve{}, nil, fmt.Errorf("it has %d points and the file says %d; it may be cut", len(ys), a.points)
	}
	p.points -= len(ys)
	c := Curve{X: make([]float64, len(ys)), Y: ys}
	step := 0.0
	if len(ys) > 1 {
		step = (a.last - a.first) / float64(len(ys)-1)
	}
	for i := range ys {
		c.X[i] = a.first + float64(i)*step
		c.Y[i] *= a.yfactor
		if math.IsInf(c.Y[i], 0) || math.IsInf(c.X[i], 0) {
			return Curve{}, nil, fmt.Errorf("point %d is too large for a number of 64 bits", i+1)
		}
	}
	if len(ys) > 1 {
		c.X[len(ys)-1] = a.last
	}
	for i, first := range firsts {
		if off := math.Abs(first*a.factor - c.X[starts[i]]); off > math.Abs(step)+math.Abs(a.factor) && off > 1e-3*math.Abs(c.X[starts[i]]) {
			return c, append(d.notes, fmt.Sprintf("line %d of the table begins at %g and by ##FIRSTX= and ##LASTX= it would at %g", i+1, first*a.factor, c.X[starts[i]])), nil
		}
	}
	return c, d.notes, nil
}

// pairs decodes (XY..XY), (XYA), (XYWA) and the like.
func (p *parser) pairs(b *Block, l Label, peaks bool) (Curve, error) {
	form, lines := body(l.Value)
	c := Curve{Name: l.Name, Peaks: peaks}
	c.XUnits, _ = b.Get("XUNITS")
	c.YUnits, _ = b.Get("YUNITS")
	fx, fy := 1.0, 1.0
	for name, to := range map[string]*float64{"XFACTOR": &fx, "YFACTOR": &fy} {
		x, ok, err := b.number(name)
		if err != nil {
			return c, err
		}
		if ok && !peaks {
			*to = x
		}
	}
	if err := p.points2(&c, form, lines, fx, fy); err != nil {
		return c, err
	}
	points, ok, err := b.number("NPOINTS")
	if err != nil {
		return c, err
	}
	if ok && int(points) != len(c.X) {
		return c, fmt.Errorf("it has %d points and ##NPOINTS= says %g; it may be cut", len(c.X), points)
	}
	return c, nil
}

// points2 reads the points of a list of pairs or groups into c.
func (p *parser) points2(c *Curve, form, lines string, fx, fy float64) error {
	var groups [][]string
	var err error
	inner := strings.Trim(form, "()")
	switch {
	case strings.Contains(lines, "(") && !strings.Contains(inner, ".."):
		groups, err = parenthesized(lines)
	case inner == "XY..XY" || inner == "XYXY" || inner == "XY" || inner == "XR..XR" || inner == "XI..XI":
		groups, err = plainGroups(lines, 2)
	case inner == "XYW..XYW":
		groups, err = plainGroups(lines, 3)
	default:
		return fmt.Errorf("the form %q is not one of (XY..XY), (XYW..XYW), (XYA), (XYWA)", form)
	}
	if err != nil {
		return err
	}
	columns := strings.Split(inner, "")
	named := !strings.Contains(inner, "..") && inner != "XY" && inner != "XYXY"
	for i, g := range groups {
		if p.points--; p.points < 0 {
			return fmt.Errorf("it has more than %d points", maxPoints)
		}
		x, errX := parseNumber(g[0])
		y, errY := 1.0, error(nil)
		at := slices.Index(columns, "Y")
		if at > 0 && len(g) > at && (!named || len(g) == len(columns)) {
			y, errY = parseNumber(g[at])
		} // else only the place of the peak is said, and it counts as one
		if errX != nil || errY != nil {
			return fmt.Errorf("group %d, %q: want numbers", i+1, g)
		}
		c.X, c.Y = append(c.X, x*fx), append(c.Y, y*fy)
		if named && strings.HasSuffix(inner, "A") {
			c.Texts = append(c.Texts, strings.Trim(g[len(g)-1], "<> "))
		}
	}
	if len(c.X) == 0 {
		return errors.New("the table is empty")
	}
	return nil
}

// plainGroups divides a list into groups of n: by ";" or line where the groups
// are apart, else by counting.
func plainGroups(lines string, n int) (groups [][]string, err error) {
	all := strings.FieldsFunc(lines, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' })
	if len(all)%n != 0 {
		return nil, fmt.Errorf("it has %d numbers, no multiple of %d; it may be cut", len(all), n)
	}
	for g := range slices.Chunk(all, n) {
		groups = append(groups, g)
	}
	return groups, nil
}

// parenthesized divides "(x, y, <text>)" groups; brackets inside <> are text.
func parenthesized(lines string) (groups [][]string, err error) {
	depth, quoted := 0, false
	var group []string
	var part strings.Builder
	for _, r := range lines {
		switch r {
		case '<':
			quoted = true
		case '>':
			quoted = false
		}
		switch {
		case !quoted && r == '(' && depth == 0:
			depth, group = 1, nil
			part.Reset()
			continue
		case depth == 0:
			continue
		case !quoted && r == ')':
			groups = append(groups, append(group, strings.TrimSpace(part.String())))
			depth = 0
			continue
		case !quoted && r == ',':
			group = append(group, strings.TrimSpace(part.String()))
			part.Reset()
			continue
		}
		part.WriteRune(r)
	}
	if depth > 0 {
		return nil, fmt.Errorf("group %d is not closed; the file may be cut", len(groups)+1)
	}
	return groups, nil
}

// variable is a column of NTUPLES.
type variable struct {
	name, symbol, units string
	first, last, factor float64
	dim                 int
}

// tuples decodes the pages of NTUPLES.
func (p *parser) tuples(b *Block) error {
	vars, err := b.variables()
	if err != nil {
		return err
	}
	page := ""
	points := 0
	for _, l := range b.Labels {
		switch l.Name {
		case "PAGE":
			page, points = l.Value, 0
		case "NPOINTS":
			if n, err := strconv.Atoi(strings.TrimSpace(l.Value)); err == nil {
				points = n
			}
		case "DATATABLE":
			c, err := p.page(b, vars, l, points)
			if err != nil {
				return fmt.Errorf("line %d, page %q: %w", l.Line, page, err)
			}
			c.Page = page
			b.Curves = append(b.Curves, c)
		}
	}
	if len(b.Curves) == 0 {
		return errors.New("its NTUPLES have no ##DATA TABLE=")
	}
	return nil
}

func (b Block) variables() ([]variable, error) {
	list := func(name string) []string {
		text, ok := b.Get(name)
		if !ok {
			return nil
		}
		parts := strings.Split(strings.ReplaceAll(text, "\n", " "), ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		return parts
	}
	symbols := list("SYMBOL")
	if len(symbols) == 0 {
		return nil, errors.New("##SYMBOL= is missing")
	}
	vars := make([]variable, len(symbols))
	for i, s := range symbols {
		v := variable{symbol: strings.ToUpper(s), factor: 1}
		for name, to := range map[string]*string{"VAR_NAME": &v.name, "UNITS": &v.units} {
			if l := list(name); i < len(l) {
				*to = l[i]
			}
		}
		for name, to := range map[string]*float64{"FIRST": &v.first, "LAST": &v.last, "FACTOR": &v.factor} {
			if l := list(name); i < len(l) && l[i] != "" {
				x, err := parseNumber(l[i])
				if err != nil {
					return nil, fmt.Errorf("##%s= of %s: %w", name, v.symbol, err)
				}
				*to = x
			}
		}
		if l := list("VAR_DIM"); i < len(l) && l[i] != "" {
			n, err := strconv.Atoi(l[i])
			if err != nil || n < 0 || n > maxPoints {
				return nil, fmt.Errorf("##VAR_DIM= of %s is %q, want a number to %d", v.symbol, l[i], maxPoints)
			}
			v.dim = n
		}
		vars[i] = v
	}
	return vars, nil
}

// page decodes one DATA TABLE: "(X++(R..R)), XYDATA" or "(XY..XY), PEAKS".
func (p *parser) page(b *Block, vars []variable, l Label, points int) (Curve, error) {
	form, lines := body(l.Value)
	form, style, _ := strings.Cut(form, "),")
	form += ")"
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, form)
	if len(letters) < 2 {
		return Curve{}, fmt.Errorf("the form %q names no variables", form)
	}
	find := func(symbol byte) (variable, error) {
		for _, v := range vars {
			if v.symbol == string(symbol) {
				return v, nil
			}
		}
		return variable{}, fmt.Errorf("the form %q has the variable %q, which ##SYMBOL= does not", form, symbol)
	}
	x, err := find(letters[0])
	if err != nil {
		return Curve{}, err
	}
	y, err := find(letters[1])
	if err != nil {
		return Curve{}, err
	}
	c := Curve{}
	if strings.Contains(form, "++") {
		if points == 0 {
			points = y.dim
		}
		var notes []string
		c, notes, err = p.spread(lines, axis{first: x.first, last: x.last, factor: x.factor, yfactor: y.factor, points: points})
		b.Notes = append(b.Notes, notes...)
	} else {
		err = p.points2(&c, "(XY..XY)", lines, x.factor, y.factor)
		if err == nil && points > 0 && points != len(c.X) {
			err = fmt.Errorf("it has %d points and ##NPOINTS= says %d; it may be cut", len(c.X), points)
		}
	}
	c.Name, c.XUnits, c.YUnits = y.name, x.units, y.units
	c.Peaks = strings.Contains(style, "PEAKS") || strings.Contains(style, "CENTROID")
	return c, err
}
