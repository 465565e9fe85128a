package columnar

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"
)

// values are those of a page that are not null.
type values interface {
	// put adds the values at the pointers.
	put(there []unsafe.Pointer)
	// len and size are of the page: how many values, and about how many bytes.
	len() int
	size() int
	// bounds are those of the page, in the PLAIN encoding without the length of
	// a text, and whether there are any.
	bounds() (low, high []byte, ok bool)
	// page appends the page to dst and begins the next.
	page(dst []byte) ([]byte, format.Encoding)
	kind() kind
	// reset begins a chunk.
	reset()
}

// dictionary is [values] that are kept once to a chunk.
type dictionary interface {
	values
	bytes() int
	// entries is the dictionary in the PLAIN encoding, and how many there are.
	entries() ([]byte, int)
}

// valuesFor returns what takes the values of a leaf, and what takes them once
// its dictionary is too large, nil for a leaf without one.
func valuesFor(leaf pq.Node) (first, plain values, err error) {
	form := format.Plain
	if e := leaf.Encoding(); e != nil {
		form = e.Encoding()
	}
	physical := leaf.Type().Kind()
	switch {
	case form == format.Plain && physical == pq.Boolean:
		return &booleans{}, nil, nil
	case form == format.Plain && physical == pq.Int32:
		return newNumbers(anInt32, putInt32, nil), nil, nil
	case form == format.Plain && physical == pq.Int64:
		return newNumbers(anInt64, putInt64, nil), nil, nil
	case form == format.Plain && physical == pq.Double:
		return newNumbers(aDouble, putDouble, nil), nil, nil
	case form == format.Plain && physical == pq.ByteArray:
		return &texts{}, nil, nil
	case form == format.DeltaBinaryPacked && physical == pq.Int32:
		return newNumbers(anInt32, putInt32, (&delta.BinaryPackedEncoding{}).EncodeInt32), nil, nil
	case form == format.DeltaBinaryPacked && physical == pq.Int64:
		return newNumbers(anInt64, putInt64, (&delta.BinaryPackedEncoding{}).EncodeInt64), nil, nil
	case form == format.RLEDictionary && physical == pq.Double:
		return newDoubles(), newNumbers(aDouble, putDouble, nil), nil
	case form == format.RLEDictionary && physical == pq.ByteArray:
		return newWords(), &texts{}, nil
	}
	return nil, nil, fmt.Errorf("values of the type %v in the encoding %v are not written", leaf.Type(), form)
}

// numbers are values of one size, in PLAIN or in another encoding.
type numbers[T int32 | int64 | float64] struct {
	of     []T
	is     kind
	append func(dst []byte, x T) []byte
	encode func(dst []byte, all []T) ([]byte, error) // DELTA_BINARY_PACKED, or nil for PLAIN
}

func newNumbers[T int32 | int64 | float64](k kind, put func([]byte, T) []byte, encode func([]byte, []T) ([]byte, error)) *numbers[T] {
	return &numbers[T]{is: k, append: put, encode: encode}
}

func putInt32(dst []byte, x int32) []byte {
	return binary.LittleEndian.AppendUint32(dst, uint32(x))
}

func putInt64(dst []byte, x int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(x))
}

func putDouble(dst []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
}

