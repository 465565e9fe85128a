package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// blobs are the checks of raw data. The kit receives it itself, and cuts the
// first piece.
var blobs = []Check{
	{Name: "blob.arrives", Title: "raw data arrives, as long and with the hash that the end names", Needs: "B", run: func(ctx context.Context, b *bench) error {
		return b.withBlobs(ctx, false, func(r *received, e heardEvent) error { return b.whole(ctx, r, e) })
	}},
	{Name: "blob.resumes", Title: "an upload that was cut goes on and is not begun anew", Needs: "B", run: func(ctx context.Context, b *bench) error {
		return b.withBlobs(ctx, true, func(r *received, e heardEvent) error {
			if !uploaded(e) {
				return skip("all raw data of the example goes inside the event")
			}
			if err := b.whole(ctx, r, e); err != nil {
				return err
			}
			if !r.resumed() {
				return errors.New("no piece was sent from the offset at which the upload was cut")
			}
			return nil
		})
	}},
	{Name: "blob.said-again", Title: "the end is said again once its raw data has arrived after it", Needs: "B", run: func(ctx context.Context, b *bench) error {
		return b.withBlobs(ctx, true, func(r *received, e heardEvent) error {
			if !uploaded(e) {
				return skip("all raw data of the example goes inside the event")
			}
			if err := b.whole(ctx, r, e); err != nil {
				return err
			}
			if r.late().Before(e.at) {
				return nil // it had arrived before
			}
			_, err := b.await(ctx, e.ID, "the end (dup)", 1, func(x heardEvent) bool { return dup(x) && x.State == e.State && len(x.Blobs) == len(e.Blobs) })
			return err
		})
	}},
	{Name: "blob.missing", Title: "blob_missing of what has arrived or is not known does no harm", Needs: "B", run: func(ctx context.Context, b *bench) error {
		return b.withBlobs(ctx, false, func(r *received, e heardEvent) error {
			if err := b.whole(ctx, r, e); err != nil {
				return err
			}
			for _, sum := range []string{e.Blobs[0].SHA256, hex.EncodeToString(make([]byte, sha256.Size))} {
				if err := b.ctl(ctx, fields{"op": "blob_missing", "target": e.ID, "sha256": sum}); err != nil {
					return err
				}
			}
			_, _, err := b.one(ctx)
			return err
		})
	}},
	{Name: "blob.chunks", Title: "where no upload is offered, raw data comes in chunks over the broker, from where the laboratory says, and then the end again", Needs: "B", run: chunked},
}

// chunked runs an example that comes with raw data and offers no upload, and
// wants the data in chunks: all, from where the kit says, and then the end again.
func chunked(ctx context.Context, b *bench) error {
	x, err := b.withRaw()
	if err != nil {
		return err
	}
	if minor := devices.MinorOf(b.td); minor < 2 {
		return skip("the device is of LDP 1.%d, and chunks are of 1.2", minor)
	}
	b.holdChunks(true)
	defer b.holdChunks(false)
	e, err := b.done(ctx, b.order(x.action.Name, x.params, nil))
	if err != nil {
		return err
	}
	if !uploaded(e) {
		return skip("all raw data of the example goes inside the event")
	}
	for _, blob := range e.Blobs {
		if blob.Data == nil && blob.Size > 0 {
			if err := b.inChunks(ctx, blob); err != nil {
				return fmt.Errorf("blob %s: %w", blob.Name, err)
			}
		}
	}
	_, err = b.await(ctx, e.ID, "the end (dup), after the laboratory had said that it lacks nothing", 1, func(x heardEvent) bool { return dup(x) && x.State == e.State })
	return err
}

