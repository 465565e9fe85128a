package api

import "log/slog"

// TestHub is a hub without a tail, whose readers' buffers are small.
type TestHub struct {
	h    hub
	size int
}

// TestReader is a reader of a [TestHub].
type TestReader struct{ r *reader }

// NewTestHub returns a hub whose readers hold size frames.
func NewTestHub(size int) *TestHub {
	return &TestHub{h: hub{logger: slog.New(slog.DiscardHandler), readers: map[*reader]struct{}{}, stop: func() {}}, size: size}
}

// Join adds a reader.
func (t *TestHub) Join() TestReader {
	r := &reader{frames: make(chan frame, t.size)}
	t.h.readers[r] = struct{}{}
	return TestReader{r}
}

// Tell hands an event to all readers.
func (t *TestHub) Tell(seq int64) { t.h.broadcast(frame{seq: seq}) }

// Next returns the number of the next event, or false when the reader was cut off.
func (t TestReader) Next() (int64, bool) {
	f, ok := <-t.r.frames
	return f.seq, ok
}
