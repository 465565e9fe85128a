package columnar

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
	"unsafe"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// distinct numbers the distinct keys of a chunk in the order they came in. Its
// table has the upper half of a hash and the number, from 1, to a slot; a key
// is in the first slot free after its hash (linear probing).
type distinct[K comparable] struct {
	keys    []K
	seen    []uint32 // by key, the last page that has it
	pages   uint32
	indexes []int32 // of the page
	table   []uint64
	hash    func(K) uint64
	keep    func(K) K // what outlives the row
	weight  func(K) int
	weighs  int
	last    int32 // the number before, since rows repeat themselves
}

func (d *distinct[K]) put(there []unsafe.Pointer) {
	for _, p := range there {
		k := *(*K)(p)
		if d.last < 0 || d.keys[d.last] != k {
			d.last = d.find(k)
		}
		d.seen[d.last] = d.pages
		d.indexes = append(d.indexes, d.last)
	}
}

// find returns the number of k, which it adds when it is new.
func (d *distinct[K]) find(k K) int32 {
	if 4*len(d.keys) >= 3*len(d.table) {
		d.grow()
	}
	h := d.hash(k)
	mask := uint64(len(d.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := d.table[i]
		if slot == 0 {
			d.keys, d.seen = append(d.keys, d.keep(k)), append(d.seen, 0)
			d.weighs += d.weight(k)
			d.table[i] = h&^math.MaxUint32 | uint64(len(d.keys))
			return int32(len(d.keys) - 1)
		}
		if at := int32(uint32(slot)) - 1; slot>>32 == h>>32 && d.keys[at] == k {
			return at
		}
	}
}

func (d *distinct[K]) grow() {
	d.table = make([]uint64, max(64, 2*len(d.table)))
	mask := uint64(len(d.table) - 1)
	for n, k := range d.keys {
		h := d.hash(k)
		i := h & mask
		for d.table[i] != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = h&^math.MaxUint32 | uint64(n+1)
	}
}

func (d *distinct[K]) len() int   { return len(d.indexes) }
func (d *distinct[K]) bytes() int { return d.weighs }

// size has a dictionary that is too large end its page, after which it is given up.
func (d *distinct[K]) size() int { return len(d.indexes) + max(0, d.weighs-dictionaryBytes) }

func (d *distinct[K]) reset() {
	clear(d.keys)
	clear(d.table)
	d.keys, d.seen, d.indexes = d.keys[:0], d.seen[:0], d.indexes[:0]
	d.pages, d.weighs, d.last = 1, 0, -1
}

func (d *distinct[K]) page(dst []byte) ([]byte, format.Encoding) {
	dst, err := (&rle.DictionaryEncoding{}).EncodeInt32(dst, d.indexes)
	if err != nil {
		panic(err) // there is no number it does not take
	}
	d.indexes = d.indexes[:0]
	d.pages++
	return dst, format.RLEDictionary
}

// ofPage gives the keys of the page.
func (d *distinct[K]) ofPage(yield func(K) bool) {
	for i, k := range d.keys {
		if d.seen[i] == d.pages && !yield(k) {
			return
		}
	}
}

// words are texts that repeat themselves.
type words struct{ distinct[string] }

func newWords() *words {
	seed := maphash.MakeSeed() // no chosen texts are slow
	return &words{distinct[string]{
		hash: func(s string) uint64 { return maphash.String(seed, s) },
		keep: strings.Clone, weight: func(s string) int { return 4 + len(s) }, last: -1,
	}}
}

func (w *words) kind() kind { return aText }

func (w *words) bounds() (low, high []byte, ok bool) {
	var r between
	for k := range w.ofPage {
		r.add(k)
	}
	return r.encoded()
}

func (w *words) entries() (b []byte, n int) {
	for _, k := range w.keys {
		b = appendText(b, k)
	}
	return b, len(w.keys)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// doubles are numbers that repeat themselves, by their bits: NaN is found
// again, and zero keeps its sign.
type doubles struct{ distinct[uint64] }

func newDoubles() *doubles {
	seed := maphash.Bytes(maphash.MakeSeed(), nil) | 1
	return &doubles{distinct[uint64]{
		hash: func(k uint64) uint64 {
			high, low := bits.Mul64(k^0x9e3779b97f4a7c15, seed)
			return (high ^ low) * 0x9e3779b97f4a7c15
		},
		keep: func(k uint64) uint64 { return k }, weight: func(uint64) int { return 8 }, last: -1,
	}}
}

func (d *doubles) kind() kind { return aDouble }

func (d *doubles) bounds() (low, high []byte, ok bool) {
	var r span[float64]
	for k := range d.ofPage {
		r.add(math.Float64frombits(k))
	}
	return r.encoded(putDouble)
}

func (d *doubles) entries() (b []byte, n int) {
	for _, k := range d.keys {
		b = putDouble(b, math.Float64frombits(k))
	}
	return b, len(d.keys)
}