// inChunks waits for a blob in chunks, asks for its last once more, and ends it.
func (b *bench) inChunks(ctx context.Context, blob devices.Blob) error {
	count := devices.ChunksOf(blob.Size)
	came := func(from int) func() bool {
		return func() bool {
			for index := from; index < count; index++ {
				if !slices.ContainsFunc(b.chunks, func(c devices.Chunk) bool { return c.SHA256 == blob.SHA256 && c.Index == index && c.Count == count }) {
					return false
				}
			}
			return true
		}
	}
	if err := b.until(ctx, 4*b.cfg.Patience, fmt.Sprintf("%d chunks", count), came(0)); err != nil {
		return err
	}
	b.mu.Lock()
	sum := sha256.Sum256(b.pieces[blob.SHA256])
	size := int64(len(b.pieces[blob.SHA256]))
	from := max(0, count-2)
	b.chunks = nil
	b.mu.Unlock()
	if hex.EncodeToString(sum[:]) != blob.SHA256 || size != blob.Size {
		return fmt.Errorf("the chunks make %d bytes of the hash %x; the end says %d and %s", size, sum, blob.Size, blob.SHA256)
	}
	if err := b.ctl(ctx, fields{"op": "blob_missing", "sha256": blob.SHA256, "missing": []int{from}}); err != nil {
		return err
	}
	if err := b.until(ctx, 4*b.cfg.Patience, fmt.Sprintf("the chunks from %d on again, as blob_missing asks", from), came(from)); err != nil {
		return err
	}
	return b.ctl(ctx, fields{"op": "blob_missing", "sha256": blob.SHA256, "missing": []int{}})
}

// holdChunks has the kit not answer chunks by itself, which it does otherwise:
// what other checks do not look at ends so.
func (b *bench) holdChunks(hold bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold, b.chunks = hold, nil
	clear(b.pieces)
}

// takeChunk hears a piece of raw data, and answers when it was all; b.mu is held.
func (b *bench) takeChunk(sum string, m devices.Message) error {
	c, err := devices.DecodeChunk(m.Payload)
	switch {
	case err != nil:
		return err
	case c.SHA256 != sum:
		return fmt.Errorf("a chunk of %s under %s", c.SHA256, sum)
	case m.Retain:
		return fmt.Errorf("a retained chunk of %s", sum)
	}
	if len(b.pieces[sum]) == int(c.Offset()) {
		b.pieces[sum] = append(b.pieces[sum], c.Data...)
	}
	c.Data = nil
	b.chunks = append(b.chunks, c)
	if c.Last() && !b.hold {
		delete(b.pieces, sum)
		body := marshal(fields{"id": fmt.Sprintf("%s.kept.%d", b.id, len(b.chunks)), "op": "blob_missing", "sha256": sum, "missing": []int{}})
		go func() { // beside the handler; the device says its last chunk again if it does not arrive
			ctx, cancel := context.WithTimeout(context.Background(), b.cfg.Patience)
			defer cancel()
			_ = b.publish(ctx, devices.LeafCtl, body)
		}()
	}
	return nil
}

func uploaded(e heardEvent) bool {
	return slices.ContainsFunc(e.Blobs, func(x devices.Blob) bool { return x.Data == nil && x.Size > 0 })
}

// withRaw returns an example that comes with raw data.
func (b *bench) withRaw() (example, error) {
	with, _ := b.examples()
	i := slices.IndexFunc(with, func(x example) bool { return len(x.action.Blobs) > 0 })
	if i < 0 {
		return example{}, skip("no action with an example comes with raw data")
	}
	return with[i], nil
}

// withBlobs runs an example that comes with raw data, and receives it.
func (b *bench) withBlobs(ctx context.Context, cut bool, f func(*received, heardEvent) error) error {
	x, err := b.withRaw()
	if err != nil {
		return err
	}
	address := b.cfg.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for uploads: %w", err)
	}
	r := &received{token: b.new(), cut: cut, parts: map[string][]byte{}, whole: map[string]bool{}, news: b.news}
	server := &http.Server{Handler: r, ReadHeaderTimeout: b.cfg.Patience}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer func() { _ = server.Close() }()      // what it was for is over
	upload := fields{"href": "http://" + listener.Addr().String() + "/up", "token": r.token}
	e, err := b.done(ctx, b.order(x.action.Name, x.params, fields{"upload": upload}))
	if err != nil {
		return err
	}
	if len(e.Blobs) == 0 {
		return fmt.Errorf("%s declares ldp:blobs %v, and its end names none", x.action.Name, x.action.Blobs)
	}
	for _, blob := range e.Blobs {
		if !slices.Contains(x.action.Blobs, blob.Name) {
			return fmt.Errorf("the end names blob %q; ldp:blobs has %v", blob.Name, x.action.Blobs)
		}
		if sum := sha256.Sum256(blob.Data); blob.Data != nil && hex.EncodeToString(sum[:]) != blob.SHA256 {
			return fmt.Errorf("blob %s has another hash than the data inside it", blob.Name)
		}
	}
	return f(r, e)
}

