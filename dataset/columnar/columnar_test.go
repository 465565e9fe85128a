package columnar_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pq "github.com/parquet-go/parquet-go"

	"github.com/athanor-lab/athanor/dataset/columnar"
)

// row has every kind of column there is.
type row struct {
	ID     string   `parquet:"id"`
	Word   string   `parquet:"word,dict"`
	Maybe  *string  `parquet:"maybe,optional"`
	Common *string  `parquet:"common,optional,dict"`
	Flag   bool     `parquet:"flag"`
	Yes    *bool    `parquet:"yes,optional"`
	Small  int32    `parquet:"small"`
	Count  int32    `parquet:"count,delta"`
	Big    int64    `parquet:"big"`
	Steps  int64    `parquet:"steps,delta"`
	At     *int64   `parquet:"at,optional,timestamp(microsecond)"`
	X      float64  `parquet:"x"`
	Y      *float64 `parquet:"y,optional"`
	Z      *float64 `parquet:"z,optional,dict"`
	Inner  inner    `parquet:"inner"`
	Cells  []cell   `parquet:"cells,list"`
	Plain  []string `parquet:"plain,list"`
}

type inner struct {
	A string    `parquet:"a,dict"`
	B float64   `parquet:"b,dict"`
	C []float64 `parquet:"c,list"`
}

type cell struct {
	Name  string   `parquet:"name,dict"`
	Value *float64 `parquet:"value,optional"`
	Deep  []deep   `parquet:"deep,list"`
}

type deep struct {
	N int64   `parquet:"n"`
	S *string `parquet:"s,optional"`
}

// maker draws rows.
type maker struct{ *rand.Rand }

func (m maker) number() float64 {
	switch m.IntN(12) {
	case 0:
		return math.NaN()
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return math.Inf(m.IntN(2)*2 - 1)
	case 3:
		return 0
	default:
		return float64(m.IntN(2000)) / 8
	}
}

func (m maker) text() string {
	if m.IntN(20) == 0 {
		return strings.Repeat("日本é"[3*m.IntN(2):], m.IntN(40)) // longer than a bound may be
	}
	return strings.Repeat(string(rune('a'+m.IntN(26))), m.IntN(4)) + []string{"", "é", "µ", "\x00", "quoted \"", "日本"}[m.IntN(6)]
}

func maybe[T any](m maker, of func() T) *T {
	if m.IntN(4) == 0 {
		return nil
	}
	x := of()
	return &x
}

func several[T any](m maker, of func() T) (all []T) {
	for range m.IntN(4) {
		all = append(all, of())
	}
	return all
}

func (m maker) rows(n int) []row {
	all := make([]row, n)
	for i := range all {
		all[i] = row{
			ID: fmt.Sprintf("%016x", m.Uint64()), Word: m.text(), Maybe: maybe(m, m.text), Common: maybe(m, m.text), Flag: m.IntN(2) == 0, Yes: maybe(m, func() bool { return m.IntN(2) == 0 }),
			Small: int32(m.Uint32()), Count: int32(i), Big: int64(m.Uint64()), Steps: int64(m.Uint64()), At: maybe(m, m.Int64), X: m.number(), Y: maybe(m, m.number), Z: maybe(m, m.number),
			Inner: inner{m.text(), m.number(), several(m, m.number)},
			Cells: several(m, func() cell {
				return cell{m.text(), maybe(m, m.number), several(m, func() deep { return deep{m.Int64(), maybe(m, m.text)} })}
			}),
			Plain: several(m, m.text),
		}
	}
	return all
}

var about = map[string]string{"b": "2", "a": "1"}

// write writes rows in batches of a size.
func write[Row any](t *testing.T, rows []Row, batch int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := columnar.New[Row](&b, "test/1", about)
	if err != nil {
		t.Fatal(err)
	}
	for len(rows) > 0 {
		n := min(batch, len(rows))
		if err := w.Write(rows[:n]); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read[Row any](t *testing.T, b []byte) []Row {
	t.Helper()
	r := pq.NewGenericReader[Row](bytes.NewReader(b))
	defer r.Close()
	all := make([]Row, r.NumRows())
	for n := 0; n < len(all); {
		m, err := r.Read(all[n:])
		n += m
		if err != nil && (!errors.Is(err, io.EOF) || n < len(all)) {
			t.Fatalf("row %d: %v", n, err)
		}
	}
	return all
}

// same compares numbers by their bits, so that NaN and the sign of zero count.
var same = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })}

// TestRandomRows writes random rows of every kind of column, reads them back
// with another library, and wants them equal, and the same bytes from batches
// of another size.
func TestRandomRows(t *testing.T) {
	t.Parallel()
	for i, n := range []int{0, 1, 2, 63, 64, 65, 1024, 5000, 20000} {
		seed := uint64(time.Now().UnixNano())
		m := maker{rand.New(rand.NewPCG(seed, uint64(i)))}
		rows := m.rows(n)
		b := write(t, rows, max(n, 1))
		if diff := cmp.Diff(rows, read[row](t, b), same); diff != "" {
			t.Fatalf("seed %d, %d rows (-want +got):\n%s", seed, n, diff)
		}
		if batch := 1 + m.IntN(100); !bytes.Equal(b, write(t, rows, batch)) {
			t.Errorf("seed %d: %d rows in batches of %d have other bytes", seed, n, batch)
		}
	}
}

