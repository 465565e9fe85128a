package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
	"github.com/athanor-lab/athanor/lab"
)

// bundle is a laboratory behind a server on loopback.
type bundle struct {
	t   *testing.T
	lab *apitest.Lab
	url string
}

// setup starts a server over an empty laboratory; tune may change it first.
func setup(t *testing.T, tune ...func(*api.Server)) *bundle {
	t.Helper()
	l := apitest.New(time.Now)
	s := l.Server()
	s.Page = fstest.MapFS{
		"index.html":     {Data: []byte("<!doctype html><title>Athanor</title>")},
		"assets/a-1.js":  {Data: []byte(strings.Repeat("let x = 1;\n", 200))},
		"assets/b-2.css": {Data: []byte("a{}")},
	}
	for _, f := range tune {
		f(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	ln, err := api.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- api.Serve(ctx, ln, s.Handler(), discard()) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return &bundle{t: t, lab: l, url: "http://" + ln.Addr().String()}
}

// campaign submits the first example and returns its id.
func (b *bundle) campaign() lab.CampaignID {
	b.t.Helper()
	id, err := b.lab.Submit(apitest.Examples()[0].Source, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// ask makes a request; header pairs follow the body.
func (b *bundle) ask(method, path, body string, header ...string) (*http.Response, []byte) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: read body: %v", method, path, err)
	}
	return res, got
}

// want makes a request, wants a status, and decodes the answer.
func want[T any](b *bundle, status int, method, path, body string, header ...string) T {
	b.t.Helper()
	res, got := b.ask(method, path, body, header...)
	if res.StatusCode != status {
		b.t.Fatalf("%s %s = %d %s, want %d", method, path, res.StatusCode, got, status)
	}
	var v T
	if len(got) > 0 {
		if err := json.Unmarshal(got, &v); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, got)
		}
	}
	return v
}

// TestPageIsServed wants files with the right types and caching, views in place
// of unknown paths, and never a view in place of a script or an API answer.
func TestPageIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		path, typ, cache string
		status           int
	}{
		{"/", "text/html; charset=utf-8", "no-cache", 200},
		{"/campaigns/cmp_x", "text/html; charset=utf-8", "no-cache", 200},
		{"/../../etc/passwd", "text/html; charset=utf-8", "no-cache", 200},
		{"/assets/a-1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/gone.js", "text/plain; charset=utf-8", "", 404},
		{"/api/v1/nothing", "application/problem+json", "no-store", 404},
		{"/api", "application/problem+json", "no-store", 404},
	} {
		res, _ := b.ask(http.MethodGet, tt.path, "")
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.typ || res.Header.Get("Cache-Control") != tt.cache {
			t.Errorf("GET %s = %d %q %q, want %d %q %q", tt.path, res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"), tt.status, tt.typ, tt.cache)
		}
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"} {
			if res.Header.Get(h) == "" {
				t.Errorf("GET %s has no %s", tt.path, h)
			}
		}
	}
	res, _ := b.ask(http.MethodGet, "/", "")
	if csp := res.Header.Get("Content-Security-Policy"); strings.Contains(csp, "script-src 'self' 'unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy = %q, want no inline scripts and no frames", csp)
	}
	again, _ := b.ask(http.MethodGet, "/", "", "If-None-Match", res.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("GET / with its ETag = %d, want 304", again.StatusCode)
	}
}

// TestPageThatWasNotBuilt says how to build it.
func TestPageThatWasNotBuilt(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *api.Server) { s.Page = fstest.MapFS{".gitkeep": {}} })
	if _, got := b.ask(http.MethodGet, "/", ""); !bytes.Contains(got, []byte("make build")) {
		t.Errorf("GET / = %s, want it to name make build", got)
	}
}

// TestServiceAnswers asks what machines ask.
func TestServiceAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want[struct{}](b, 200, "GET", "/api/v1/health", "")
	want[struct{}](b, 200, "GET", "/api/v1/ready", "")
	if v := want[struct{ Version string }](b, 200, "GET", "/api/v1/version", ""); v.Version != "test" {
		t.Errorf("version = %q, want test", v.Version)
	}
	if e := want[struct{ Items []api.Example }](b, 200, "GET", "/api/v1/examples", ""); len(e.Items) == 0 {
		t.Error("no examples")
	}
	if s := want[map[string]any](b, 200, "GET", "/api/v1/schemas/campaign", ""); s["type"] != "object" {
		t.Errorf("schema = %v, want that of an object", s)
	}
	unready := setup(t, func(s *api.Server) {
		s.Ready = func(context.Context) error { return lab.Errorf(lab.Unavailable, "the broker does not answer") }
	})
	if p := want[api.Problem](unready, 503, "GET", "/api/v1/ready", ""); !strings.Contains(p.Detail, "broker") {
		t.Errorf("detail = %q, want it to say why", p.Detail)
	}
}

// TestPanicIsAProblem wants a fault of ours answered, not a connection cut.
func TestPanicIsAProblem(t *testing.T) {
	t.Parallel()
	l := apitest.New(time.Now)
	s := l.Server()
	s.Ready = func(context.Context) error { panic("s3cr3t") }
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/v1/ready", nil)
	s.Handler().ServeHTTP(rec, req)
	if rec.Code != 500 || rec.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(rec.Body.String(), "s3cr3t") {
		t.Errorf("= %d %s %s, want a problem that keeps the panic to itself", rec.Code, rec.Header().Get("Content-Type"), rec.Body)
	}
}
