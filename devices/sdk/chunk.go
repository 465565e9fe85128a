package sdk

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

const (
	dialMax    = 5 * time.Second // to reach who takes uploads
	awayMax    = 3               // tries that reached nobody, before chunks
	chunkEvery = time.Second / 64
	// chunksAhead is how many chunks may be on their way when the laboratory
	// says what it lacks: an answer from within them is from before they came.
	chunksAhead = 16
	answerFirst = 2 * time.Second // for the laboratory's answer to the last chunk, doubled up to
	answerLast  = 10 * time.Second
	answersMax  = 4 // in a row that are missing, or bring nothing forward
)

// errAway is what trying to upload to nowhere gives.
var errAway = lab.Errorf(lab.Unavailable, "upload: the command has no href")

// unreachable reports whether an upload failed since nobody is there: not a
// link that was cut, nor an answer that was no.
func unreachable(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return errors.Is(err, errAway) || ok && op.Op == "dial"
}

// answer takes what the laboratory says to chunks, and reports whether the blob
// is on its way. What it says replaces what it said before.
func (s *spool) answer(sum string, missing []int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.waiting[sum]
	if u == nil || missing == nil {
		return false
	}
	select {
	case <-u.missed:
	default:
	}
	u.missed <- missing // nobody else puts something in
	return true
}

// sendChunks says a blob in chunks and returns once the laboratory has it.
//
// It goes on from where the laboratory says. When it hears nothing it says the
// last chunk again, which the laboratory always answers.
func (s *spool) sendChunks(ctx context.Context, u *upload) error {
	select {
	case s.chunking <- struct{}{}:
		defer func() { <-s.chunking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f, err := os.Open(s.path(u.SHA256))
	if err != nil {
		return lab.Errorf(lab.Invalid, "read the blob: %w", err)
	}
	defer f.Close()
	count := devices.ChunksOf(u.Size)
	if count == 0 {
		return nil // the end says all of it
	}
	u.next = min(u.next, count-1)
	furthest, vain := int64(-1), 0
	for wait := answerFirst; vain < answersMax; {
		if u.next < count {
			if err := s.sayChunk(ctx, f, u, u.next, count); err != nil {
				return err
			}
			u.next++
		}
		missing, err := u.heard(ctx, u.next < count, wait)
		switch {
		case err != nil:
			return err
		case missing == nil && u.next < count:
		case missing == nil: // silence
			u.next, vain, wait = count-1, vain+1, min(2*wait, answerLast)
		case len(missing) == 0:
			return nil
		case u.next < count && int(missing[0]) <= u.next && int(missing[0]) > u.next-chunksAhead:
		default:
			if vain++; missing[0] > furthest {
				furthest, vain, wait = missing[0], 0, answerFirst
			}
			u.next = min(int(missing[0]), count-1)
		}
	}
	return lab.Errorf(lab.Unavailable, "send in chunks: the laboratory does not take it")
}

// heard returns what the laboratory has answered, nil for nothing: by now, or
// within a while.
func (u *upload) heard(ctx context.Context, now bool, wait time.Duration) ([]int64, error) {
	if now {
		wait = 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case missing := <-u.missed:
		return missing, nil
	default:
	}
	select {
	case missing := <-u.missed:
		return missing, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// sayChunk says one chunk. At most one is on its way, and at least half of the
// time none: what the device has to say of commands does not wait behind more.
func (s *spool) sayChunk(ctx context.Context, f io.ReaderAt, u *upload, index, count int) error {
	c := devices.Chunk{SHA256: u.SHA256, Index: index, Count: count}
	c.Data = make([]byte, min(devices.ChunkBytes, u.Size-c.Offset()))
	if _, err := f.ReadAt(c.Data, c.Offset()); err != nil {
		return lab.Errorf(lab.Invalid, "read the blob: %w", err)
	}
	payload, err := c.AppendBinary(make([]byte, 0, devices.MaxChunk))
	if err != nil {
		return err
	}
	began := time.Now()
	err = s.d.out.aside(ctx, devices.Message{Topic: devices.SubTopic(s.d.cfg.Lab, s.d.cfg.ID, devices.LeafBlob, u.SHA256), Payload: payload, QoS: 1})
	if err != nil {
		return lab.Errorf(lab.Unavailable, "send in chunks: %w", err)
	}
	return wall{}.Sleep(ctx, max(chunkEvery, time.Since(began)))
}
