package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// message is an event as it came over the wire.
type message struct {
	id, event, data, comment string
}

// listener reads a stream of events.
type listener struct {
	t     *testing.T
	res   *http.Response
	lines *bufio.Reader
	stop  context.CancelFunc
}

func (b *bundle) listen(query string, header ...string) *listener {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.t.Context(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/api/v1/events"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	l := &listener{t: b.t, res: res, lines: bufio.NewReader(res.Body), stop: stop}
	b.t.Cleanup(l.close)
	return l
}

func (l *listener) close() {
	l.stop()
	l.res.Body.Close()
}

// next returns the next message; ok is false when the stream ended.
func (l *listener) next() (m message, ok bool) {
	l.t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return m, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		case "":
			if value != "" {
				m.comment = value
			}
			if m != (message{}) {
				return m, true
			}
		}
	}
}

func (l *listener) hello() message {
	l.t.Helper()
	m, ok := l.next()
	if !ok || m.event != "hello" {
		l.t.Fatalf("stream begins with %+v, want hello", m)
	}
	return m
}

// TestResumeLeavesNothingOut cuts a stream again and again while the laboratory
// works, resumes it with Last-Event-ID, and wants the log, whole and in order.
func TestResumeLeavesNothingOut(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	b := setup(t)
	const wanted = 3000
	worked := make(chan error, 1)
	go func() { worked <- b.lab.Work(wanted) }()
	last, cuts := "0", 0
	for seen := 0; seen < wanted; cuts++ {
		l := b.listen("", "Last-Event-ID", last)
		l.hello()
		for range 1 + rng.IntN(400) {
			m, ok := l.next()
			if !ok {
				break // too slow for it; resumes like any cut
			}
			if m.event == "" {
				continue
			}
			seen++
			if want := strconv.Itoa(seen); m.id != want {
				t.Fatalf("after %s came %s (cut %d), want %s", last, m.id, cuts, want)
			}
			var e lab.Event
			if err := json.Unmarshal([]byte(m.data), &e); err != nil || strconv.FormatInt(e.Seq, 10) != m.id || string(e.Kind) != m.event {
				t.Fatalf("event %+v: %v", m, err)
			}
			last = m.id
			if seen == wanted {
				break
			}
		}
		l.close()
	}
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	if cuts < 3 {
		t.Errorf("%d cuts, want several", cuts)
	}
}

// TestWatchingBeginsNow wants a stream without a past, and of one campaign only
// what is its own.
func TestWatchingBeginsNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, other := b.campaign(), b.campaign()
	l := b.listen("?campaign=" + one.String())
	if got := l.res.Header; got.Get("Content-Type") != "text/event-stream" || got.Get("X-Accel-Buffering") != "no" || got.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got)
	}
	if m := l.hello(); m.id != "2" {
		t.Errorf("begins at %s, want 2", m.id)
	}
	for range 3 { // plans, begins, works
		b.lab.Tick()
	}
	for range 5 {
		m, ok := l.next()
		if !ok || m.event == "" {
			t.Fatalf("= %+v, %t, want an event", m, ok)
		}
		var e lab.Event
		if err := json.Unmarshal([]byte(m.data), &e); err != nil {
			t.Fatal(err)
		}
		if e.CampaignID == nil || *e.CampaignID != one {
			t.Errorf("event of %v, want only those of %s and none of %s", e.CampaignID, one, other)
		}
	}
}

// TestSilenceIsBrokenByPings wants signs of life on a stream where nothing
// happens.
func TestSilenceIsBrokenByPings(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *api.Server) { s.Ping = 10 * time.Millisecond })
	l := b.listen("")
	l.hello()
	for range 3 {
		if m, ok := l.next(); !ok || m.comment != "ping" {
			t.Fatalf("= %+v, %t, want a ping", m, ok)
		}
	}
}

// TestResumeFromAnotherLog wants a reader whose last id is beyond the end, as
// after the data directory was changed, to be told what happens from now on.
func TestResumeFromAnotherLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.campaign()
	l := b.listen("", "Last-Event-ID", "5000000")
	if m := l.hello(); m.id != "1" {
		t.Errorf("begins at %s, want the end of this log, 1", m.id)
	}
	b.lab.Tick()
	if m, ok := l.next(); !ok || m.id != "2" {
		t.Errorf("= %+v, want event 2", m)
	}
}

// TestNonsenseIsRefusedBeforeItStreams wants a problem in place of a stream.
func TestNonsenseIsRefusedBeforeItStreams(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want[api.Problem](b, 422, "GET", "/api/v1/events?after=abc", "")
	want[api.Problem](b, 422, "GET", "/api/v1/events?after=-1", "")
	want[api.Problem](b, 422, "GET", "/api/v1/events", "", "Last-Event-ID", "9223372036854775807")
	want[api.Problem](b, 404, "GET", "/api/v1/events?campaign=nonsense", "")
}

// TestLogThatFails wants a stream to outlive a log that does not answer for a
// while, and to leave nothing out.
func TestLogThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.campaign()
	l := b.listen("")
	l.hello()
	b.lab.Break(lab.Errorf(lab.Unavailable, "the database restarts"))
	b.lab.Tick() // wakes the tail, which is told to try later
	b.lab.Break(nil)
	for seq := 2; seq < 4; seq++ {
		if m, ok := l.next(); !ok || m.id != strconv.Itoa(seq) {
			t.Fatalf("= %+v, %t, want event %d", m, ok, seq)
		}
	}
}

// TestSlowReaderIsDropped fills the buffer of a reader that does not read, and
// wants it cut off and everybody else served.
func TestSlowReaderIsDropped(t *testing.T) {
	t.Parallel()
	h := api.NewTestHub(2)
	slow, quick := h.Join(), h.Join()
	for seq := range int64(4) {
		h.Tell(seq + 1)
		if got, ok := quick.Next(); !ok || got != seq+1 {
			t.Fatalf("quick reader got %d, %t, want %d", got, ok, seq+1)
		}
	}
	var got []int64
	for seq, ok := slow.Next(); ok; seq, ok = slow.Next() {
		got = append(got, seq)
	}
	if fmt.Sprint(got) != "[1 2]" {
		t.Errorf("slow reader got %v before it was cut off, want [1 2]", got)
	}
}
