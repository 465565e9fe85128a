package campaign

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// decoder fills a Go value from a tree. It is strict: what the type does not
// know is a complaint, and so is a field that is repeated or of another type.
type decoder struct {
	complaints
	places map[string]place
	// meant are paths that an author probably meant by an unknown field, so
	// that their absence is not told twice.
	meant map[string]bool
}

var valueType = reflect.TypeFor[lab.Value]()

func (d *decoder) value(path string, n *node, v reflect.Value) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(path, n, v.Elem())
	case t == valueType:
		d.labValue(path, n, v)
	case t.Kind() == reflect.Struct:
		d.structure(path, n, v)
	case t.Kind() == reflect.Slice:
		d.list(path, n, v)
	case t.Kind() == reflect.Map:
		d.mapping(path, n, v)
	case t.Kind() == reflect.String:
		d.text(path, n, v)
	default:
		d.number(path, n, v)
	}
}

func (d *decoder) structure(path string, n *node, v reflect.Value) {
	if n.form != object {
		d.addf(path, "%s", n.found()).right("an object%s", inside(v.Type(), n))
		return
	}
	names, index := fieldsOf(v.Type())
	seen := map[string]place{}
	for _, f := range n.fields {
		p := at(path, f.key)
		if first, ok := seen[f.key]; ok {
			d.addf(p, "is given again; it stands in line %d already", first.line).right("give it once")
			d.all[len(d.all)-1].Line, d.all[len(d.all)-1].Col = f.line, f.col
			continue
		}
		seen[f.key] = place{f.line, f.col}
		i, ok := index[f.key]
		if !ok {
			d.unknown(path, p, f.key, names)
			continue
		}
		d.value(p, f.value, v.Field(i))
		d.notZero(p, f.value, rules[v.Type()][f.key])
	}
	for _, name := range names {
		p := at(path, name)
		if _, ok := seen[name]; !ok && rules[v.Type()][name].required && !d.meant[p] {
			d.addf(p, "is missing").right("%s", rules[v.Type()][name].wanted(name, v.Field(index[name]).Type()))
		}
	}
}

// inside says what an object holds, with what was found in its place.
func inside(t reflect.Type, n *node) string {
	raw := clip(n.raw)
	if n.form == text {
		raw = strconv.Quote(raw)
	}
	scalar := n.form == number || n.form == text
	switch {
	case scalar && t == reflect.TypeFor[lab.Constraint]():
		return ": {expr: " + raw + "}"
	case scalar && t == reflect.TypeFor[lab.StopRule]():
		return ": {when: " + raw + "}"
	case scalar && t == reflect.TypeFor[lab.Param]():
		return ": {value: " + raw + "}, or {expr: …}, a number with its unit beside it"
	case n.form == number && t == reflect.TypeFor[lab.Quantity]():
		return ": {value: " + raw + ", unit: …}"
	case n.form == number && t == reflect.TypeFor[lab.Budget]():
		return ": {experiments: " + raw + "}"
	}
	return " with " + strings.Join(required(t), ", ")
}

func (d *decoder) unknown(path, p, key string, names []string) {
	c := d.addf(p, "is no field that is known here")
	near := nearest(key, names)
	if also, ok := alsoCalled[strings.ToLower(key)]; ok && near == "" {
		for _, name := range names {
			if name == also {
				near = also
			}
		}
	}
	if near == "" {
		c.right("the fields are %s", strings.Join(names, ", "))
		return
	}
	d.meant[at(path, near)] = true
	c.right("did you mean %q?", near)
}

// alsoCalled has words of other tools for what a document calls otherwise.
var alsoCalled = map[string]string{
	"low": "min", "lower": "min", "high": "max", "upper": "max", "choices": "levels", "categories": "levels", "options": "levels",
	"goal": "direction", "mode": "direction", "expression": "expr", "condition": "expr", "action": "command", "parameters": "params",
	"args": "params", "depends_on": "after", "needs": "after", "reason": "why", "components": "parts", "total": "sum", "metric": "objective",
	"parallel": "in_flight", "iterations": "experiments", "trials": "experiments", "id": "name", "name": "id", "title": "name",
}

// notZero complains of a zero or an empty text that stands where an absent
// field would have another meaning, since the two look alike from here on.
func (d *decoder) notZero(path string, n *node, r rule) {
	if n.form == text && n.raw == "" && (r.required || r.oneOf != nil || r.shape != nil) {
		d.addf(path, "is an empty text").right("write something, or leave it out")
		return
	}
	if n.form != number || r.min == nil || *r.min <= 0 {
		return
	}
	if x, err := strconv.ParseFloat(n.raw, 64); err == nil && x == 0 {
		r.complainOfNumber(&d.complaints, path, x)
	}
}

