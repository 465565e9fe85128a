package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"unsafe"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	magic = "PAR1"
	// groupRows and groupBytes, compressed, are where a row group ends. The
	// bytes are what is in memory at once, and an export has dozens of files
	// open; they are looked at every groupStep rows.
	groupRows  = 1 << 17
	groupBytes = 4 << 20
	groupStep  = 1 << 10
)

// Writer writes rows to a file.
type Writer[Row any] struct{ file *File }

// New begins a file. createdBy and metadata are what it says of itself.
func New[Row any](w io.Writer, createdBy string, metadata map[string]string) (*Writer[Row], error) {
	f, err := Open(w, reflect.TypeFor[Row](), createdBy, metadata)
	return &Writer[Row]{f}, err
}

// Write adds rows, which may be used again afterwards.
func (w *Writer[Row]) Write(rows []Row) error {
	return w.file.put(unsafe.Pointer(unsafe.SliceData(rows)), len(rows))
}

// Close ends the file, and not what it is written to.
func (w *Writer[Row]) Close() error { return w.file.Close() }

// File is a file of rows whose type is known when it is begun.
type File struct {
	w       io.Writer
	offset  int64
	stride  uintptr
	columns []*column
	rows    int // in the row group
	meta    format.FileMetaData
	indexes [][]pageIndex // by row group and column
	shared  *scratch
	err     error
}

// Open begins a file of rows of the type of, a struct.
func Open(w io.Writer, of reflect.Type, createdBy string, metadata map[string]string) (*File, error) {
	if of.Kind() != reflect.Struct {
		return nil, fmt.Errorf("begin Parquet: a row is a struct, not %v", of)
	}
	schema := pq.SchemaOf(reflect.New(of).Interface())
	shared := &scratch{}
	columns, err := columnsOf(schema, of, shared)
	if err != nil {
		return nil, fmt.Errorf("begin Parquet: %w", err)
	}
	meta, err := emptyFile(schema, createdBy, metadata)
	if err != nil {
		return nil, fmt.Errorf("begin Parquet: %w", err)
	}
	f := &File{w: w, stride: of.Size(), columns: columns, shared: shared, meta: meta}
	f.write([]byte(magic))
	return f, f.err
}

// emptyFile returns the metadata of a file without rows.
func emptyFile(schema *pq.Schema, createdBy string, metadata map[string]string) (format.FileMetaData, error) {
	options := []pq.WriterOption{schema, pq.CreatedBy("athanor", createdBy, "")}
	for k, v := range metadata {
		options = append(options, pq.KeyValueMetadata(k, v))
	}
	var b bytes.Buffer
	if err := pq.NewWriter(&b, options...).Close(); err != nil {
		return format.FileMetaData{}, err
	}
	file, err := pq.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return format.FileMetaData{}, err
	}
	return *file.Metadata(), nil
}

// Put adds a row of the file's type, which can be addressed.
func (f *File) Put(row reflect.Value) error { return f.put(row.Addr().UnsafePointer(), 1) }

func (f *File) put(rows unsafe.Pointer, n int) error {
	for n > 0 && f.err == nil {
		m := min(n, groupStep-f.rows%groupStep)
		for _, c := range f.columns {
			c.put(rows, m, f.stride)
		}
		f.rows += m
		if n -= m; n > 0 {
			rows = unsafe.Add(rows, uintptr(m)*f.stride)
		}
		f.err = f.shared.err
		if f.rows == groupRows || f.rows%groupStep == 0 && f.size() >= groupBytes {
			f.flush()
		}
	}
	return f.err
}

func (f *File) size() (n int) {
	for _, c := range f.columns {
		n += len(c.pages)
	}
	return n
}

// flush writes the row group.
func (f *File) flush() {
	if f.rows == 0 {
		return
	}
	g := format.RowGroup{NumRows: int64(f.rows), FileOffset: f.offset, Ordinal: int16(len(f.meta.RowGroups))}
	indexes := make([]pageIndex, len(f.columns))
	for i, c := range f.columns {
		chunk, index, parts := c.chunk(f.offset)
		if f.err == nil {
			f.err = f.shared.err
		}
		for _, part := range parts {
			f.write(part)
		}
		g.Columns, indexes[i] = append(g.Columns, chunk), index
		g.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		c.reset()
	}
	f.meta.RowGroups, f.indexes = append(f.meta.RowGroups, g), append(f.indexes, indexes)
	f.meta.NumRows += g.NumRows
	f.rows = 0
}

func (f *File) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.offset += int64(n)
	if err != nil {
		f.err = fmt.Errorf("write Parquet, byte %d: %w", f.offset, err)
	}
}

// encode writes v as Thrift and returns where and how long it is.
func (f *File) encode(v any) (offset int64, length int32) {
	b, err := thrift.Marshal(&f.shared.protocol, v)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("write Parquet: %w", err)
	}
	offset = f.offset
	f.write(b)
	return offset, int32(len(b))
}

// Close ends the file, and not what it is written to.
func (f *File) Close() error {
	f.flush()
	for i, indexes := range f.indexes {
		for j, index := range indexes {
			chunk := &f.meta.RowGroups[i].Columns[j]
			if index.bounded {
				chunk.ColumnIndexOffset, chunk.ColumnIndexLength = f.encode(&index.bounds)
			}
		}
	}
	for i, indexes := range f.indexes {
		for j, index := range indexes {
			chunk := &f.meta.RowGroups[i].Columns[j]
			chunk.OffsetIndexOffset, chunk.OffsetIndexLength = f.encode(&index.offsets)
		}
	}
	_, length := f.encode(&f.meta)
	f.write(append(binary.LittleEndian.AppendUint32(nil, uint32(length)), magic...))
	return f.err
}