// TestNothing wants columns without any value to be read back.
func TestNothing(t *testing.T) {
	t.Parallel()
	rows := make([]row, 3000)
	if diff := cmp.Diff(rows, read[row](t, write(t, rows, 7)), same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDictionaryGivenUp wants a column whose texts do not repeat themselves to
// go on without a dictionary, and to have one again in the next row group.
func TestDictionaryGivenUp(t *testing.T) {
	t.Parallel()
	type word struct {
		Word   string   `parquet:"word,dict"`
		Number *float64 `parquet:"number,optional,dict"`
	}
	rows := make([]word, 300000)
	for i := range rows {
		x := float64(i)
		rows[i] = word{fmt.Sprintf("word %024d", i), &x}
		if i > 150000 {
			rows[i].Word = "the same"
		}
	}
	b := write(t, rows, 1000)
	for i, got := range read[word](t, b) {
		if got.Word != rows[i].Word || *got.Number != *rows[i].Number {
			t.Fatalf("row %d: %q and %v, want %q and %v", i, got.Word, *got.Number, rows[i].Word, *rows[i].Number)
		}
	}
	f := open(t, b)
	groups := f.Metadata().RowGroups
	if len(groups) < 2 {
		t.Fatalf("%d row groups, want several", len(groups))
	}
	first, last := groups[0].Columns[0].MetaData, groups[len(groups)-1].Columns[0].MetaData
	if len(first.EncodingStats) != 3 { // pages with indexes, pages with texts, and the dictionary
		t.Errorf("first row group: %+v, want a dictionary given up", first.EncodingStats)
	}
	if len(last.EncodingStats) != 2 || string(last.Statistics.MinValue) != "the same" {
		t.Errorf("last row group: %+v from %q, want a dictionary of one word", last.EncodingStats, last.Statistics.MinValue)
	}
}

// TestLongWords wants a dictionary of long texts to be given up before it fills
// the memory.
func TestLongWords(t *testing.T) {
	t.Parallel()
	type word struct {
		Word string `parquet:"word,dict"`
	}
	rows := make([]word, 2000)
	for i := range rows {
		rows[i].Word = strconv.Itoa(i) + strings.Repeat("x", 20000)
	}
	f := open(t, write(t, rows, 100))
	pages := f.Metadata().RowGroups[0].Columns[0].MetaData.EncodingStats
	if first := pages[0]; len(pages) != 3 || first.Count != 1 {
		t.Errorf("%+v, want one page with indexes", pages)
	}
}

func open(t *testing.T, b []byte) *pq.File {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestBounds wants the bounds of every page and row group to hold its values,
// and those that are sharp to be so.
func TestBounds(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	rows := maker{rand.New(rand.NewPCG(seed, 0))}.rows(60000)
	f := open(t, write(t, rows, 4096))
	pages := 0
	for g, group := range f.RowGroups() {
		for i, chunk := range group.ColumnChunks() {
			c := chunk.(*pq.FileColumnChunk)
			index, err := c.ColumnIndex()
			if errors.Is(err, pq.ErrMissingColumnIndex) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			of := f.Metadata().RowGroups[g].Columns[i].MetaData
			all := c.Pages()
			for p := 0; ; p++ {
				page, err := all.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				pages++
				values := make([]pq.Value, page.NumValues())
				if _, err := page.Values().ReadValues(values); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				nulls := 0
				for _, v := range values {
					switch {
					case v.IsNull():
						nulls++
					case v.Kind() == pq.Double && math.IsNaN(v.Double()):
					case c.Type().Compare(v, index.MinValue(p)) < 0, c.Type().Compare(v, index.MaxValue(p)) > 0:
						t.Errorf("seed %d, column %v, page %d: %v is not from %v to %v", seed, of.PathInSchema, p, v, index.MinValue(p), index.MaxValue(p))
					}
				}
				if int64(nulls) != index.NullCount(p) {
					t.Errorf("seed %d, column %v, page %d: %d nulls, want %d", seed, of.PathInSchema, p, index.NullCount(p), nulls)
				}
			}
			if err := all.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if pages < 50 {
		t.Errorf("%d pages were looked at, want more", pages)
	}
}

// TestBadTypes wants a row type that is not written to be told.
func TestBadTypes(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]any{
		"Slice": struct {
			A []string `parquet:"a"`
		}{},
		"Pointer": struct {
			A *inner `parquet:"a,optional"`
		}{},
		"Small": struct {
			A int8 `parquet:"a"`
		}{},
		"Float": struct {
			A float32 `parquet:"a"`
		}{},
		"Encoding": struct {
			A string `parquet:"a,delta"`
		}{},
		"Text": "a",
	} {
		if _, err := columnar.Open(io.Discard, reflect.TypeOf(of), "test/1", nil); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Log(err)
		}
	}
}

// failing fails at a byte.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestFullDisk wants the error of what is written to, wherever it comes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	rows := maker{rand.New(rand.NewPCG(1, 1))}.rows(3000)
	size := len(write(t, rows, 100))
	for left := 0; left < size; left += size / 50 {
		w, err := columnar.New[row](&failing{left}, "test/1", about)
		if err == nil {
			err = errors.Join(w.Write(rows), w.Close())
		}
		if !errors.Is(err, errFull) {
			t.Errorf("full after %d of %d bytes: error %v", left, size, err)
		}
	}
}
