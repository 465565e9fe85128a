package gateway

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// arrival is a blob that a device sends in chunks. None of it is in memory: a
// chunk is on the disk when its message is acknowledged.
type arrival struct {
	count int
	seen  time.Time // when a chunk of it came last
	at    int64     // how much of it was there when somebody looked last
	ask   time.Time // when to tell the device what is missing; zero is never
}

const (
	arrivalsMax = 4           // of a device at a time
	arrivalIdle = time.Minute // without a chunk, it is somebody else's turn
	// chunkLull is how long a blob may stand still before the device is told
	// where: another gateway may be about to write the chunk.
	chunkLull     = time.Second
	alarmUnwanted = "blob_unwanted"
)

// onChunk takes a piece of a blob. Every gateway of the laboratory gets each
// one, in the order in which it was sent, and the first to come appends it; the
// others find it there. So it does not matter which of them dies.
func (g *Gateway) onChunk(ctx context.Context, m devices.Message) {
	name, leaf, sum, ok := devices.ParseSubTopic(m.Topic)
	if !ok || leaf != devices.LeafBlob || !g.admit(name, len(m.Payload)) {
		return
	}
	c, err := devices.DecodeChunk(m.Payload)
	if err == nil && c.SHA256 != sum {
		err = lab.Errorf(lab.Invalid, "decode blob: it is of %s, and its topic says %s", c.SHA256, sum)
	}
	a := (*arrival)(nil)
	if err == nil {
		a, err = g.arriving(name, c)
	}
	switch {
	case err != nil:
		g.distrust(name, m.Topic, m.Payload, err)
	case a != nil:
		g.append(ctx, name, a, c)
	}
}

// arriving returns what is known of a chunk's blob: nothing when the device
// must wait, and an error when it must not send it.
func (g *Gateway) arriving(name string, c devices.Chunk) (*arrival, error) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(name)
	switch u := g.cfg.Uploads; {
	case g.cfg.Blobs == nil:
		g.blame(name, g.manners(d), now, devices.Alarm{Code: alarmUnwanted, Level: "error", Text: "it sends raw data, and this laboratory keeps none (--blobs)"})
		return nil, nil
	case !d.described:
		return nil, nil // it will be asked for
	case !slices.ContainsFunc(d.about.Actions, func(a devices.Action) bool { return len(a.Blobs) > 0 }):
		return nil, lab.Errorf(lab.Invalid, "it sends raw data, and none of its actions has ldp:blobs")
	case u != nil && u.Max > 0 && int64(c.Count-1)*devices.ChunkBytes >= u.Max:
		return nil, lab.Errorf(lab.Invalid, "it sends a blob of %d chunks; at most %d bytes are taken", c.Count, u.Max)
	}
	a := d.arrivals[c.SHA256]
	switch {
	case a == nil && len(d.arrivals) >= arrivalsMax:
		return nil, nil
	case a == nil:
		if d.arrivals == nil {
			d.arrivals = map[string]*arrival{}
		}
		a = &arrival{count: c.Count}
		d.arrivals[c.SHA256] = a
	case a.count != c.Count:
		return nil, lab.Errorf(lab.Invalid, "decode blob: %d chunks, and before there were %d of the same blob", c.Count, a.count)
	}
	a.seen = now
	return a, nil
}

// append stores what of a chunk is new. A chunk that does not fit, since one
// before it was lost, is dropped, and the device is told a little later.
func (g *Gateway) append(ctx context.Context, name string, a *arrival, c devices.Chunk) {
	end := c.Offset() + int64(len(c.Data))
	at, whole, err := g.cfg.Blobs.Status(ctx, c.SHA256)
	// The last chunk is appended even when nothing of it is new: it ends a blob
	// whose writer died before its end, and one that cannot be right.
	if err == nil && !whole && c.Offset() <= at && (at < end || c.Last()) {
		size := int64(c.Count) * devices.ChunkBytes // at most; the last chunk tells
		if c.Last() {
			size = end
		}
		at, whole, err = g.cfg.Blobs.Append(ctx, c.SHA256, at, size, bytes.NewReader(c.Data[min(at-c.Offset(), int64(len(c.Data))):]))
	}
	if err == nil && whole {
		g.arrived(name, c.SHA256)
		if c.Last() {
			g.lacks(ctx, name, c.SHA256)
		}
		return
	}
	switch kind := lab.KindOf(err); {
	case err != nil && kind == lab.Invalid:
		g.log.WarnContext(ctx, "blob begun anew", "device", name, "sha256", c.SHA256, "err", err)
	case err != nil && kind != lab.Conflict:
		g.log.ErrorContext(ctx, "chunk not stored; it will be asked for", "device", name, "sha256", c.SHA256, "err", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		a.at = at
	}
	if (err != nil || at < end) && a.ask.IsZero() {
		a.ask = time.Now().Add(chunkLull)
	}
}

// lacks answers a device that sends chunks: by the index of the first one that
// is missing, or by none when the blob is here for good.
func (g *Gateway) lacks(ctx context.Context, name, sum string, missing ...int64) {
	_ = g.ctl(ctx, name, devices.Ctl{Op: devices.OpMissing, SHA256: sum, Missing: append([]int64{}, missing...)}) // it asks again by its last chunk
}

// arrived forgets a blob that is here.
func (g *Gateway) arrived(name, sum string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.device(name).arrivals, sum)
}

// sending reports whether a device is at sending a blob in chunks, and has it
// told what is missing should it stop.
func (g *Gateway) sending(name, sum string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.devices[name]
	if d == nil || d.arrivals[sum] == nil {
		return false
	}
	if a := d.arrivals[sum]; a.ask.IsZero() {
		a.ask = time.Now().Add(chunkLull)
	}
	return true
}

// askChunks tells devices what is missing of blobs that stand still, and
// forgets those of which nothing has come for long.
func (g *Gateway) askChunks(ctx context.Context) {
	now := time.Now()
	type still struct {
		device, sum string
		a           *arrival
	}
	var due []still
	g.mu.Lock()
	for name, d := range g.devices {
		for sum, a := range d.arrivals {
			if now.Sub(a.seen) > arrivalIdle {
				delete(d.arrivals, sum)
			} else if !a.ask.IsZero() && !now.Before(a.ask) {
				due = append(due, still{name, sum, a})
			}
		}
	}
	g.mu.Unlock()
	for _, s := range due {
		at, whole, err := g.cfg.Blobs.Status(ctx, s.sum)
		g.mu.Lock()
		moved := err != nil || !whole && at != s.a.at
		s.a.ask = time.Time{}
		if moved { // one that goes on is looked at again
			s.a.at, s.a.ask = at, now.Add(chunkLull)
		}
		g.mu.Unlock()
		switch {
		case moved:
		case whole:
			g.arrived(s.device, s.sum)
			g.lacks(ctx, s.device, s.sum)
		default:
			g.lacks(ctx, s.device, s.sum, at/devices.ChunkBytes)
		}
	}
}
