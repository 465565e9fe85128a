package devices_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// chunk writes a chunk without looking at it.
func chunk(index, count uint32, size int) []byte {
	b := bytes.Repeat([]byte{0xab}, 32)
	b = binary.BigEndian.AppendUint32(b, index)
	b = binary.BigEndian.AppendUint32(b, count)
	return append(b, bytes.Repeat([]byte{1}, size)...)
}

func TestChunk(t *testing.T) {
	t.Parallel()
	c, err := devices.DecodeChunk(chunk(2, 4, devices.ChunkBytes))
	if err != nil || c.SHA256 != strings.Repeat("ab", 32) || c.Index != 2 || c.Count != 4 || c.Last() || c.Offset() != 2*devices.ChunkBytes {
		t.Errorf("chunk = %d of %d at %d of %s, %v", c.Index, c.Count, c.Offset(), c.SHA256, err)
	}
	again, err := c.AppendBinary(nil)
	if err != nil || !bytes.Equal(again, chunk(2, 4, devices.ChunkBytes)) || len(again) != devices.MaxChunk {
		t.Errorf("written again: %d bytes, %v; want the same %d", len(again), err, devices.MaxChunk)
	}
	for size, want := range map[int64]int{1: 1, devices.ChunkBytes: 1, devices.ChunkBytes + 1: 2, devices.MaxChunked: devices.ChunksMax, devices.MaxChunked + 1: devices.ChunksMax + 1} {
		if got := devices.ChunksOf(size); got != want {
			t.Errorf("%d bytes go in %d chunks; want %d", size, got, want)
		}
	}
}

func TestChunkIsRefused(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"Nothing": nil, "HeaderOnly": chunk(0, 1, 0), "ShortHeader": chunk(0, 1, 0)[:39], "TooLong": chunk(0, 1, devices.ChunkBytes+1),
		"NoCount": chunk(0, 0, 1), "IndexIsCount": chunk(1, 1, 1), "ShortMiddle": chunk(0, 2, devices.ChunkBytes-1),
		"TooMany": chunk(0, devices.ChunksMax+1, devices.ChunkBytes), "Negative": chunk(1<<32-1, 1<<32-1, 1),
	} {
		if _, err := devices.DecodeChunk(b); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v; want invalid", name, err)
		}
	}
	for _, c := range []devices.Chunk{{SHA256: "AB", Count: 1, Data: []byte{1}}, {SHA256: strings.Repeat("ab", 32), Index: -1, Count: 1, Data: []byte{1}}} {
		if _, err := c.AppendBinary(nil); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%+v written: error %v; want invalid", c, err)
		}
	}
}

func FuzzDecodeChunk(f *testing.F) {
	for _, b := range [][]byte{nil, chunk(0, 1, 1), chunk(1, 2, 7), chunk(0, 2, devices.ChunkBytes), chunk(5, 2, 1), chunk(1<<32-1, 1, 1)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := devices.DecodeChunk(b)
		if err != nil {
			if lab.KindOf(err) != lab.Invalid {
				t.Errorf("error %v is of kind %q; want invalid", err, lab.KindOf(err))
			}
			return
		}
		if end := c.Offset() + int64(len(c.Data)); end > devices.MaxChunked {
			t.Errorf("chunk %d of %d ends at %d", c.Index, c.Count, end)
		}
		again, err := c.AppendBinary(nil)
		if diff := cmp.Diff(b, again); err != nil || diff != "" {
			t.Errorf("written again: %v (-first +second):\n%s", err, diff)
		}
	})
}
