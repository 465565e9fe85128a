package text

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Render writes the card, without a line end at its end.
func (c Card) Render() string {
	lines := []string{"experiment " + strconv.Itoa(c.Number) + " of " + word(c.Campaign, ":") + ": " + word(c.Class, "")}
	if len(c.Set) > 0 {
		lines = append(lines, "set "+List(c.Set))
	}
	for _, s := range c.Did {
		l := "do " + word(s.Name, "(") + "(" + word(s.Command, ")") + ")"
		if s.State != "" {
			l += " " + word(s.State, ":")
		}
		l += ":"
		if len(s.Params) > 0 {
			l += " " + List(s.Params)
		}
		if len(s.Values) > 0 {
			l += " -> " + List(s.Values)
		}
		lines = append(lines, l)
	}
	if len(c.Expected) > 0 {
		var all []string
		for _, f := range c.Expected {
			all = append(all, f.render())
		}
		lines = append(lines, "predict "+strings.Join(all, "; "))
	}
	if len(c.Seen) > 0 {
		lines = append(lines, "see "+List(c.Seen))
	}
	if f := c.Failure; f != nil {
		at := ""
		if f.Step != "" {
			at = word(f.Step, " :") + " "
		}
		lines = append(lines, "fail "+at+word(f.Code, " :")+": "+word(f.Message, ""))
	}
	if c.Why != "" {
		lines = append(lines, "why "+word(c.Why, ""))
	}
	return strings.Join(lines, "\n")
}

func (f Forecast) render() string {
	s := word(f.Name, " ;") + " " + f.Mean + " in " + f.Low + ".." + f.High
	if f.Unit != "" {
		s += " " + word(f.Unit, " ;")
	}
	return s
}

// List writes quantities on a line.
func List(qs []Quantity) string {
	all := make([]string, len(qs))
	for i, q := range qs {
		all[i] = q.render()
	}
	return strings.Join(all, "; ")
}

func (q Quantity) render() string {
	s := word(q.Name, " ;") + " "
	if q.Label {
		return s + labelled(q.Value)
	}
	s += q.Value
	if q.Sigma != "" {
		s += "±" + q.Sigma
	}
	if q.Unit != "" {
		s += " " + word(q.Unit, " ;")
	}
	return s
}

// figures is how numbers look; a label that looks so is quoted.
var figures = regexp.MustCompile(`^[-+]?[0-9.]+(e[-+]?[0-9]+)?(:[-+]?[0-9.]+(e[-+]?[0-9]+)?)*(±|$| )`)

func labelled(s string) string {
	if figures.MatchString(s) || strings.Contains(s, "->") {
		return quote(s)
	}
	return word(s, ";")
}

// word writes s as it is where it cannot be mistaken: without the bytes of
// stops, line ends and quotes.
func word(s, stops string) string {
	if s == "" || s[0] == '"' || s[0] == ' ' || s[len(s)-1] == ' ' || strings.ContainsAny(s, stops) || strings.Contains(s, "->") && stops != "" {
		return quote(s)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\ufffd' || r == '\u2028' || r == '\u2029' || !strconv.IsPrint(r) {
			return quote(s)
		}
	}
	return s
}

func quote(s string) string { return strconv.Quote(s) }

// Parse reads what [Card.Render] wrote. Anything else is [lab.Invalid], with
// the line.
func Parse(s string) (Card, error) {
	var c Card
	for i, line := range strings.Split(s, "\n") {
		r := &reader{s: line}
		verb, _, _ := strings.Cut(line, " ")
		if (verb == "experiment") != (i == 0) {
			return c, lab.Errorf(lab.Invalid, "line %d: %q; a card has one line \"experiment\", the first", i+1, line)
		}
		r.skip(verb + " ")
		switch verb {
		case "experiment":
			n, err := strconv.Atoi(r.until(" "))
			if err != nil {
				return c, lab.Errorf(lab.Invalid, "line 1: the experiment has no number")
			}
			r.skip(" of ")
			c.Number, c.Campaign = n, r.until(":")
			r.skip(": ")
			c.Class = r.until("")
		case "set":
			c.Set = r.list()
		case "do":
			c.Did = append(c.Did, r.step())
		case "predict":
			c.Expected = r.forecasts()
		case "see":
			c.Seen = r.list()
		case "fail":
			f := &Failure{Code: r.until(" :")}
			if r.try(" ") {
				f.Step, f.Code = f.Code, r.until(" :")
			}
			r.skip(": ")
			f.Message = r.until("")
			c.Failure = f
		case "why":
			c.Why = r.until("")
		default:
			return c, lab.Errorf(lab.Invalid, "line %d begins with %q; want experiment, set, do, predict, see, fail or why", i+1, verb)
		}
		if r.err != nil || r.s != "" {
			return c, lab.Errorf(lab.Invalid, "line %d: %q is not as cards are written, from %q on", i+1, line, r.s)
		}
	}
	return c, nil
}

