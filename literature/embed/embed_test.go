package embed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/embed"
)

// server answers as OpenAI's embeddings and TEI do, written from their
// documentation: a text's vector is its length and one.
func server(t *testing.T) (base string, asked *int) {
	t.Helper()
	asked = new(int)
	vector := func(s string) []float64 { return []float64{float64(len(s)), 1} }
	mux := http.NewServeMux()
	read := func(r *http.Request, v any) {
		if err := json.NewDecoder(r.Body).Decode(v); err != nil || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("asked %s: %v", r.URL, err)
		}
	}
	write := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("POST /embeddings", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Model string
			Input []string
		}
		read(r, &q)
		*asked += len(q.Input)
		var data []any
		for i, v := range slices.Backward(q.Input) { // in any order, by their numbers
			data = append(data, map[string]any{"index": i, "embedding": vector(v)})
		}
		write(w, map[string]any{"object": "list", "model": q.Model, "data": data})
	})
	mux.HandleFunc("POST /embed", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Inputs []string }
		read(r, &q)
		*asked += len(q.Inputs)
		var out [][]float64
		for _, s := range q.Inputs {
			out = append(out, vector(s))
		}
		write(w, out)
	})
	mux.HandleFunc("POST /rerank", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Query string
			Texts []string
		}
		read(r, &q)
		out := []any{}
		for i, s := range q.Texts[:min(3, len(q.Texts))] {
			out = append(out, map[string]any{"index": i, "score": strings.Count(s, q.Query)})
		}
		write(w, out)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, asked
}

func client(base string, kind embed.Kind) *embed.Client {
	return &embed.Client{Base: base, Kind: kind, Model: "m", Key: "secret", Batch: 2, Timeout: 5 * time.Second, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// TestEmbed wants each text's own vector, at length one, from both kinds.
func TestEmbed(t *testing.T) {
	t.Parallel()
	base, _ := server(t)
	for _, kind := range []embed.Kind{embed.OpenAI, embed.TEI} {
		got, err := client(base, kind).Embed(t.Context(), []string{"a", "", "ccc", strings.Repeat("é", 6000)})
		if err != nil || len(got) != 4 {
			t.Fatalf("%s: %v, %v", kind, got, err)
		}
		for i, n := range []float32{1, 1, 3, 8000} {
			if ratio := got[i][0] / got[i][1]; ratio < n*0.999 || ratio > n*1.001 {
				t.Errorf("%s: vector %d is %v, want the one of a text of %g bytes", kind, i, got[i], n)
			}
		}
	}
}

// TestRerank wants the best first and what was left out behind.
func TestRerank(t *testing.T) {
	t.Parallel()
	base, _ := server(t)
	got, err := client(base, embed.TEI).Rerank(t.Context(), "x", []string{"x", "", "xxx", "xxxxx"})
	if diff := cmp.Diff([]int{2, 0, 1, 3}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestCacheAsksOnce tears the end of the file too, as a crash may.
func TestCacheAsksOnce(t *testing.T) {
	t.Parallel()
	base, asked := server(t)
	dir := t.TempDir()
	open := func() *embed.Cache {
		t.Helper()
		k, err := client(base, embed.OpenAI).Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first, err := open().Embed(t.Context(), []string{"a", "bb", "ccc"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := open().Embed(t.Context(), []string{"ccc", "a", "dddd"})
	if err != nil || *asked != 4 || !cmp.Equal(again[0], first[2]) {
		t.Errorf("asked for %d texts of 4, %v", *asked, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], whole[:len(whole)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := open().Embed(t.Context(), []string{"a", "bb", "ccc", "dddd"}); err != nil {
			t.Fatal(err)
		}
	}
	if *asked != 5 {
		t.Errorf("asked for %d texts, want the torn one once more", *asked)
	}
}

// TestEndpointsThatFailOrLie wants an error that says what a caller can do.
func TestEndpointsThatFailOrLie(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		status int
		kind   lab.ErrorKind
	}{
		"Fewer":    {`[[1,2]]`, 200, lab.Invalid},
		"Zero":     {`[[0,0],[1,2]]`, 200, lab.Invalid},
		"Uneven":   {`[[1,0],[1,2,3]]`, 200, lab.Invalid},
		"NoNumber": {`[["x"],[1]]`, 200, lab.Invalid},
		"Huge":     {`[[1e99],[1]]`, 200, lab.Invalid},
		"HTML":     {`<html>`, 200, lab.Invalid},
		"Busy":     {``, 503, lab.Unavailable},
		"NoKey":    {``, 401, lab.Invalid},
		"TooMuch":  {strings.Repeat(" ", 1<<17), 200, lab.Invalid},
		"Hangs":    {``, 0, lab.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // a hang is noticed only once the question is read
				if c.status == 0 {
					<-r.Context().Done()
					return
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.answer)
			}))
			t.Cleanup(s.Close)
			e := client(s.URL, embed.TEI)
			e.Bytes = 1 << 16
			if name == "Hangs" {
				e.Timeout, e.Attempts = 50*time.Millisecond, 2
			}
			if _, err := e.Embed(t.Context(), []string{"a", "b"}); err == nil || lab.KindOf(err) != c.kind || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want an error of kind %s", err, c.kind)
			}
		})
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"index":7,"score":1}]`) }))
	t.Cleanup(s.Close)
	if _, err := client(s.URL, embed.TEI).Rerank(t.Context(), "x", []string{"a"}); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a text that was not given: %v", err)
	}
}
