package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// pageValues and pageBytes, before compression, are where a page ends. The
	// compressor takes up to 128 KiB at once; on more it looks for matches with
	// what it had before, which takes it thrice as long and, on random texts
	// such as ids, gives false ones.
	pageValues = 1 << 15
	pageBytes  = 112 << 10
	// pageStep is the number of rows after which a page may end.
	pageStep = 64
	// dictionaryBytes is where a column gives its dictionary up.
	dictionaryBytes = 1 << 20
	// boundBytes is the longest bound. That of a page is cut there; that of a
	// chunk, which readers take for a value that there is, is left out.
	boundBytes = 64
)

// column takes the values of a column out of rows, and makes pages of them.
type column struct {
	place
	optional bool
	physical format.Type
	first    values // of the pages until a dictionary is too large
	plain    values // of those after, nil without a dictionary
	now      values // one of the two

	// the page
	reps, defs []byte
	there      []unsafe.Pointer // the values of the step, which are not null
	rows       int

	// the chunk
	pages        []byte // headers and data, compressed
	uncompressed int64
	values       int64
	nulls        int64
	allRows      int64
	encodings    []format.PageEncodingStats
	bounds       bounds
	index        pageIndex
	scratch      *scratch
}

// scratch is what the columns of a file make their pages in, one by one.
type scratch struct {
	err                    error // the first of any column
	reps, defs, data, body []byte
	protocol               thrift.CompactProtocol
}

// pageIndex is where the pages of a chunk are and what they hold. Offsets are
// from its first data page until the chunk is written.
type pageIndex struct {
	offsets format.OffsetIndex
	bounds  format.ColumnIndex
	bounded bool // whether every page has bounds
}

func newColumn(leaf pq.Node, optional bool, at place, s *scratch) (*column, error) {
	first, plain, err := valuesFor(leaf)
	if err != nil {
		return nil, err
	}
	c := &column{place: at, optional: optional, first: first, plain: plain, physical: *leaf.Type().PhysicalType(), scratch: s}
	c.reset()
	return c, nil
}

// put takes the values of n rows.
func (c *column) put(rows unsafe.Pointer, n int, stride uintptr) {
	for n > 0 {
		m := min(n, pageStep-c.rows%pageStep)
		c.take(rows, m, stride)
		c.now.put(c.there)
		clear(c.there)
		c.there = c.there[:0]
		if c.rows += m; c.rows%pageStep == 0 && (c.count() >= pageValues || c.now.size() >= pageBytes) {
			c.flush()
		}
		if n -= m; n > 0 {
			rows = unsafe.Add(rows, uintptr(m)*stride)
		}
	}
}

// count is the number of values of the page, with the missing ones.
func (c *column) count() int {
	if c.def > 0 {
		return len(c.defs)
	}
	return c.rows
}

// take finds the values of n rows and their levels, after Melnik et al.,
// "Dremel: Interactive Analysis of Web-Scale Datasets", VLDB 2010.
func (c *column) take(rows unsafe.Pointer, n int, stride uintptr) {
	switch {
	case len(c.lists) > 0:
		for i := range n {
			c.each(unsafe.Add(rows, uintptr(i)*stride), 0, 0)
		}
	case c.optional:
		for i := range n {
			c.leaf(unsafe.Add(rows, uintptr(i)*stride))
		}
	default:
		for i := range n {
			c.there = append(c.there, unsafe.Add(rows, uintptr(i)*stride+c.offset))
		}
	}
}

// leaf takes the value in a row, or in an element of the last list.
func (c *column) leaf(in unsafe.Pointer) {
	p := unsafe.Add(in, c.offset)
	if c.optional {
		if p = *(*unsafe.Pointer)(p); p == nil {
			c.defs = append(c.defs, c.def-1)
			return
		}
	}
	c.there = append(c.there, p)
	if c.def > 0 {
		c.defs = append(c.defs, c.def)
	}
}

// each takes the values in the list of a depth.
func (c *column) each(in unsafe.Pointer, depth int, rep byte) {
	if depth == len(c.lists) {
		c.reps = append(c.reps, rep)
		c.leaf(in)
		return
	}
	l := c.lists[depth]
	slice := *(*[]struct{})(unsafe.Add(in, l.offset)) // its length and where it begins are those of any slice
	if len(slice) == 0 {
		c.reps, c.defs = append(c.reps, rep), append(c.defs, l.def-1)
		return
	}
	for i := range slice {
		if i > 0 {
			rep = byte(depth + 1)
		}
		c.each(unsafe.Add(unsafe.Pointer(unsafe.SliceData(slice)), uintptr(i)*l.stride), depth+1, rep)
	}
}

