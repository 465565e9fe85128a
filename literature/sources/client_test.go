package sources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/shelf"
	"github.com/athanor-lab/athanor/literature/sources"
)

// clock is a time that passes only by sleeping.
type clock struct {
	at    time.Time
	slept []time.Duration
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// asked is a client of a server, whose waits cost no time.
func asked(t *testing.T, h http.HandlerFunc) (*sources.Client, *clock) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	return &sources.Client{Base: s.URL, Now: func() time.Time { return c.at }, Sleep: c.sleep}, c
}

// The pages of each service, written by hand from its documentation: 5 works, two
// to a page, of which the third has no title.
const works = 5

func title(i int) string {
	if i == 2 {
		return ""
	}
	return fmt.Sprintf("Work %d", i)
}

// slice returns the works of the page at a cursor.
func slice(cursor string) (from, to int) {
	fmt.Sscanf(cursor, "c%d", &from)
	return from, min(from+2, works)
}

func list(from, to int, one func(i int) string) string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, one(i))
	}
	return strings.Join(out, ",")
}

var servers = map[string]func(t *testing.T, r *http.Request) string{
	"openalex": func(t *testing.T, r *http.Request) string {
		v := r.URL.Query()
		if r.URL.Path != "/works" || v.Get("search") != "dry gel" || v.Get("api_key") != "secret" || v.Get("per-page") != "2" {
			t.Errorf("asked %s", r.URL)
		}
		from, to := slice(v.Get("cursor"))
		next := "null"
		if from < works {
			next = fmt.Sprintf(`"c%d"`, to)
		}
		return fmt.Sprintf(`{"meta":{"count":%d,"next_cursor":%s},"results":[%s]}`, works, next, list(from, to, func(i int) string {
			return fmt.Sprintf(`{"id":"https://openalex.org/W%d","doi":"https://doi.org/10.1000/%d","display_name":%q,"publication_year":2020,"is_retracted":%v,"abstract_inverted_index":{"dried":[0],"gel":[1]},"authorships":[]}`, i, i, title(i), i == 1)
		}))
	},
	"europepmc": func(t *testing.T, r *http.Request) string {
		v := r.URL.Query()
		if r.URL.Path != "/search" || v.Get("query") != "dry gel" || v.Get("resultType") != "core" || v.Get("pageSize") != "2" {
			t.Errorf("asked %s", r.URL)
		}
		from, to := slice(v.Get("cursorMark"))
		return fmt.Sprintf(`{"hitCount":%d,"nextCursorMark":"c%d","resultList":{"result":[%s]}}`, works, to, list(from, to, func(i int) string {
			return fmt.Sprintf(`{"id":"%d","source":"MED","pmid":"%d","doi":"10.1000/%d","title":%q,"authorString":"Ng B.","pubYear":"2020","abstractText":"dried gel","pubTypeList":{"pubType":["%s"]}}`, i+1, i+1, i, title(i), map[bool]string{true: "Retracted Publication", false: "Journal Article"}[i == 1])
		}))
	},
	"semanticscholar": func(t *testing.T, r *http.Request) string {
		v := r.URL.Query()
		if r.URL.Path != "/graph/v1/paper/search/bulk" || v.Get("query") != "dry gel" || r.Header.Get("x-api-key") != "secret" || !strings.Contains(v.Get("fields"), "abstract") {
			t.Errorf("asked %s", r.URL)
		}
		from, to := slice(v.Get("token"))
		token := "null"
		if to < works {
			token = fmt.Sprintf(`"c%d"`, to)
		}
		return fmt.Sprintf(`{"total":%d,"token":%s,"data":[%s]}`, works, token, list(from, to, func(i int) string {
			return fmt.Sprintf(`{"paperId":"%d","externalIds":{"DOI":"10.1000/%d"},"title":%q,"abstract":"dried gel","year":2020,"authors":[{"name":"B. Ng"}]}`, i, i, title(i))
		}))
	},
	"crossref": func(t *testing.T, r *http.Request) string {
		v := r.URL.Query()
		if r.URL.Path != "/works" || v.Get("query") != "dry gel" || v.Get("mailto") != "a@example.org" || v.Get("rows") != "2" || r.Header.Get("Crossref-Plus-API-Token") != "Bearer secret" {
			t.Errorf("asked %s", r.URL)
		}
		from, to := slice(v.Get("cursor"))
		return fmt.Sprintf(`{"status":"ok","message":{"total-results":%d,"next-cursor":"c%d","items":[%s]}}`, works, to, list(from, to, func(i int) string {
			return fmt.Sprintf(`{"DOI":"10.1000/%d","title":[%q],"abstract":"<jats:p>dried gel</jats:p>","issued":{"date-parts":[[2020]]}}`, i, title(i))
		}))
	},
}

