package parquet

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Kind is the type of a setting's column.
type Kind string

// The kinds.
const (
	Numbers Kind = "number" // double
	Labels  Kind = "label"  // string
	Parts   Kind = "parts"  // list of doubles
)

// Field is a parameter or objective.
type Field struct {
	Name string   `json:"name"`
	Unit lab.Unit `json:"unit"`
	Kind Kind     `json:"kind"` // of a parameter; objectives are numbers
}

// Shape is which parameters and objectives the rows of a file have.
type Shape struct {
	Settings   []Field `json:"settings"`
	Objectives []Field `json:"objectives"`
}

// ShapeOf returns the shape of a campaign's rows.
func ShapeOf(d lab.Document) Shape {
	var s Shape
	for _, p := range d.Space.Parameters {
		f := Field{p.Name, p.Unit, Numbers}
		switch p.Type {
		case lab.Categorical:
			f.Kind = Labels
		case lab.Composition:
			f.Kind = Parts
		default: // a number
		}
		s.Settings = append(s.Settings, f)
	}
	for _, o := range d.Objectives {
		s.Objectives = append(s.Objectives, Field{o.Name, o.Unit, Numbers})
	}
	return s
}

// Merge adds what o has more, so that rows of several campaigns fit one file. A
// field with another unit or kind is [lab.Conflict].
func (s *Shape) Merge(o Shape) error {
	for _, both := range []struct {
		to   *[]Field
		from []Field
	}{{&s.Settings, o.Settings}, {&s.Objectives, o.Objectives}} {
		for _, f := range both.from {
			i := slices.IndexFunc(*both.to, func(g Field) bool { return g.Name == f.Name })
			switch {
			case i < 0:
				*both.to = append(*both.to, f)
			case (*both.to)[i] != f:
				return lab.Errorf(lab.Conflict, "%q is %s in %q here and %s in %q there; export them apart", f.Name, (*both.to)[i].Kind, (*both.to)[i].Unit, f.Kind, f.Unit)
			}
		}
	}
	return nil
}

// check refuses names that a column cannot have.
func (s Shape) check() error {
	for _, fields := range [][]Field{s.Settings, s.Objectives} {
		seen := map[string]bool{}
		for _, f := range fields {
			if f.Name == "" || strings.ContainsAny(f.Name, "`\",.\\\n") || seen[f.Name] {
				return lab.Errorf(lab.Invalid, "%q cannot be the name of a column: it is empty, there twice, or has a comma, point, quote or backslash", f.Name)
			}
			seen[f.Name] = true
		}
	}
	return nil
}

var (
	double  = reflect.TypeFor[*float64]()
	text    = reflect.TypeFor[*string]()
	doubles = reflect.TypeFor[[]float64]()
)

// member is a field of a row type: its name in the file, its type and its
// options for the library.
type member struct {
	name, options string
	of            reflect.Type
}

// structOf returns a struct type with the members as its columns, in order.
func structOf(members []member) reflect.Type {
	fields := make([]reflect.StructField, len(members))
	for i, m := range members {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: m.of, Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s%s"`, m.name, m.options))}
	}
	return reflect.StructOf(fields)
}

// settings returns the group of the settings, and a function that fills it.
func (s Shape) settings(path string, units map[string]lab.Unit) (reflect.Type, func(reflect.Value, func(name string) (lab.Value, bool)) error) {
	var members []member
	for _, f := range s.Settings {
		switch f.Kind {
		case Labels:
			members = append(members, member{f.Name, ",optional,dict", text})
		case Parts:
			members = append(members, member{f.Name, ",list", doubles})
		default:
			members = append(members, member{f.Name, ",optional", double})
		}
		if f.Unit != "" {
			units[path+"."+f.Name] = f.Unit
		}
	}
	return structOf(members), func(to reflect.Value, get func(string) (lab.Value, bool)) error {
		for i, f := range s.Settings {
			v, ok := get(f.Name)
			if !ok || v.Kind() == lab.Absent {
				continue
			}
			switch {
			case f.Kind == Labels && v.Kind() == lab.IsLabel:
				label := v.Label()
				to.Field(i).Set(reflect.ValueOf(&label))
			case f.Kind == Parts && v.Kind() == lab.IsParts:
				to.Field(i).Set(reflect.ValueOf(v.Parts()))
			case f.Kind == Numbers && v.Kind() == lab.IsNumber:
				x := v.Number()
				to.Field(i).Set(reflect.ValueOf(&x))
			default:
				return lab.Errorf(lab.Invalid, "setting %q is %v, and its column is of the kind %s", f.Name, v, f.Kind)
			}
		}
		return nil
	}
}

// perObjective returns a group with a group of numbers to each objective.
func (s Shape) perObjective(path string, units map[string]lab.Unit, parts ...string) reflect.Type {
	var inner []member
	for _, p := range parts {
		inner = append(inner, member{p, ",optional", double})
	}
	var members []member
	for _, f := range s.Objectives {
		members = append(members, member{f.Name, "", structOf(inner)})
		for _, p := range parts {
			units[path+"."+f.Name+"."+p] = f.Unit
		}
	}
	return structOf(members)
}