// levels encodes repetition or definition levels.
func levels(dst, of []byte, most int) []byte {
	if most == 0 {
		return dst[:0]
	}
	b, err := (&rle.Encoding{BitWidth: bits.Len8(uint8(most))}).EncodeLevels(dst, of)
	if err != nil {
		panic(err) // a level above the most there is
	}
	return b
}

// flush makes a page of what was put.
func (c *column) flush() {
	if c.rows == 0 {
		return
	}
	n := c.count()
	nulls := n - c.now.len()
	s := c.scratch
	s.reps, s.defs = levels(s.reps, c.reps, len(c.lists)), levels(s.defs, c.defs, int(c.def))
	low, high, bounded := c.now.bounds()
	var encoding format.Encoding
	s.data, encoding = c.now.page(s.data[:0])
	s.body = encoder().EncodeAll(s.data, append(append(s.body[:0], s.reps...), s.defs...))
	uncompressed := len(s.reps) + len(s.defs) + len(s.data)
	if uncompressed > math.MaxInt32 && s.err == nil {
		s.err = fmt.Errorf("write Parquet: %d rows of %s have %d bytes, and a page %d at most", c.rows, strings.Join(c.path, "."), uncompressed, math.MaxInt32)
	}
	header := format.PageHeader{
		Type: format.DataPageV2, UncompressedPageSize: int32(uncompressed), CompressedPageSize: int32(len(s.body)), CRC: int32(crc32.ChecksumIEEE(s.body)),
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: int32(n), NumNulls: int32(nulls), NumRows: int32(c.rows), Encoding: encoding, IsCompressed: thrift.New(true),
			DefinitionLevelsByteLength: int32(len(s.defs)), RepetitionLevelsByteLength: int32(len(s.reps)),
		}),
	}
	at := len(c.pages)
	c.pages = append(c.pages, c.header(&header)...)
	c.uncompressed += int64(len(c.pages) - at + uncompressed)
	c.pages = append(c.pages, s.body...)

	c.index.offsets.PageLocations = append(c.index.offsets.PageLocations, format.PageLocation{Offset: int64(at), CompressedPageSize: int32(len(c.pages) - at), FirstRowIndex: c.allRows})
	c.index.add(low, high, bounded, n == nulls, int64(nulls))
	c.counted(format.DataPageV2, encoding)
	c.bounds.add(c.now.kind(), low, high, bounded, n == nulls)
	c.values, c.nulls, c.allRows = c.values+int64(n), c.nulls+int64(nulls), c.allRows+int64(c.rows)
	c.reps, c.defs, c.rows = c.reps[:0], c.defs[:0], 0
	if d, ok := c.now.(dictionary); ok && d.bytes() > dictionaryBytes {
		c.now = c.plain
	}
}

func (c *column) header(h *format.PageHeader) []byte {
	b, err := thrift.Marshal(&c.scratch.protocol, h)
	if err != nil {
		panic(fmt.Sprintf("a page header: %v", err)) // nothing of it is from outside
	}
	return b
}

func (c *column) counted(page format.PageType, encoding format.Encoding) {
	for i := range c.encodings {
		if c.encodings[i].PageType == page && c.encodings[i].Encoding == encoding {
			c.encodings[i].Count++
			return
		}
	}
	c.encodings = append(c.encodings, format.PageEncodingStats{PageType: page, Encoding: encoding, Count: 1})
}