func double(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

func (n *numbers[T]) put(there []unsafe.Pointer) {
	for _, p := range there {
		n.of = append(n.of, *(*T)(p))
	}
}

func (n *numbers[T]) len() int   { return len(n.of) }
func (n *numbers[T]) size() int  { return len(n.of) * int(unsafe.Sizeof(*new(T))) }
func (n *numbers[T]) kind() kind { return n.is }
func (n *numbers[T]) reset()     { n.of = n.of[:0] }

func (n *numbers[T]) bounds() (low, high []byte, ok bool) {
	var r span[T]
	for _, x := range n.of {
		r.add(x)
	}
	return r.encoded(n.append)
}

func (n *numbers[T]) page(dst []byte) ([]byte, format.Encoding) {
	defer n.reset()
	if n.encode != nil {
		dst, err := n.encode(dst, n.of)
		if err != nil {
			panic(err) // there is no number it does not take
		}
		return dst, format.DeltaBinaryPacked
	}
	for _, x := range n.of {
		dst = n.append(dst, x)
	}
	return dst, format.Plain
}

// span is the least and greatest of the values that are numbers.
type span[T int32 | int64 | float64] struct {
	low, high T
	known     bool
}

func (r *span[T]) add(x T) {
	switch {
	case x != x: //nolint:gocritic // NaN
	case !r.known:
		r.low, r.high, r.known = x, x, true
	case x < r.low:
		r.low = x
	case x > r.high:
		r.high = x
	}
}

// encoded has the sign at a bound of zero that holds both zeros, as the
// specification of the column order wants it (parquet.thrift, ColumnOrder).
func (r *span[T]) encoded(put func([]byte, T) []byte) (low, high []byte, ok bool) {
	if !r.known {
		return nil, nil, false
	}
	low, high = put(nil, r.low), put(nil, r.high)
	if _, is := any(r.low).(float64); is && r.low == 0 {
		low[7] |= 0x80
	}
	if _, is := any(r.high).(float64); is && r.high == 0 {
		high[7] &^= 0x80
	}
	return low, high, true
}

// booleans are values of a bit.
type booleans struct {
	bits []byte
	n    int
	seen [2]bool
}

func (b *booleans) put(there []unsafe.Pointer) {
	for _, p := range there {
		if b.n%8 == 0 {
			b.bits = append(b.bits, 0)
		}
		if *(*bool)(p) {
			b.bits[b.n/8] |= 1 << (b.n % 8)
			b.seen[1] = true
		} else {
			b.seen[0] = true
		}
		b.n++
	}
}

func (b *booleans) len() int   { return b.n }
func (b *booleans) size() int  { return len(b.bits) }
func (b *booleans) kind() kind { return aBool }
func (b *booleans) reset()     { *b = booleans{bits: b.bits[:0]} }

func (b *booleans) bounds() (low, high []byte, ok bool) {
	low, high = []byte{1}, []byte{0}
	if b.seen[0] {
		low[0] = 0
	}
	if b.seen[1] {
		high[0] = 1
	}
	return low, high, b.n > 0
}

func (b *booleans) page(dst []byte) ([]byte, format.Encoding) {
	defer b.reset()
	return append(dst, b.bits...), format.Plain
}

// texts are values of any length. Their lengths are apart from their bytes,
// since a length before each text gives the compressor a match at each.
type texts struct {
	of      []byte
	offsets []uint32
	in      between
}

func (t *texts) put(there []unsafe.Pointer) {
	for _, p := range there {
		s := *(*string)(p)
		t.offsets = append(t.offsets, uint32(len(t.of)))
		t.of = append(t.of, s...)
		t.in.add(s)
	}
}

func (t *texts) len() int                            { return len(t.offsets) }
func (t *texts) size() int                           { return len(t.of) }
func (t *texts) kind() kind                          { return aText }
func (t *texts) reset()                              { *t = texts{of: t.of[:0], offsets: t.offsets[:0]} }
func (t *texts) bounds() (low, high []byte, ok bool) { return t.in.encoded() }

func (t *texts) page(dst []byte) ([]byte, format.Encoding) {
	defer t.reset()
	dst, err := (&delta.LengthByteArrayEncoding{}).EncodeByteArray(dst, t.of, append(t.offsets, uint32(len(t.of))))
	if err != nil {
		panic(err) // there is no text it does not take
	}
	return dst, format.DeltaLengthByteArray
}

// between is the least and greatest of texts, and their first bytes, which
// mostly tell without a look at the rest.
type between struct {
	low, high           string
	lowFirst, highFirst uint64
	known               bool
}

func (b *between) add(s string) {
	first := first8(s)
	if !b.known {
		*b = between{s, s, first, first, true}
		return
	}
	if first < b.lowFirst || first == b.lowFirst && s < b.low {
		b.low, b.lowFirst = s, first
	}
	if first > b.highFirst || first == b.highFirst && s > b.high {
		b.high, b.highFirst = s, first
	}
}

// first8 orders texts as their first eight bytes do.
func first8(s string) uint64 {
	if len(s) >= 8 {
		return uint64(s[0])<<56 | uint64(s[1])<<48 | uint64(s[2])<<40 | uint64(s[3])<<32 | uint64(s[4])<<24 | uint64(s[5])<<16 | uint64(s[6])<<8 | uint64(s[7])
	}
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

func (b *between) encoded() (low, high []byte, ok bool) {
	return []byte(b.low), []byte(b.high), b.known
}
