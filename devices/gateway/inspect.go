package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Blobs keeps raw data by the SHA-256 of its content.
type Blobs interface {
	// Status returns how many bytes of a blob are there, and whether it is whole.
	Status(ctx context.Context, sum string) (size int64, whole bool, err error)
	// Append adds what r has at an offset of a blob of size bytes. It is
	// lab.Conflict when the blob ends elsewhere, at at, and lab.Invalid when all
	// is there and has another hash.
	Append(ctx context.Context, sum string, offset, size int64, r io.Reader) (at int64, whole bool, err error)
	// Get opens a whole blob, or fails with lab.NotFound.
	Get(ctx context.Context, sum string) (io.ReadSeekCloser, error)
}

// inspected holds an end against what the device says of itself. A result that
// is not as described is kept in quarantine and not believed: the command then
// counts as failed, with the effect that the device told.
func (g *Gateway) inspected(ctx context.Context, name string, ev devices.Event, raw []byte) (devices.Event, []byte) {
	if ev.State != lab.CommandDone {
		return ev, raw
	}
	g.mu.Lock()
	d := g.device(name)
	command, described := "", d.described
	if f := d.flights[ev.ID]; f != nil {
		command = f.entry.Command.Name
	}
	g.mu.Unlock()
	if !described {
		return ev, raw
	}
	if command == "" {
		e, err := g.cfg.Ledger.Get(ctx, ev.ID)
		if err != nil || e.Command.Device != name {
			return ev, raw // nobody's command, which folding says
		}
		command = e.Command.Name
	}
	g.mu.Lock()
	action, ok := g.device(name).about.Find(command)
	g.mu.Unlock()
	if !ok {
		return ev, raw
	}
	if err := devices.CheckResult(action.Results, ev.Result); err != nil {
		return g.disbelieve(name, ev, raw, err)
	}
	return ev, raw
}

// disbelieve turns an end that cannot be believed into a failure.
func (g *Gateway) disbelieve(name string, ev devices.Event, raw []byte, why error) (devices.Event, []byte) {
	g.distrust(name, devices.Topic(g.Dispatcher.cfg.Lab, name, devices.LeafEv), raw, why)
	ev.State, ev.Code, ev.Result, ev.Retryable = lab.CommandFailed, devices.DeviceFault, nil, false
	ev.Error = devices.Clean(fmt.Sprintf("it was done, and what the device says of it is not as it describes itself: %v", why))
	return ev, rewritten(ev, raw)
}

func rewritten(ev devices.Event, raw []byte) []byte {
	b, err := json.Marshal(ev)
	if err != nil {
		return raw // it came from JSON
	}
	return b
}

// gathered reports whether all raw data of an end is here. What came inside the
// event is put into the store; what is missing is asked for, and the device
// says the end again when it has sent it.
func (g *Gateway) gathered(ctx context.Context, name string, ev devices.Event, raw []byte) (devices.Event, []byte, bool) {
	if g.cfg.Blobs == nil || !ev.State.Terminal() || len(ev.Blobs) == 0 {
		return ev, raw, true
	}
	ev.Blobs = slices.Clone(ev.Blobs)
	complete := true
	for i, b := range ev.Blobs {
		_, whole, err := g.cfg.Blobs.Status(ctx, b.SHA256)
		if err == nil && !whole && (b.Data != nil || b.Size == 0) {
			if sum := sha256.Sum256(b.Data); hex.EncodeToString(sum[:]) != b.SHA256 {
				ev.Blobs = slices.Delete(ev.Blobs, i, i+1)
				ev, raw = g.disbelieve(name, ev, raw, fmt.Errorf("the content of blob %q has another hash", b.Name))
				return ev, raw, true
			}
			var at int64
			if at, _, err = g.cfg.Blobs.Status(ctx, b.SHA256); err == nil && at <= b.Size {
				_, whole, err = g.cfg.Blobs.Append(ctx, b.SHA256, at, b.Size, bytes.NewReader(b.Data[at:]))
			}
		}
		ev.Blobs[i].Data = nil
		switch {
		case err != nil:
			g.log.ErrorContext(ctx, "blob not stored; the end of the command waits", "command_id", ev.ID, "sha256", b.SHA256, "err", err)
			complete = false
		case !whole:
			complete = false
			if g.sending(name, b.SHA256) {
				continue // it is told by the chunks
			}
			_ = g.ctl(ctx, name, devices.Ctl{Op: devices.OpMissing, Target: ev.ID, SHA256: b.SHA256}) // asked again with the next answer
		}
	}
	return ev, rewritten(ev, raw), complete
}
