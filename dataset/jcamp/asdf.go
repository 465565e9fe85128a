package jcamp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The pseudo-digits of ASDF: the first digit of a number says with its sign
// what kind of number it is.
const (
	sqzPlus  = "@ABCDEFGHI" // 0 to 9
	sqzMinus = "abcdefghi"  // -1 to -9
	difPlus  = "%JKLMNOPQR"
	difMinus = "jklmnopqr"
	dup      = "STUVWXYZs" // 1 to 9
)

// ordinates decodes a table of the form (X++(Y..Y)): integers in AFFN, PAC, SQZ,
// DIF or DUP, and the abscissas at the beginnings of the lines. at most limit
// ordinates are decoded. points is how many there ought to be, or 0: a wrong
// check after the last of them is a note, since some programs write a zero there.
func ordinates(table string, limit, points int) (d asdf, err error) {
	d = asdf{limit: limit, points: points}
	n := 0
	for line := range strings.Lines(table) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := d.line(line); err != nil {
			return d, fmt.Errorf("line %d of the table, %.40q: %w", n, line, err)
		}
	}
	return d, nil
}

// asdf is the state between the lines of a table.
type asdf struct {
	limit  int
	points int
	notes  []string
	ys     []float64
	firsts []float64 // abscissa of each line
	starts []int     // index in ys of the first ordinate of each line
	check  bool      // the next line begins by repeating the last ordinate
}

func (d *asdf) line(line string) error {
	x, rest, err := next(line)
	if err != nil || x.kind != affn && x.kind != sqz {
		return errors.New("want an abscissa at its beginning")
	}
	d.firsts = append(d.firsts, x.value)
	check := d.check
	if check {
		d.starts = append(d.starts, len(d.ys)-1)
	} else {
		d.starts = append(d.starts, len(d.ys))
	}
	first, last := true, word{}
	d.check = false
	for {
		rest = strings.TrimLeft(rest, " \t,;")
		if rest == "" {
			break
		}
		if rest[0] == '?' {
			return errors.New("an ordinate is \"?\", not known")
		}
		var t word
		if t, rest, err = next(rest); err != nil {
			return err
		}
		switch t.kind {
		case affn, sqz:
			if first && check {
				switch got, want := t.value, d.ys[len(d.ys)-1]; {
				case got != want && len(d.ys) == d.points && rest == "":
					d.notes = append(d.notes, fmt.Sprintf("the check after the last point is %g and the point %g", got, want))
				case got != want:
					return fmt.Errorf("it begins with %g and the line before ends with %g: the check of the DIF form fails", got, want)
				}
			} else if err := d.put(t.value); err != nil {
				return err
			}
			d.check = false
		case dif:
			if len(d.ys) == 0 || first {
				return errors.New("a difference has nothing before it")
			}
			if err := d.put(d.ys[len(d.ys)-1] + t.value); err != nil {
				return err
			}
			d.check = true
		case duplicate:
			if first || last.kind == duplicate || t.value < 1 {
				return errors.New("a duplicate count has nothing before it")
			}
			step := 0.0
			if last.kind == dif {
				step = last.value
			}
			if t.value-1 > float64(d.limit-len(d.ys)) {
				return fmt.Errorf("it has more points than the file says or is allowed, %d", d.limit)
			}
			for range int(t.value) - 1 {
				d.ys = append(d.ys, d.ys[len(d.ys)-1]+step)
			}
		}
		first, last = false, t
	}
	if first {
		return errors.New("it has an abscissa and no ordinates")
	}
	return nil
}

func (d *asdf) put(y float64) error {
	if len(d.ys) >= d.limit {
		return fmt.Errorf("it has more points than the file says or is allowed, %d", d.limit)
	}
	d.ys = append(d.ys, y)
	return nil
}

type kind uint8

const (
	affn kind = iota
	sqz
	dif
	duplicate
)

// word is a number of a table with its kind.
type word struct {
	kind  kind
	value float64
}

// next reads the number that s begins with, and returns what follows.
func next(s string) (word, string, error) {
	c := s[0]
	var t word
	var lead string
	switch {
	case strings.IndexByte(sqzPlus, c) >= 0:
		t.kind, lead = sqz, strconv.Itoa(strings.IndexByte(sqzPlus, c))
	case strings.IndexByte(sqzMinus, c) >= 0:
		t.kind, lead = sqz, strconv.Itoa(-1-strings.IndexByte(sqzMinus, c))
	case strings.IndexByte(difPlus, c) >= 0:
		t.kind, lead = dif, strconv.Itoa(strings.IndexByte(difPlus, c))
	case strings.IndexByte(difMinus, c) >= 0:
		t.kind, lead = dif, strconv.Itoa(-1-strings.IndexByte(difMinus, c))
	case strings.IndexByte(dup, c) >= 0:
		t.kind, lead = duplicate, strconv.Itoa(1+strings.IndexByte(dup, c))
	case c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9':
		lead = string(c)
	default:
		return t, "", fmt.Errorf("%q is no digit of any form", c)
	}
	i := 1
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	// An exponent is one only when a sign and digits follow it: a bare E is the
	// digit 5 of SQZ.
	if i+2 < len(s) && (s[i] == 'E' || s[i] == 'e') && (s[i+1] == '+' || s[i+1] == '-') && s[i+2] >= '0' && s[i+2] <= '9' && t.kind == affn {
		for i += 2; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			continue
		}
	}
	x, err := parseNumber(lead + s[1:i])
	if err != nil {
		return t, "", err
	}
	t.value = x
	return t, s[i:], nil
}
