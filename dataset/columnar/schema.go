package columnar

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// list is a list on the way from a row to the values of a column.
type list struct {
	offset uintptr // of the slice, in the row or in the element of the list before
	stride uintptr // of its elements
	def    byte    // the definition level of an element
}

// place is where the values of a column are in a row.
type place struct {
	lists  []list
	offset uintptr // in the row, or in the element of the last list
	path   []string
	def    byte // the definition level of a value
}

// columnsOf returns the columns of the rows of a type, in the order of the
// schema, which was made of it.
func columnsOf(schema *pq.Schema, of reflect.Type, shared *scratch) (all []*column, err error) {
	err = eachLeaf(schema, of, place{}, func(leaf pq.Node, optional bool, at place) error {
		c, err := newColumn(leaf, optional, at, shared)
		if err != nil {
			return fmt.Errorf("column %s: %w", strings.Join(at.path, "."), err)
		}
		all = append(all, c)
		return nil
	})
	return all, err
}

// kinds are how a physical type is in a row.
var kinds = map[pq.Kind]reflect.Kind{pq.Boolean: reflect.Bool, pq.Int32: reflect.Int32, pq.Int64: reflect.Int64, pq.Double: reflect.Float64, pq.ByteArray: reflect.String}

func eachLeaf(node pq.Node, of reflect.Type, at place, yield func(leaf pq.Node, optional bool, at place) error) error {
	switch {
	case of.Kind() == reflect.Slice:
		if !isList(node) {
			return fmt.Errorf("column %s: a slice wants the option list", strings.Join(at.path, "."))
		}
		repeated := node.Fields()[0]
		element := repeated.Fields()[0]
		at.def++
		at.lists = append(slices.Clone(at.lists), list{at.offset, of.Elem().Size(), at.def})
		at.offset, at.path = 0, append(slices.Clone(at.path), repeated.Name(), element.Name())
		return eachLeaf(element, of.Elem(), at, yield)
	case node.Leaf():
		optional := of.Kind() == reflect.Pointer
		if optional {
			of = of.Elem()
		}
		if kinds[node.Type().Kind()] != of.Kind() {
			return fmt.Errorf("column %s: %v is not written", strings.Join(at.path, "."), of)
		}
		if optional != node.Optional() {
			return fmt.Errorf("column %s: a pointer wants the option optional, and that a pointer", strings.Join(at.path, "."))
		}
		if optional {
			at.def++
		}
		return yield(node, optional, at)
	case of.Kind() != reflect.Struct || node.Optional():
		return fmt.Errorf("column %s: a group is a struct, not %v", strings.Join(at.path, "."), of)
	}
	for _, field := range node.Fields() {
		i := slices.IndexFunc(reflect.VisibleFields(of), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
			return len(f.Index) == 1 && name == field.Name()
		})
		if i < 0 {
			return fmt.Errorf("column %s: no field has it in its tag", strings.Join(append(at.path, field.Name()), "."))
		}
		f := of.Field(i)
		in := at
		in.offset, in.path = at.offset+f.Offset, append(slices.Clone(at.path), field.Name())
		if err := eachLeaf(field, f.Type, in, yield); err != nil {
			return err
		}
	}
	return nil
}

// isList tells whether a node is a list of the three levels of the
// specification (LogicalTypes.md of Parquet, "Lists").
func isList(node pq.Node) bool {
	if node.Leaf() || node.Optional() || len(node.Fields()) != 1 {
		return false
	}
	logical := node.Type().LogicalType()
	if logical == nil {
		return false
	}
	_, ok := logical.Value.(*format.ListType)
	repeated := node.Fields()[0]
	return ok && repeated.Repeated() && !repeated.Leaf() && len(repeated.Fields()) == 1
}
