// Package asm reads Allotrope Simple Model documents (JSON) as tables.
//
// A row is a measurement document, with what is said above it: the technique's
// document it is in and the system that measured. Calculated data are a table
// of their own. A quantity is two columns, "… .value" and "… .unit"; a data
// cube is kept as its JSON.
//
// What is easily taken wrong: "aggregate document" only groups others and is no
// part of a column's name.
package asm

import (
	"strings"

	"github.com/athanor-lab/athanor/dataset/jsontable"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

const (
	aggregate    = " aggregate document"
	measurements = "measurement document"
)

// Is reports whether a document is one of ours.
func Is(v any) bool {
	o, ok := v.(*jsontable.Object)
	return ok && strings.Contains(o.Text("$asm.manifest"), "allotrope")
}

// Open opens a document.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	v, err := jsontable.Read(path)
	if err != nil {
		return nil, err
	}
	if !Is(v) {
		return nil, lab.Errorf(lab.Invalid, "%s has no \"$asm.manifest\"; it is no Allotrope document", path)
	}
	d := document{top: v.(*jsontable.Object), lists: map[string][]*jsontable.Object{}}
	d.read()
	var tables []*tabular.Table
	for _, name := range d.names {
		to := o
		if o.Sheet != name && (o.Sheet != "" || name != d.names[0]) {
			to.Names = nil
		}
		rows := d.lists[name]
		t, err := tabular.NewTable(name, "asm", nil, to, func(yield func(tabular.Fields) error) error {
			for _, r := range rows {
				f := jsontable.FieldsOf(r, -1)
				if err := yield(f); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	if len(tables) == 0 {
		return nil, lab.Errorf(lab.Invalid, "%s has no measurement document", path)
	}
	return tabular.NewSource(tables, o, nil)
}

// document divides a document into lists of rows.
type document struct {
	top   *jsontable.Object
	names []string // of the lists, in the order of the document, measurements first
	lists map[string][]*jsontable.Object
}

func (d *document) put(list string, row *jsontable.Object) {
	if d.lists[list] == nil {
		if list == measurements {
			d.names = append([]string{list}, d.names...)
		} else {
			d.names = append(d.names, list)
		}
	}
	d.lists[list] = append(d.lists[list], row)
}

func (d *document) read() {
	common := &jsontable.Object{}
	var lists []string
	groups := map[string][]any{}
	var visit func(o *jsontable.Object)
	visit = func(o *jsontable.Object) {
		for i, n := range o.Names {
			inner, isObject := o.Values[i].(*jsontable.Object)
			list, isList := o.Values[i].([]any)
			switch {
			case isObject && strings.HasSuffix(n, aggregate):
				visit(inner)
			case isList && len(list) > 0 && strings.HasSuffix(n, " document"):
				lists = append(lists, n)
				groups[n] = append(groups[n], list...)
			default:
				add(common, n, o.Values[i])
			}
		}
	}
	visit(d.top)
	for _, n := range lists {
		for _, v := range groups[n] {
			o, ok := v.(*jsontable.Object)
			if !ok {
				o = &jsontable.Object{Names: []string{"value"}, Values: []any{v}}
			}
			d.rows(n, o, common)
		}
		delete(groups, n)
	}
}

// rows adds the rows of an element of a list: one to each of its measurements.
func (d *document) rows(list string, o, common *jsontable.Object) {
	above := &jsontable.Object{}
	var found []any
	for i, n := range o.Names {
		inner, ok := o.Values[i].(*jsontable.Object)
		if !ok || n != "measurement"+aggregate {
			add(above, n, o.Values[i])
			continue
		}
		for j, m := range inner.Names {
			if l, ok := inner.Values[j].([]any); ok && m == measurements {
				found = append(found, l...)
			} else {
				add(above, m, inner.Values[j])
			}
		}
	}
	if len(found) == 0 {
		row := &jsontable.Object{}
		merge(row, above)
		if list != "calculated data document" {
			merge(row, common)
		}
		d.put(list, row)
		return
	}
	for _, m := range found {
		row := &jsontable.Object{}
		if mo, ok := m.(*jsontable.Object); ok {
			merge(row, mo)
		} else {
			add(row, "value", m)
		}
		merge(row, above)
		merge(row, common)
		d.put(measurements, row)
	}
}

// add adds a value, without the groups that are no part of its name.
func add(o *jsontable.Object, name string, v any) {
	if inner, ok := v.(*jsontable.Object); ok {
		plain := &jsontable.Object{}
		merge(plain, inner)
		if strings.HasSuffix(name, aggregate) {
			merge(o, plain)
			return
		}
		v = plain
	}
	if list, ok := v.([]any); ok && len(list) == 1 {
		if inner, ok := list[0].(*jsontable.Object); ok {
			plain := &jsontable.Object{}
			merge(plain, inner)
			v = plain
		}
	}
	for i, n := range o.Names {
		if n != name {
			continue
		}
		if was, ok := o.Values[i].(*jsontable.Object); ok {
			if inner, ok := v.(*jsontable.Object); ok { // two groups said it in parts
				merge(was, inner)
				return
			}
		}
		name += " (2)"
	}
	o.Names, o.Values = append(o.Names, name), append(o.Values, v)
}

func merge(to, from *jsontable.Object) {
	for i, n := range from.Names {
		add(to, n, from.Values[i])
	}
}