// TestEveryServiceIsReadToItsEnd reads all pages into a store, in a new process
// each, and wants every work once and the one without a title held back.
func TestEveryServiceIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for _, name := range sources.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := asked(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, servers[name](t, r)) })
			c.Key = "secret"
			q := sources.Query{Service: name, Text: "dry gel", Rows: 2, Mail: "a@example.org"}
			dir := t.TempDir()
			for range 20 {
				store := shelf.Open(dir) // a process that was killed knows only what is kept
				k, _, err := store.Checkpoint(t.Context(), "c", q.Source())
				if err != nil {
					t.Fatal(err)
				}
				if k.Done {
					break
				}
				var state sources.State
				if len(k.State) > 0 {
					if err := json.Unmarshal(k.State, &state); err != nil {
						t.Fatal(err)
					}
				}
				if state.Pages > 5 {
					t.Fatal("there is no end")
				}
				b, _, err := c.Page(t.Context(), q, state)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := store.Import(t.Context(), "c", b); err != nil {
					t.Fatal(err)
				}
			}
			papers, err := shelf.Open(dir).Papers(t.Context(), "c")
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, p := range papers {
				ids = append(ids, p.ID)
				if p.Abstract != "dried gel" || p.Year != 2020 {
					t.Errorf("read %+v", p)
				}
			}
			if diff := cmp.Diff([]string{"doi:10.1000/0", "doi:10.1000/1", "doi:10.1000/3", "doi:10.1000/4"}, ids); diff != "" {
				t.Errorf("works (-want +got):\n%s", diff)
			}
			if held, err := shelf.Open(dir).Quarantined(t.Context(), "c"); err != nil || len(held) != 1 {
				t.Errorf("held back %+v, %v", held, err)
			}
		})
	}
}

// TestLimitsAreKept wants Retry-After waited for, in seconds and as a date, and the
// pace that a service tells.
func TestLimitsAreKept(t *testing.T) {
	t.Parallel()
	n := 0
	var c *sources.Client
	var k *clock
	c, k = asked(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("X-Rate-Limit-Limit", "2")
		w.Header().Set("X-Rate-Limit-Interval", "10s")
		switch n {
		case 1:
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("Retry-After", k.at.Add(30*time.Second).Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, `{"message":{"items":[]}}`)
		}
	})
	for range 2 {
		if _, _, err := c.Page(t.Context(), sources.Query{Service: "crossref", Text: "x"}, sources.State{}); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{17 * time.Second, 30 * time.Second, 5 * time.Second}
	if diff := cmp.Diff(want, k.slept); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// TestServicesThatFail wants an error that says what a caller can do, soon, and
// with no key in it.
func TestServicesThatFail(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   lab.ErrorKind
	}{
		"Down":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, lab.Unavailable},
		"WrongKey":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such key", http.StatusUnauthorized) }, lab.Invalid},
		"HTML":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") }, lab.Unavailable},
		"OtherJSON": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"hello":1}`) }, lab.Unavailable},
		"TooMuch":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 1<<17)) }, lab.Invalid},
		"Hangs": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, lab.Unavailable},
		"Elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?"+r.URL.RawQuery, http.StatusFound)
		}, lab.Invalid},
		"WantsAYear": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "900000")
			w.WriteHeader(http.StatusTooManyRequests)
		}, lab.Unavailable},
		"BreaksOff": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"meta"`)
		}, lab.Unavailable},
		"HalfAPage":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"meta":{"count":1},"results":[{"id`) }, lab.Unavailable},
		"NotAnObject": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[1,2`) }, lab.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, k := asked(t, c.answer)
			client.Key, client.Bytes, client.Timeout = "secret", 1<<16, 5*time.Second
			if name == "Hangs" {
				client.Timeout = 50 * time.Millisecond
			}
			_, state, err := client.Page(t.Context(), sources.Query{Service: "openalex", Text: "x"}, sources.State{Cursor: "c2", Pages: 1})
			if err == nil || lab.KindOf(err) != c.kind {
				t.Errorf("got %v, want an error of kind %s", err, c.kind)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("the key stands in %v", err)
			}
			if state.Cursor != "c2" || state.Pages != 1 {
				t.Errorf("it goes on at %+v", state)
			}
			if waited := k.at.Sub(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)); waited > 11*time.Minute {
				t.Errorf("waited %v", waited)
			}
		})
	}
}

// TestACursorThatStandsStillIsTheEnd reads from a service that leads in a circle.
func TestACursorThatStandsStillIsTheEnd(t *testing.T) {
	t.Parallel()
	c, _ := asked(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"meta":{"count":9,"next_cursor":"same"},"results":[{"id":"1","display_name":"A work","authorships":[]}]}`)
	})
	b, _, err := c.Page(t.Context(), sources.Query{Service: "openalex", Text: "x"}, sources.State{Cursor: "same", Pages: 3})
	if err != nil || b.Checkpoint == nil || !b.Checkpoint.Done {
		t.Errorf("got %+v, %v; want the end", b.Checkpoint, err)
	}
}

// TestRefusals names what is not there.
func TestRefusals(t *testing.T) {
	t.Parallel()
	c := new(sources.Client)
	for _, q := range []sources.Query{{Service: "scopus", Text: "x"}, {Service: "openalex", Text: " "}} {
		if _, _, err := c.Page(t.Context(), q, sources.State{}); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%+v: got %v, want an error of kind invalid", q, err)
		}
	}
}
