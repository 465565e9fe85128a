package parquet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Open opens a Parquet file as a table: a column to a leaf, by its path. What
// is repeated is one cell, a JSON list of its texts; times are ISO 8601, bytes
// that are no text are hexadecimal. Units are taken from the file's metadata
// under "unit." and the path.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file, err := pq.OpenFile(f, info.Size())
	if err != nil {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "%s is no whole Parquet file: %w", path, err), f.Close())
	}
	r := &reader{file: file}
	units := map[string]string{}
	for _, p := range file.Schema().Columns() {
		leaf, ok := file.Schema().Lookup(p...)
		if !ok {
			continue
		}
		name := strings.Join(p, ".")
		if u, ok := file.Lookup("unit." + name); ok {
			units[name] = u
		}
		r.leaves = append(r.leaves, leafColumn{name: name, repeated: leaf.MaxRepetitionLevel > 0, text: textOf(leaf.Node), there: leaf.MaxDefinitionLevel})
	}
	t, err := tabular.NewTable("", "parquet", units, o, r.each)
	if err != nil {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "read %s: %w", path, err), f.Close())
	}
	return tabular.NewSource([]*tabular.Table{t}, o, f.Close)
}

type leafColumn struct {
	name     string
	repeated bool
	there    int // the definition level of a value
	text     func(pq.Value) string
}

type reader struct {
	file   *pq.File
	leaves []leafColumn
}

func (r *reader) each(yield func(tabular.Fields) error) (err error) {
	defer func() { // the library panics on some damaged pages
		if p := recover(); p != nil {
			err = lab.Errorf(lab.Invalid, "a page of the Parquet file is damaged: %v", p)
		}
	}()
	for _, group := range r.file.RowGroups() {
		if err := r.group(group, yield); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) group(group pq.RowGroup, yield func(tabular.Fields) error) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	buffer := make([]pq.Row, 256)
	for {
		n, readErr := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			if err := yield(r.fields(row)); err != nil {
				return err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return lab.Errorf(lab.Invalid, "the Parquet file is damaged: %w", readErr)
		}
	}
}

func (r *reader) fields(row pq.Row) tabular.Fields {
	f := tabular.Fields{Offset: -1, Cells: make([]tabular.Field, len(r.leaves))}
	lists := map[int][]any{}
	for i, l := range r.leaves {
		f.Cells[i] = tabular.Field{Name: l.name, Cell: tabular.Cell{Offset: -1}}
	}
	for _, v := range row {
		i := v.Column()
		l := &r.leaves[i]
		switch {
		case l.repeated && v.DefinitionLevel() == l.there && !v.IsNull():
			lists[i] = append(lists[i], l.text(v))
		case l.repeated && v.DefinitionLevel() > 0:
			lists[i] = append(lists[i], nil)
		case !l.repeated && !v.IsNull():
			f.Cells[i].Cell.Text = l.text(v)
		}
	}
	for i, list := range lists {
		if len(list) == 1 && list[0] == nil { // an empty list
			continue
		}
		if b, err := json.Marshal(list); err == nil {
			f.Cells[i].Cell.Text = string(b)
		}
	}
	return f
}

// textOf returns how the values of a leaf are written.
func textOf(n pq.Node) func(pq.Value) string {
	kind := n.Type().Kind()
	if logical := n.Type().LogicalType(); logical != nil {
		switch l := logical.Value.(type) {
		case *format.TimestampType:
			return func(v pq.Value) string {
				return time.Unix(0, 0).Add(time.Duration(v.Int64()) * l.Unit.Value.Duration()).UTC().Format(time.RFC3339Nano)
			}
		case *format.TimeType:
			return func(v pq.Value) string {
				n := v.Int64()
				if kind == pq.Int32 {
					n = int64(v.Int32())
				}
				return time.Unix(0, 0).UTC().Add(time.Duration(n) * l.Unit.Value.Duration()).Format("15:04:05.999999999")
			}
		case *format.DateType:
			return func(v pq.Value) string { return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly) }
		case *format.DecimalType:
			return func(v pq.Value) string { return decimal(v, kind, int(l.Scale)) }
		case *format.UUIDType:
			return func(v pq.Value) string {
				b := v.ByteArray()
				return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
			}
		case *format.IntType:
			if !l.IsSigned {
				return func(v pq.Value) string {
					if kind == pq.Int32 {
						return strconv.FormatUint(uint64(v.Uint32()), 10)
					}
					return strconv.FormatUint(v.Uint64(), 10)
				}
			}
		}
	}
	switch kind {
	case pq.Float:
		return func(v pq.Value) string { return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32) }
	case pq.Double:
		return func(v pq.Value) string { return strconv.FormatFloat(v.Double(), 'g', -1, 64) }
	case pq.ByteArray, pq.FixedLenByteArray:
		return func(v pq.Value) string {
			if b := v.ByteArray(); !utf8.Valid(b) {
				return "0x" + hex.EncodeToString(b)
			}
			return string(v.ByteArray())
		}
	default:
		return func(v pq.Value) string { return v.String() }
	}
}

// decimal writes a whole number of units of 10⁻ˢᶜᵃˡᵉ.
func decimal(v pq.Value, kind pq.Kind, scale int) string {
	n := new(big.Int)
	switch kind {
	case pq.Int32:
		n.SetInt64(int64(v.Int32()))
	case pq.Int64:
		n.SetInt64(v.Int64())
	default: // two's complement, big endian
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		return "-" + digits
	}
	return digits
}