// chunk ends the chunk, which will be written at an offset of the file.
func (c *column) chunk(offset int64) (chunk format.ColumnChunk, index pageIndex, parts [][]byte) {
	c.flush()
	m := format.ColumnMetaData{Type: c.physical, PathInSchema: c.path, Codec: format.Zstd, NumValues: c.values, DataPageOffset: offset}
	if d, ok := c.first.(dictionary); ok {
		m.DictionaryPageOffset = offset
		page := c.dictionaryPage(d)
		m.DataPageOffset += int64(len(page))
		parts = append(parts, page)
	}
	parts = append(parts, c.pages)
	for i := range c.index.offsets.PageLocations {
		c.index.offsets.PageLocations[i].Offset += m.DataPageOffset
	}
	m.Statistics.NullCount = c.nulls
	if c.bounds.known && max(len(c.bounds.low), len(c.bounds.high)) <= boundBytes {
		m.Statistics.MinValue, m.Statistics.MaxValue = c.bounds.low, c.bounds.high
	}
	m.EncodingStats = c.encodings
	for _, e := range c.encodings {
		if !slices.Contains(m.Encoding, e.Encoding) {
			m.Encoding = append(m.Encoding, e.Encoding)
		}
	}
	if c.def > 0 {
		m.Encoding = append(m.Encoding, format.RLE) // of the levels
	}
	m.TotalUncompressedSize = c.uncompressed
	m.TotalCompressedSize = m.DataPageOffset - offset + int64(len(c.pages))
	return format.ColumnChunk{MetaData: m}, c.index, parts
}

func (c *column) dictionaryPage(d dictionary) []byte {
	data, n := d.entries()
	body := encoder().EncodeAll(data, nil)
	header := c.header(&format.PageHeader{
		Type: format.DictionaryPage, UncompressedPageSize: int32(len(data)), CompressedPageSize: int32(len(body)), CRC: int32(crc32.ChecksumIEEE(body)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain}),
	})
	c.uncompressed += int64(len(header) + len(data))
	c.counted(format.DictionaryPage, format.Plain)
	return append(header, body...)
}

// reset begins a chunk.
func (c *column) reset() {
	c.first.reset()
	c.now = c.first
	c.pages = c.pages[:0]
	c.uncompressed, c.values, c.nulls, c.allRows = 0, 0, 0, 0
	c.encodings, c.bounds, c.index = nil, bounds{}, pageIndex{bounded: true}
}

// encoder compresses at zstd's default level. It tries entropy coding on texts
// without matches too, which takes away the half of a random id. Its window is
// the most of a dictionary: a larger one is memory that no page fills.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithAllLitEntropyCompression(true),
		zstd.WithWindowSize(dictionaryBytes), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		panic(err) // the options are wrong
	}
	return e
})

// bounds are the least and greatest value of a chunk.
type bounds struct {
	low, high []byte
	known     bool
	lost      bool // some page has none
}

func (b *bounds) add(k kind, low, high []byte, bounded, empty bool) {
	switch {
	case empty:
	case !bounded || b.lost:
		*b = bounds{lost: true}
	case !b.known:
		*b = bounds{low: low, high: high, known: true}
	default:
		if k.less(low, b.low) {
			b.low = low
		}
		if k.less(b.high, high) {
			b.high = high
		}
	}
}

// add adds a page to the index.
func (x *pageIndex) add(low, high []byte, bounded, empty bool, nulls int64) {
	x.bounded = x.bounded && (bounded || empty)
	if empty {
		low, high = []byte{}, []byte{}
	}
	low, high = cutBelow(low), cutAbove(high)
	b := &x.bounds
	b.NullPages, b.NullCounts = append(b.NullPages, empty), append(b.NullCounts, nulls)
	b.MinValues, b.MaxValues = append(b.MinValues, low), append(b.MaxValues, high)
}

// cutBelow returns a short text that is not above one.
func cutBelow(b []byte) []byte {
	if len(b) <= boundBytes {
		return b
	}
	n := boundBytes
	for n > boundBytes-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// cutAbove returns a short text that is not below one, or the text itself.
func cutAbove(b []byte) []byte {
	if len(b) <= boundBytes {
		return b
	}
	if cut := utf8.AppendRune(bytes.Clone(cutBelow(b)), utf8.MaxRune); bytes.Compare(cut, b) >= 0 {
		return cut
	}
	return b
}

// kind is a physical type.
type kind byte

const (
	aBool kind = iota
	anInt32
	anInt64
	aDouble
	aText
)

// less orders values in the PLAIN encoding.
func (k kind) less(a, b []byte) bool {
	switch k {
	case anInt32:
		return int32(binary.LittleEndian.Uint32(a)) < int32(binary.LittleEndian.Uint32(b))
	case anInt64:
		return int64(binary.LittleEndian.Uint64(a)) < int64(binary.LittleEndian.Uint64(b))
	case aDouble:
		return double(a) < double(b)
	default:
		return bytes.Compare(a, b) < 0
	}
}
