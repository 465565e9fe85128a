package synonyms

import (
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Of returns the further names of what a document speaks of, by its own name of each:
// parameters, levels, parts and objectives. The aliases of the document come first. A
// built-in name is left out where the document uses it for something else.
func Of(d lab.Document) map[string][]string {
	out := map[string][]string{}
	own := names{fold: spoken}
	for _, p := range d.Space.Parameters {
		own.take(p.Name, p.Aliases)
	}
	for _, o := range d.Objectives {
		own.take(o.Name, o.Aliases)
	}
	for _, p := range d.Space.Parameters {
		out[p.Name] = own.with(p.Name, p.Aliases, quantities)
		levels := names{fold: written}
		for _, l := range slices.Concat(p.Levels, p.Parts) {
			levels.take(l, p.LevelAliases[l])
		}
		for _, l := range slices.Concat(p.Levels, p.Parts) {
			tables := [][][]string{substances}
			if p.Type == lab.Composition {
				tables = [][][]string{elements, substances}
			}
			out[l] = levels.with(l, p.LevelAliases[l], tables...)
		}
	}
	for _, o := range d.Objectives {
		out[o.Name] = own.with(o.Name, o.Aliases, quantities)
	}
	for name, also := range out {
		if len(also) == 0 {
			delete(out, name)
		}
	}
	return out
}

// names says what a name, as it is compared, is of.
type names struct {
	fold func(string) string
	of   map[string]string
}

func (n *names) take(name string, aliases []string) {
	if n.of == nil {
		n.of = map[string]string{}
	}
	for _, a := range append([]string{name}, aliases...) {
		n.of[n.fold(a)] = name
	}
}

// with returns the aliases of a name and what the tables know of it or of one of its
// aliases, but for names that are another's.
func (n *names) with(name string, aliases []string, tables ...[][]string) []string {
	out := slices.Clone(aliases)
	mine := map[string]bool{n.fold(name): true}
	for _, a := range aliases {
		mine[n.fold(a)] = true
	}
	for _, line := range slices.Concat(tables...) {
		if !slices.ContainsFunc(line, func(s string) bool { return mine[n.fold(s)] }) {
			continue
		}
		for _, also := range line {
			of, taken := n.of[n.fold(also)]
			if taken && of != name || n.fold(also) == n.fold(name) || slices.Contains(out, also) {
				continue
			}
			out = append(out, also)
		}
	}
	return out
}

// spoken is the name of a quantity as it is compared: capitals tell symbols of one
// letter apart, and nothing else.
func spoken(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '_' }), " ")
	if len(s) <= 1 {
		return s
	}
	return strings.ToLower(s)
}

// written is the name of a substance as it is compared: capitals say something in
// formulas and in abbreviations.
func written(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '_' }), " ")
	if len(s) <= 4 || strings.ToLower(s[1:]) != s[1:] && !strings.Contains(s, " ") {
		return s
	}
	return strings.ToLower(s)
}
