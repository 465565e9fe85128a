package sdk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// rawData returns what goes in a number of chunks.
func rawData(chunks int) (data []byte, sum string) {
	data = make([]byte, chunks*devices.ChunkBytes-7)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	hash := sha256.Sum256(data)
	return data, hex.EncodeToString(hash[:])
}

// scanner has a command that comes with raw data.
func (b *bench) scanner(data []byte) {
	b.with = func(d *sdk.Device) {
		sdk.Handle(d, "scan", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
			return struct{}{}, c.Attach("trace.bin", "", data)
		}, sdk.Repeat, sdk.Blobs("trace.bin"))
	}
	b.start()
	b.lease(1)
}

// nextChunk waits for the next chunk of a blob.
func nextChunk(t *testing.T, heard <-chan devices.Message, sum string) devices.Chunk {
	t.Helper()
	m := next(t, heard, "a chunk")
	c, err := devices.DecodeChunk(m.Payload)
	if err != nil || c.SHA256 != sum || m.Topic != "ldp/1/lab/dut/blob/"+sum || m.QoS != 1 || m.Retain {
		t.Fatalf("chunk %d of %s on %s, QoS %d, retained %t: %v", c.Index, c.SHA256, m.Topic, m.QoS, m.Retain, err)
	}
	return c
}

// TestChunks takes raw data in chunks where no upload is offered: a command is
// answered meanwhile, the death of the device does not begin it anew, what is
// missing is asked for, and only when all is said to be there the device lets go
// of it and says the end again.
func TestChunks(t *testing.T) {
	t.Parallel()
	const count = 40
	data, sum := rawData(count)
	b := newBench(t)
	heard := b.listen("chunks", devices.LeafBlob)
	b.scanner(data)
	got := make([]byte, len(data))
	take := func(want int) {
		t.Helper()
		c := nextChunk(t, heard, sum)
		if c.Index != want || c.Count != count {
			t.Fatalf("chunk %d of %d; want %d of %d", c.Index, c.Count, want, count)
		}
		copy(got[c.Offset():], c.Data)
	}
	answer := func(missing string) {
		t.Helper()
		b.ctl(`{"id":"m","op":"blob_missing","sha256":"` + sum + `","missing":` + missing + `}`)
	}
	b.do("a", "scan", `{}`)
	if e := b.event("a", lab.CommandDone, 1); len(e.Blobs) != 1 || e.Blobs[0].Data != nil || e.Blobs[0].SHA256 != sum {
		t.Fatalf("blobs = %+v; want one that is on its way", e.Blobs)
	}
	take(0)
	take(1)
	b.do("home", "home", `{}`)
	b.event("home", lab.CommandDone, 1)
	if n := len(heard); n > count/2 {
		t.Errorf("%d chunks came before a command was done", n)
	}
	b.restart()
	for c := nextChunk(t, heard, sum); c.Index < count-1; c = nextChunk(t, heard, sum) {
		copy(got[c.Offset():], c.Data) // of the process that died
	}
	answer(`[2]`)
	for i := 2; i < count; i++ {
		take(i)
	}
	answer(`[37]`)
	for i := 37; i < count; i++ {
		take(i)
	}
	if !bytes.Equal(got, data) {
		t.Error("the chunks are not what was attached")
	}
	take(count - 1) // again, since nobody answered
	answer(`[]`)
	if e := b.event("a", lab.CommandDone, 2); !e.Dup {
		t.Errorf("said again = %+v; want it to be a repetition", e)
	}
	answer(`[]`) // by another gateway
	if left, err := filepath.Glob(b.journal + ".blobs/*"); err != nil || len(left) > 0 {
		t.Errorf("still on the disk: %v, %v", left, err)
	}
}

// TestChunksWhereHTTPIsAway offers an upload to where nobody is.
func TestChunksWhereHTTPIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := l.Addr().String()
	l.Close()
	data, sum := rawData(2)
	b := newBench(t)
	heard := b.listen("chunks", devices.LeafBlob)
	b.scanner(data)
	b.send(devices.LeafCmd, cmd("a", "scan", `{}`, fmt.Sprintf(`"upload":{"href":"http://%s/up","token":"t"},`, away)))
	for i := range 2 {
		if c := nextChunk(t, heard, sum); c.Index != i {
			t.Errorf("chunk %d; want %d", c.Index, i)
		}
	}
	b.ctl(`{"id":"m","op":"blob_missing","sha256":"` + sum + `","missing":[]}`)
	b.event("a", lab.CommandDone, 1)
}

// TestNoChunksWhereHTTPAnswers wants an answer that is no, and a link that is
// cut, to be no reason to burden the broker.
func TestNoChunksWhereHTTPAnswers(t *testing.T) {
	t.Parallel()
	data, _ := rawData(2)
	b := newBench(t)
	heard := b.listen("chunks", devices.LeafBlob)
	b.scanner(data)
	r := receive(t)
	r.refuse.Store(true)
	r.cut.Store(4)
	id, member := r.upload(t, 1)
	b.send(devices.LeafCmd, cmd(id, "scan", `{}`, member))
	b.event(id, lab.CommandDone, 1)
	time.Sleep(2 * time.Second) // four tries that are refused
	r.refuse.Store(false)
	until(b, "the end said again", func() (bool, bool) {
		n := 0
		for _, e := range b.events {
			if e.ID == id && e.State == lab.CommandDone {
				n++
			}
		}
		return true, n == 2
	})
	if len(heard) > 0 {
		t.Errorf("%d chunks; want none", len(heard))
	}
}
