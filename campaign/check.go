package campaign

import (
	"reflect"
	"slices"
	"sort"

	"github.com/athanor-lab/athanor/lab"
)

// Check tells all that is wrong with a document. Capabilities are what the
// laboratory's devices offer; several of one name are devices that differ. With
// nil, only what the document says of itself is checked.
//
// The document need not come from [Parse]; its [Defaults] are filled in first.
func Check(doc lab.Document, capabilities []lab.Capability) []lab.Problem {
	return check(doc, capabilities, nil)
}

// check is [Check] of a document of which some lists could not be read whole:
// what is named there and not found is not complained of.
func check(doc lab.Document, capabilities []lab.Capability, unsure map[string]bool) []lab.Problem {
	c := &checker{doc: Defaults(doc), capabilities: capabilities, unsure: unsure}
	c.walk("", reflect.ValueOf(c.doc))
	c.parameters()
	c.files()
	c.pool()
	c.objectives()
	c.protocol()
	c.policies()
	c.expressions()
	c.spending()
	c.fidelity()
	c.safeStart()
	if capabilities != nil {
		c.devices()
	}
	return sorted(c.all)
}

// checker is one reading of a document.
type checker struct {
	complaints
	doc          lab.Document
	capabilities []lab.Capability
	unsure       map[string]bool // paths of lists
	graph        *graph
	program      *Program // what could be compiled
	tried        bool
	trials       [][]lab.Setting // see trial
}

// walk holds every field against its rule. Types were the reader's business;
// here it is what is missing, too many, or not one of the words.
func (c *checker) walk(path string, v reflect.Value) {
	t := v.Type()
	names, index := fieldsOf(t)
	for _, name := range names {
		r := rules[t][name]
		c.field(at(path, name), r, name, v.Field(index[name]))
	}
}

func (c *checker) field(path string, r rule, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.field(path, r, name, v.Elem())
		}
	case reflect.String:
		switch {
		case v.String() != "":
			r.complainOfText(&c.complaints, path, v.String())
		case r.required:
			c.addf(path, "is missing").right("%s", r.wanted(name, v.Type()))
		}
	case reflect.Int:
		r.complainOfNumber(&c.complaints, path, float64(v.Int()))
	case reflect.Uint64:
		r.complainOfNumber(&c.complaints, path, float64(v.Uint()))
	case reflect.Float64:
		r.complainOfNumber(&c.complaints, path, v.Float())
	case reflect.Slice:
		c.items(path, r, name, v)
	case reflect.Map:
		c.members(path, r, v)
	case reflect.Struct:
		if v.Type() != valueType {
			c.walk(path, v)
		}
	}
}

func (c *checker) items(path string, r rule, name string, v reflect.Value) {
	switch n := v.Len(); {
	case n == 0 && r.required:
		c.addf(path, "is missing").right("%s", r.wanted(name, v.Type()))
		return
	case n > 0 && n < r.least:
		c.addf(path, "has %d item", n).right("at least %d", r.least)
	case n > r.limit():
		c.addf(path, "has %d items", n).right("at most %d", r.limit())
		return
	}
	each := v.Type().Elem().Kind()
	if each == reflect.Slice || v.Type().Elem() == valueType {
		return // filled in from a file, and checked with it
	}
	for i := range v.Len() {
		p := atIndex(path, i)
		switch {
		case each == reflect.String && v.Index(i).String() == "":
			c.addf(p, "is an empty text").right("write something, or leave it out")
		case each == reflect.String:
			rule{}.complainOfText(&c.complaints, p, v.Index(i).String())
		default:
			c.field(p, rule{}, name, v.Index(i))
		}
	}
}

func (c *checker) members(path string, r rule, v reflect.Value) {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	sort.Strings(keys)
	for _, k := range keys {
		p := at(path, k)
		if r.keys != nil && !r.keys.matches(k) {
			c.addf(p, "has the name %q", clip(k)).right("%s", r.keys.words)
		}
		c.field(p, rule{}, k, v.MapIndex(reflect.ValueOf(k)))
	}
}

// unique complains of names that are used twice.
func (c *checker) unique(path, field string, names []string) {
	for i, name := range names {
		if j := slices.Index(names, name); name != "" && j < i {
			c.addf(at(atIndex(path, i), field), "%q is the name of %s already", clip(name), atIndex(path, j)).right("give each a name of its own")
		}
	}
}

// namesOf collects a name of each item.
func namesOf[T any](items []T, name func(T) string) []string {
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = name(x)
	}
	return out
}