// wanted says what belongs into a field that is missing.
func (r rule) wanted(name string, t reflect.Type) string {
	switch {
	case r.shape == versionMark:
		return r.shape.words
	case r.oneOf != nil:
		return name + " is one of " + strings.Join(r.oneOf, ", ")
	default:
		return name + " is " + noun(t) + ": " + strings.TrimSuffix(r.about, ".")
	}
}

func noun(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

func required(t reflect.Type) []string {
	names, _ := fieldsOf(t)
	var out []string
	for _, name := range names {
		if rules[t][name].required {
			out = append(out, name)
		}
	}
	if out == nil {
		return names
	}
	return out
}

func (d *decoder) list(path string, n *node, v reflect.Value) {
	if n.form != list {
		d.addf(path, "%s", n.found()).right("a list, even of one: [ … ]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.value(atIndex(path, i), item, v.Index(i))
	}
}

func (d *decoder) mapping(path string, n *node, v reflect.Value) {
	if n.form != object {
		d.addf(path, "%s", n.found()).right("an object: {name: …}")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.fields)))
	seen := map[string]bool{}
	for _, f := range n.fields {
		p := at(path, f.key)
		if seen[f.key] {
			d.addf(p, "is given again").right("give it once")
			d.all[len(d.all)-1].Line, d.all[len(d.all)-1].Col = f.line, f.col
			continue
		}
		seen[f.key] = true
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(p, f.value, item)
		v.SetMapIndex(reflect.ValueOf(f.key), item)
	}
}

func (d *decoder) text(path string, n *node, v reflect.Value) {
	switch n.form {
	case text:
		v.SetString(n.raw)
	case number, boolean:
		d.addf(path, "%s", n.found()).right("a text; write it in quotes: %q", n.raw)
	case nothing:
		x := d.addf(path, "%s", n.found())
		if n.raw == "" {
			x.right("a text, or leave it out")
		} else {
			x.right("a text; write it in quotes: %q", n.raw)
		}
	default:
		d.addf(path, "%s", n.found()).right("a text; one with any of : , [ ] { } stands in quotes")
	}
}

func (d *decoder) number(path string, n *node, v reflect.Value) {
	whole := v.Kind() != reflect.Float64
	want := "a number"
	if whole {
		want = "a whole number"
	}
	if n.form != number {
		c := d.addf(path, "%s", n.found())
		switch _, err := strconv.ParseFloat(n.raw, 64); {
		case n.form == text && n.quoted && err == nil:
			c.right("%s; write it without quotes: %s", want, clip(n.raw))
		case n.form == text && !n.quoted && whole:
			c.right("%s in decimal, such as 12", want)
		case n.form == text && !n.quoted:
			c.right("%s in decimal, such as 12.5 or 1e-3, its unit beside it", want)
		default:
			c.right("%s", want)
		}
		return
	}
	x, err := strconv.ParseFloat(n.raw, 64)
	if err != nil || math.IsInf(x, 0) {
		d.addf(path, "%s", n.found()).right("%s that is not as large", want)
		return
	}
	if !whole {
		v.SetFloat(x)
		return
	}
	d.whole(path, n, v, x, want)
}

func (d *decoder) whole(path string, n *node, v reflect.Value, x float64, want string) {
	if x != math.Trunc(x) {
		d.addf(path, "%s", n.found()).right("%s", want)
		return
	}
	if v.Kind() == reflect.Uint64 {
		if x < 0 || x > maxSeed {
			d.addf(path, "%s", n.found()).right("%s from 0 to %d", want, int64(maxSeed))
			return
		}
		v.SetUint(uint64(x))
		return
	}
	if math.Abs(x) > 1<<53 {
		d.addf(path, "%s", n.found()).right("%s that is not as large", want)
		return
	}
	v.SetInt(int64(x))
}

func (d *decoder) labValue(path string, n *node, v reflect.Value) {
	switch n.form {
	case number:
		var x float64
		d.number(path, n, reflect.ValueOf(&x).Elem())
		v.Set(reflect.ValueOf(lab.Number(x)))
	case text:
		v.Set(reflect.ValueOf(lab.Label(n.raw)))
	case list:
		var parts []float64
		d.list(path, n, reflect.ValueOf(&parts).Elem())
		v.Set(reflect.ValueOf(lab.Parts(parts)))
	case boolean:
		d.addf(path, "%s", n.found()).right("a number, a text or a list of numbers; for a condition write expr: %q", n.raw)
	default:
		d.addf(path, "%s", n.found()).right("a number, a text or a list of numbers")
	}
}
