package devices

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/athanor-lab/athanor/lab"
)

// Chunk is a piece of a blob on its way over the bus, for devices that reach no
// HTTP: 32 bytes of the blob's SHA-256, the piece's index from 0 and the number
// of pieces, each in four bytes with the highest first, and the piece. Every
// piece but the last has [ChunkBytes], so that its place follows from its index.
type Chunk struct {
	SHA256 string // of the whole blob, in small hexadecimal letters
	Index  int
	Count  int
	Data   []byte
}

// Limits of chunks.
const (
	MaxChunk    = 64 << 10 // bytes of the message
	chunkHeader = 32 + 4 + 4
	// ChunkBytes is what of a blob is in every chunk but the last.
	ChunkBytes = MaxChunk - chunkHeader
	// ChunksMax is the largest number of chunks of a blob.
	ChunksMax = 4096
	// MaxChunked is the largest blob that can go in chunks, in bytes.
	MaxChunked = ChunksMax * ChunkBytes
)

// ChunksOf returns in how many chunks a blob of size bytes goes.
func ChunksOf(size int64) int { return int((size + ChunkBytes - 1) / ChunkBytes) }

// Offset returns where in the blob the chunk begins.
func (c Chunk) Offset() int64 { return int64(c.Index) * ChunkBytes }

// Last reports whether the blob ends with the chunk.
func (c Chunk) Last() bool { return c.Index == c.Count-1 }

// AppendBinary implements [encoding.BinaryAppender].
func (c Chunk) AppendBinary(b []byte) ([]byte, error) {
	if err := c.check(); err != nil {
		return b, err
	}
	sum, _ := hex.DecodeString(c.SHA256) // check has seen it
	b = append(b, sum...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Index))
	b = binary.BigEndian.AppendUint32(b, uint32(c.Count))
	return append(b, c.Data...), nil
}

// DecodeChunk reads a chunk. Its data is that of b.
func DecodeChunk(b []byte) (Chunk, error) {
	if len(b) <= chunkHeader || len(b) > MaxChunk {
		return Chunk{}, lab.Errorf(lab.Invalid, "decode blob: %d bytes; a chunk has a header of %d, a byte at least, and at most %d in all", len(b), chunkHeader, MaxChunk)
	}
	index, count := binary.BigEndian.Uint32(b[32:]), binary.BigEndian.Uint32(b[36:])
	if index >= ChunksMax || count > ChunksMax { // before they are an int, which may have 32 bits
		return Chunk{}, lab.Errorf(lab.Invalid, "decode blob: chunk %d of %d; a blob has at most %d", index, count, ChunksMax)
	}
	c := Chunk{SHA256: hex.EncodeToString(b[:32]), Index: int(index), Count: int(count), Data: b[chunkHeader:]}
	return c, c.check()
}

func (c Chunk) check() error {
	switch {
	case !ValidSHA256(c.SHA256):
		return lab.Errorf(lab.Invalid, "blob chunk: %.80q is no SHA-256 in small hexadecimal letters", c.SHA256)
	case c.Count < 1 || c.Count > ChunksMax || c.Index < 0 || c.Index >= c.Count:
		return lab.Errorf(lab.Invalid, "blob chunk: index %d of %d; want an index from 0 below the count, which is at most %d", c.Index, c.Count, ChunksMax)
	case len(c.Data) == 0 || len(c.Data) > ChunkBytes || !c.Last() && len(c.Data) != ChunkBytes:
		return lab.Errorf(lab.Invalid, "blob chunk: %d bytes in chunk %d of %d; want %d, in the last from 1", len(c.Data), c.Index, c.Count, ChunkBytes)
	}
	return nil
}
