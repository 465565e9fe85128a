package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/blob"
	"github.com/athanor-lab/athanor/lab"
)

// noise returns what goes in a number of chunks.
func noise(seed uint64, chunks int) (data []byte, sum string) {
	rng := rand.New(rand.NewPCG(seed, 0))
	data = make([]byte, chunks*devices.ChunkBytes-100)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	hash := sha256.Sum256(data)
	return data, hex.EncodeToString(hash[:])
}

// stored is a laboratory whose gateways have a store each, as processes have,
// over one directory.
func stored(t *testing.T, dial devices.Dialer) (*site, *blob.Dir) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "blobs")
	open := func() *blob.Dir {
		d, err := blob.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return newSite(t, dial, func(c *gateway.Config) { c.Blobs = open() }), open()
}

// scan dispatches a scan, which has no parameters.
func (s *site) scan(device string, n int) lab.Command {
	c := s.command(device, "scan", n)
	c.Params = nil
	s.dispatch(c)
	return c
}

// scanner serves a device whose command comes with raw data.
func (s *site) scanner(id string, data []byte) {
	d := sdk.New(sdk.Config{ID: id, Kind: "XRD", Journal: filepath.Join(s.dir, id)})
	sdk.Handle(d, "scan", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		return struct{}{}, c.Attach("pattern.xy", "text/plain", data)
	}, sdk.Blobs("pattern.xy"))
	s.run(d)
}

// holds waits until the store has a blob and its bytes are right.
func holds(t *testing.T, store *blob.Dir, sum string, want []byte) {
	t.Helper()
	f, err := store.Get(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}

// TestChunksThroughTwoGateways sends raw data of two devices over the bus to
// two gateways, one of which dies on the way, and wants every byte, the ends of
// the commands only then, and the devices' disks empty.
func TestChunksThroughTwoGateways(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s, store := stored(t, dial)
		_, end := s.gateway()
		var commands []lab.Command
		var sums []string
		var contents [][]byte
		for i, id := range []string{"xrd-1", "xrd-2"} {
			data, sum := noise(uint64(i), 50)
			s.scanner(id, data)
			c := s.scan(id, i+1)
			commands, sums, contents = append(commands, c), append(sums, sum), append(contents, data)
		}
		for deadline := time.Now().Add(devicestest.Patience); ; time.Sleep(5 * time.Millisecond) {
			if at, _, err := store.Status(t.Context(), sums[0]); err != nil || at > 5*devices.ChunkBytes {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no chunk was stored")
			}
		}
		if told := s.completer.Told(commands[0].ID); len(told) > 0 {
			t.Errorf("told %+v before its raw data was here", told)
		}
		end()
		for i, c := range commands {
			if r := s.ended(c, lab.CommandDone); len(r.Blobs) != 1 || r.Blobs[0].SHA256 != sums[i] {
				t.Fatalf("blobs = %+v; want %s", r.Blobs, sums[i])
			}
			holds(t, store, sums[i], contents[i])
		}
		for deadline := time.Now().Add(devicestest.Patience); ; time.Sleep(10 * time.Millisecond) {
			left, _ := filepath.Glob(filepath.Join(s.dir, "*.blobs", "*"))
			if len(left) == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("devices still keep %v", left)
			}
		}
	})
}

// TestChunksOverABadLink loses, repeats and delays chunks, and wants every byte.
func TestChunksOverABadLink(t *testing.T) {
	t.Parallel()
	const seed = 5
	rng, broker := rand.New(rand.NewPCG(seed, 0)), devicestest.NewBroker()
	var mu sync.Mutex
	var late []devices.Message
	var faults atomic.Int32
	broker.Fault = func(_ string, m devices.Message) []devices.Message {
		if !strings.Contains(m.Topic, "/blob/") {
			return []devices.Message{m}
		}
		mu.Lock()
		defer mu.Unlock()
		out := append([]devices.Message{m}, late...)
		late = nil
		switch rng.IntN(12) {
		case 0:
			faults.Add(1)
			return nil
		case 1:
			faults.Add(1)
			return append(out, m)
		case 2:
			faults.Add(1)
			late = out
			return nil
		}
		return out
	}
	s, store := stored(t, broker.Dial)
	data, sum := noise(seed, 20)
	s.scanner("xrd", data)
	c := s.command("xrd", "scan", 1)
	c.Params, c.TimeoutS, c.Deadline = nil, 120, time.Now().Add(2*time.Minute).UTC().Truncate(time.Millisecond)
	s.dispatch(c)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, whole, err := store.Status(t.Context(), sum); err != nil || whole {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not there after a minute, with %d faults of seed %d", faults.Load(), seed)
		}
	}
	s.ended(c, lab.CommandDone)
	holds(t, store, sum, data)
	if faults.Load() == 0 {
		t.Error("no chunk was harmed")
	}
}