// reader takes a line apart; after a first error it takes nothing.
type reader struct {
	s   string
	err error
}

func (r *reader) try(prefix string) bool {
	rest, ok := strings.CutPrefix(r.s, prefix)
	if ok && r.err == nil {
		r.s = rest
	}
	return ok && r.err == nil
}

func (r *reader) skip(prefix string) {
	if !r.try(prefix) && r.err == nil {
		r.err = lab.Errorf(lab.Invalid, "want %q", prefix)
	}
}

// until takes a quoted text, or all before one of the bytes of stops.
func (r *reader) until(stops string) string {
	if r.err != nil {
		return ""
	}
	if strings.HasPrefix(r.s, `"`) {
		q, err := strconv.QuotedPrefix(r.s)
		if err != nil {
			r.err = err
			return ""
		}
		r.s = r.s[len(q):]
		s, err := strconv.Unquote(q)
		r.err = err
		return s
	}
	i := strings.IndexAny(r.s, stops)
	if i < 0 || stops == "" {
		i = len(r.s)
	}
	s := r.s[:i]
	r.s = r.s[i:]
	return s
}

func (r *reader) list() []Quantity {
	var all []Quantity
	for r.err == nil {
		all = append(all, r.quantity())
		if !r.try("; ") {
			break
		}
	}
	return all
}

func (r *reader) quantity() Quantity {
	q := Quantity{Name: r.until(" ;")}
	r.skip(" ")
	if r.err != nil || !figures.MatchString(r.number()) {
		q.Label = true
		quoted := strings.HasPrefix(r.s, `"`)
		q.Value = r.until(";")
		// What stands before an arrow belongs to the parameters of a step.
		if before, after, ok := strings.Cut(q.Value, " -> "); ok && !quoted {
			q.Value, r.s = before, " -> "+after+r.s
		}
		return q
	}
	q.Value = r.number()
	r.s = r.s[len(q.Value):]
	if r.try("±") {
		q.Sigma = r.number()
		r.s = r.s[len(q.Sigma):]
	}
	if strings.HasPrefix(r.s, " ") && !strings.HasPrefix(r.s, " -> ") {
		r.skip(" ")
		q.Unit = r.until(" ;")
	}
	return q
}

// number returns the figures that the rest begins with.
func (r *reader) number() string {
	end := strings.IndexFunc(r.s, func(c rune) bool { return c == ' ' || c == ';' || c == '±' })
	if end < 0 {
		end = len(r.s)
	}
	return r.s[:end]
}

func (r *reader) step() Step {
	s := Step{Name: r.until("(")}
	r.skip("(")
	s.Command = r.until(")")
	r.skip(")")
	if r.try(" ") {
		s.State = r.until(":")
	}
	r.skip(":")
	if r.err == nil && r.s != "" && !strings.HasPrefix(r.s, " -> ") {
		r.skip(" ")
		s.Params = r.list()
	}
	if r.try(" -> ") {
		s.Values = r.list()
	}
	return s
}

func (r *reader) forecasts() []Forecast {
	var all []Forecast
	for r.err == nil {
		f := Forecast{Name: r.until(" ;")}
		r.skip(" ")
		f.Mean = r.until(" ")
		r.skip(" in ")
		if low, rest, ok := strings.Cut(r.s, ".."); ok {
			f.Low, r.s = low, rest
		}
		f.High = r.until(" ;")
		if r.try(" ") {
			f.Unit = r.until(" ;")
		}
		all = append(all, f)
		if !r.try("; ") {
			break
		}
	}
	return all
}
