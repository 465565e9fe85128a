package sources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
)

// Query is what is asked for.
type Query struct {
	Service string // one of [Names]
	Text    string // in the service's own language of queries
	Rows    int    // a page at most; default and bound are the service's
	Mail    string // of whoever asks, where a service wants it
}

// Source is the name of a query in a corpus.
func (q Query) Source() string { return q.Service + ": " + q.Text }

// State is where reading stopped.
type State struct {
	Cursor  string `json:"cursor,omitempty"`
	Pages   int    `json:"pages"`
	Records int    `json:"records"`
	Total   int    `json:"total"` // as the service last told
}

// Client asks one service. It is not safe for concurrent use: a service is asked
// one thing at a time.
type Client struct {
	// Base replaces the service's address, for a mirror.
	Base string
	Key  string
	HTTP *http.Client // nil for one of our own
	// Bytes bounds an answer, default 64 MiB; Patience one question, with all its
	// repetitions, default 10 minutes; Timeout one attempt, default 60 s.
	Bytes    int64
	Patience time.Duration
	Timeout  time.Duration
	// Now and Sleep are those of package time unless told otherwise.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	last time.Time
	pace time.Duration // told by the service, 0 where it told none
}

// Page asks for the page that begins at state, and returns it as a batch whose
// checkpoint is where the next begins. Nothing is left when the checkpoint is done.
// An error of kind [lab.Unavailable] says that asking again may help, and
// [lab.Invalid] that it will not.
func (c *Client) Page(ctx context.Context, q Query, state State) (literature.Batch, State, error) {
	s, ok := services[q.Service]
	if !ok {
		return literature.Batch{}, state, lab.Errorf(lab.Invalid, "there is no source %q; there are %s", q.Service, strings.Join(Names(), ", "))
	}
	if strings.TrimSpace(q.Text) == "" {
		return literature.Batch{}, state, lab.Errorf(lab.Invalid, "ask %s: the query is empty", q.Service)
	}
	rows := q.Rows
	if rows <= 0 || rows > s.most {
		rows = s.most
	}
	body, err := c.ask(ctx, s, s.ask(q, state.Cursor, rows))
	if err != nil {
		return literature.Batch{}, state, lab.Errorf(lab.KindOf(err), "ask %s for page %d: %w", q.Service, state.Pages+1, err)
	}
	next, total, err := s.next(body)
	if err != nil {
		return literature.Batch{}, state, lab.Errorf(lab.KindOf(err), "read page %d of %s: %w", state.Pages+1, q.Service, err)
	}
	in, err := corpus.Read(q.Service+".json", bytes.NewReader(body), corpus.Limits{})
	if err != nil {
		return literature.Batch{}, state, lab.Errorf(lab.Unavailable, "read page %d of %s: %w", state.Pages+1, q.Service, err)
	}
	records := len(in.Papers) + len(in.Quarantined)
	after := State{Cursor: next, Pages: state.Pages + 1, Records: state.Records + records, Total: total}
	// A last page is empty, or leads nowhere, or to itself.
	done := records == 0 || next == "" || next == orFirst(state.Cursor)
	sum := sha256.Sum256(body)
	raw, err := json.Marshal(after)
	if err != nil {
		return literature.Batch{}, state, lab.Errorf(lab.Internal, "note where %s stopped: %w", q.Service, err)
	}
	return literature.Batch{
		Source: q.Source(), Digest: hex.EncodeToString(sum[:]), Format: q.Service, Papers: in.Papers, Quarantined: in.Quarantined,
		Checkpoint: &literature.Checkpoint{Source: q.Source(), State: raw, Done: done}, At: c.now().UTC(),
	}, after, nil
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return literature.Wait(ctx, d)
}

// ask repeats a question until it is answered, is refused, or patience ends.
func (c *Client) ask(ctx context.Context, s service, v url.Values) ([]byte, error) {
	patience := c.Patience
	if patience <= 0 {
		patience = 10 * time.Minute
	}
	end := c.now().Add(patience)
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		if err := c.sleep(ctx, c.last.Add(max(s.pace, c.pace)).Sub(c.now())); err != nil {
			return nil, lab.Errorf(lab.Unavailable, "%w", err)
		}
		c.last = c.now()
		body, pause, err := c.once(ctx, s, v)
		if err == nil || lab.KindOf(err) != lab.Unavailable || ctx.Err() != nil {
			return body, err
		}
		pause = max(pause, wait)
		if c.now().Add(pause).After(end) {
			return nil, lab.Errorf(lab.Unavailable, "%w; it wants %v more, which is longer than the %v it is waited for", err, pause.Round(time.Second), patience)
		}
		if err := c.sleep(ctx, pause); err != nil {
			return nil, lab.Errorf(lab.Unavailable, "%w", err)
		}
	}
}

// errElsewhere ends a redirection that would take the key to another host.
var errElsewhere = errors.New("it sends us to another host, where our key does not belong")

// once asks once. pause is how long the service wants to be left alone.
func (c *Client) once(ctx context.Context, s service, v url.Values) (body []byte, pause time.Duration, err error) {
	timeout, limit := c.Timeout, c.Bytes
	if timeout <= 0 {
		timeout = time.Minute
	}
	if limit <= 0 {
		limit = 64 << 20
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	base := s.base
	if c.Base != "" {
		base = strings.TrimRight(c.Base, "/")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+s.path+"?"+v.Encode(), nil)
	if err != nil {
		return nil, 0, lab.Errorf(lab.Invalid, "the address %q is none", base)
	}
	r.Header.Set("User-Agent", "athanor (https://github.com/athanor-lab/athanor)")
	r.Header.Set("Accept", "application/json")
	if c.Key != "" && s.key != nil {
		s.key(r, c.Key)
	}
	client := http.Client{Timeout: timeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		if to.URL.Host != r.URL.Host || to.URL.Scheme != r.URL.Scheme || len(via) > 5 {
			return errElsewhere
		}
		return nil
	}
	resp, err := client.Do(r)
	if errors.Is(err, errElsewhere) {
		return nil, 0, lab.Errorf(lab.Invalid, "%w", errElsewhere)
	}
	if err != nil {
		return nil, 0, lab.Errorf(lab.Unavailable, "%w", bare(err))
	}
	defer resp.Body.Close()
	c.heed(resp.Header)
	if resp.StatusCode != http.StatusOK {
		what, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // what it says helps where it can be read
		kind := lab.Unavailable
		if resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusRequestTimeout {
			kind = lab.Invalid
		}
		return nil, retryAfter(resp.Header.Get("Retry-After"), c.now()), lab.Errorf(kind, "it answers %s: %q", resp.Status, strings.ToValidUTF8(strings.TrimSpace(string(what)), ""))
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, 0, lab.Errorf(lab.Unavailable, "the answer breaks off: %w", bare(err))
	}
	if int64(len(body)) > limit {
		return nil, 0, lab.Errorf(lab.Invalid, "the answer is larger than %d bytes; ask for fewer records a page", limit)
	}
	return body, 0, nil
}

// heed takes over the pace that Crossref tells: so many questions an interval.
func (c *Client) heed(h http.Header) {
	n, err := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	every, errEvery := time.ParseDuration(h.Get("X-Rate-Limit-Interval"))
	if err == nil && errEvery == nil && n > 0 && every > 0 {
		c.pace = min(every/time.Duration(n), time.Minute)
	}
}

// retryAfter reads seconds or a date, and 0 from anything else.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && n >= 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// bare takes the address, which may have the key in it, out of an error.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
