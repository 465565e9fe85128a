package parquet

import (
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/athanor-lab/athanor/lab"
)

const (
	// tableGroup is the number of rows in a row group of a flat table.
	tableGroup = 1 << 17
	// pageBytes is where a page ends. On random texts such as ids the encoder
	// finds false matches in a larger one, and is slower and worse for it.
	pageBytes = 128 << 10
	// dictionaryBytes is where a column gives its dictionary up.
	dictionaryBytes = 1 << 20
)

// WriteTable writes rows of a fixed type, a struct with `parquet` tags, in
// batches. units are by path. A batch may be used again after it was yielded.
// The same rows in the same batches give the same bytes.
func WriteTable[Row any](w io.Writer, schema string, units map[string]lab.Unit, batches iter.Seq2[[]Row, error]) error {
	o, err := options(schema, units, pq.SchemaOf(new(Row)))
	if err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	out := pq.NewGenericWriter[Row](w, append(o, pq.MaxRowsPerRowGroup(tableGroup))...)
	n := 0
	for batch, err := range batches {
		if err != nil {
			return err // the caller's own
		}
		if _, err := out.Write(batch); err != nil {
			return fmt.Errorf("write Parquet, rows from %d: %w", n+1, err)
		}
		n += len(batch)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

// codec is zstd at its default level. The library's own gives up on literals
// without matches, and so leaves the half of a random id in the file that
// entropy coding takes away.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec() (*codec, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return &codec{e, d}, err
}

func (*codec) String() string { return "ZSTD" }

func (*codec) CompressionCodec() format.CompressionCodec { return format.Zstd }

func (c *codec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}

func (c *codec) Decode(dst, src []byte) ([]byte, error) { return c.decoder.DecodeAll(src, dst[:0]) }