// news wakes whoever waits.
func (b *bench) news() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.heard)
	b.heard = make(chan struct{})
}

// whole waits until all raw data of an end has arrived.
func (b *bench) whole(ctx context.Context, r *received, e heardEvent) error {
	for _, x := range e.Blobs {
		if x.Data != nil || x.Size == 0 {
			continue
		}
		if err := b.until(ctx, 4*b.cfg.Patience, "blob "+x.Name, func() bool { return r.has(x.SHA256) }); err != nil {
			return fmt.Errorf("%w; %s", err, r.trouble())
		}
		if n := r.size(x.SHA256); n != x.Size {
			return fmt.Errorf("blob %s has %d bytes; the end says %d", x.Name, n, x.Size)
		}
	}
	if e.State != lab.CommandDone {
		return fmt.Errorf("it ended %s", brief(e))
	}
	return nil
}

// received is the laboratory's side of uploads, in memory.
type received struct {
	token string
	news  func()

	mu       sync.Mutex
	cut      bool // the next piece
	wentOn   bool
	cutAt    int
	parts    map[string][]byte
	whole    map[string]bool
	last     time.Time // when one came to be whole
	problems []string
}

func (r *received) has(sum string) bool { r.mu.Lock(); defer r.mu.Unlock(); return r.whole[sum] }

func (r *received) size(sum string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.parts[sum]))
}

func (r *received) resumed() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.wentOn }

func (r *received) late() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.last }

func (r *received) trouble() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d requests were wrong: %.300v", len(r.problems), r.problems)
}

// ServeHTTP implements [http.Handler].
func (r *received) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	defer r.news() // without r.mu, since who waits for news asks under a lock of its own
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := q.URL.Path[max(0, len(q.URL.Path)-64):]
	if q.Header.Get("Authorization") != "Bearer "+r.token || !devices.ValidSHA256(sum) || q.Method != http.MethodHead && q.Method != http.MethodPut {
		r.problems = append(r.problems, q.Method+" "+q.URL.Path)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer := func(status int) {
		w.Header().Set("Upload-Offset", strconv.Itoa(len(r.parts[sum])))
		if r.whole[sum] {
			status = map[string]int{http.MethodHead: http.StatusOK, http.MethodPut: http.StatusCreated}[q.Method]
		}
		w.WriteHeader(status)
	}
	if q.Method == http.MethodHead || r.whole[sum] {
		answer(http.StatusNoContent)
		return
	}
	offset, err1 := strconv.Atoi(q.Header.Get("Upload-Offset"))
	size, err2 := strconv.Atoi(q.Header.Get("Upload-Length"))
	if err1 != nil || err2 != nil || offset != len(r.parts[sum]) {
		r.problems = append(r.problems, fmt.Sprintf("PUT at %q of %q", q.Header.Get("Upload-Offset"), q.Header.Get("Upload-Length")))
		answer(http.StatusConflict)
		return
	}
	if r.cutAt > 0 && offset >= r.cutAt {
		r.wentOn = true
	}
	body := io.Reader(q.Body)
	if r.cut {
		body = io.LimitReader(q.Body, 1000)
	}
	piece, _ := io.ReadAll(body) // what came of it counts
	r.parts[sum] = append(r.parts[sum], piece...)
	if r.cut {
		r.cut, r.cutAt = false, len(r.parts[sum])
		panic(http.ErrAbortHandler)
	}
	if len(r.parts[sum]) == size {
		got := sha256.Sum256(r.parts[sum])
		if r.whole[sum] = hex.EncodeToString(got[:]) == sum; !r.whole[sum] {
			r.problems = append(r.problems, "another hash")
			delete(r.parts, sum)
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		r.last = time.Now()
	}
	answer(http.StatusNoContent)
}