// TestChunksOfStrangers lists chunks that no device should send, and wants each
// in quarantine and nothing in the store.
func TestChunksOfStrangers(t *testing.T) {
	t.Parallel()
	s, store := stored(t, mqtt.Dialer(mqtttest.Start(t).Options()))
	data, sum := noise(1, 2)
	s.scanner("xrd", data)
	s.device("doser-1", nil, nil)
	for _, name := range []string{"xrd", "doser-1"} {
		if _, err := s.fleet.Await(s.patience(), name, func(d lab.Device) bool { return d.Kind != "" }); err != nil {
			t.Fatal(err)
		}
	}
	bus := s.stranger(t)
	other := strings.Repeat("ab", 32)
	chunk := func(c devices.Chunk) string {
		b, err := c.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := devices.Chunk{SHA256: sum, Count: 2, Data: data[:devices.ChunkBytes]}
	for _, x := range []struct{ device, sum, payload string }{
		{"doser-1", sum, chunk(first)},                        // it has no raw data
		{"xrd", other, chunk(first)},                          // under another hash
		{"xrd", sum, chunk(first)[:100]},                      // cut
		{"xrd", sum, strings.Repeat("x", devices.MaxChunk+1)}, // too long
		{"xrd", sum, ""},                                      // empty
		{"xrd", other, chunk(devices.Chunk{SHA256: sum, Count: 1, Data: []byte("x")})}, // of another topic
	} {
		say(t, bus, devices.SubTopic("lab", x.device, devices.LeafBlob, x.sum), x.payload)
	}
	s.kept("six chunks in quarantine", func(_ []string, _ []gateway.TelemetryBatch, q []gateway.Quarantined) bool { return len(q) == 6 })
	for _, x := range []string{sum, other} {
		if at, _, err := store.Status(t.Context(), x); err != nil || at > 0 {
			t.Errorf("the store has %d bytes of %s, %v; want none", at, x, err)
		}
	}
	// Content of another hash is thrown away when it is all there, and what was
	// right begins anew.
	forged := devices.Chunk{SHA256: sum, Index: 1, Count: 2, Data: []byte("not it")}
	topic := devices.SubTopic("lab", "xrd", devices.LeafBlob, sum)
	say(t, bus, topic, chunk(first))
	say(t, bus, topic, chunk(forged))
	say(t, bus, topic, chunk(devices.Chunk{SHA256: sum, Count: 3, Data: data[:devices.ChunkBytes]})) // of another number
	s.kept("that in quarantine", func(_ []string, _ []gateway.TelemetryBatch, q []gateway.Quarantined) bool { return len(q) == 7 })
	if at, whole, err := store.Status(t.Context(), sum); err != nil || whole || at > 0 {
		t.Errorf("the store has %d bytes, whole %t, %v; want none of what was forged", at, whole, err)
	}
	c := s.scan("xrd", 1)
	s.ended(c, lab.CommandDone)
	holds(t, store, sum, data)
}

// TestChunksEndWhatOthersBegan has chunks meet a blob that is all there and was
// never ended, since its writer died, and one of which more is there than it has.
func TestChunksEndWhatOthersBegan(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]int{"All": 0, "TooMuch": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, store := stored(t, devicestest.NewBroker().Dial)
			data, sum := noise(3, 3)
			there := append(bytes.Clone(data), make([]byte, more)...)
			if _, _, err := store.Append(t.Context(), sum, 0, int64(len(there))+1, bytes.NewReader(there)); err != nil {
				t.Fatal(err)
			}
			s.scanner("xrd", data)
			c := s.scan("xrd", 1)
			s.ended(c, lab.CommandDone)
			holds(t, store, sum, data)
		})
	}
}

// TestChunksWhereNoneAreKept wants a laboratory without a store to say so.
func TestChunksWhereNoneAreKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	data, _ := noise(1, 1)
	s.scanner("xrd", data)
	s.scan("xrd", 1)
	s.kept("an alarm", func(alarms []string, _ []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
		return strings.Contains(strings.Join(alarms, "\n"), "xrd laboratory blob_unwanted")
	})
}
