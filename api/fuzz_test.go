package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/api/apitest"
)

// FuzzNoRequestIsOurFault sends what anybody could send and wants an answer that
// blames the request, never the server.
func FuzzNoRequestIsOurFault(f *testing.F) {
	for _, seed := range []struct{ method, path, query, typ, body string }{
		{"GET", "/api/v1/campaigns", "limit=3&cursor=MTpub25zZW5zZQ&state=running,x", "", ""},
		{"POST", "/api/v1/campaigns", "", "application/yaml", "title: x\nspace: {parameters: [{min: 1}]}"},
		{"POST", "/api/v1/campaigns/check", "", "application/json", `{"space":{"parameters":null}}`},
		{"POST", "/api/v1/campaigns/cmp_0199c0de-0000-7000-8000-000000000001/pause", "", "application/json", `{"by":"a"}`},
		{"POST", "/api/v1/commands/cmd_0199c0de-0000-8000-8000-000000000001/resolve", "", "application/json", `{"outcome":"done","by":"a","reason":"b"}`},
		{"GET", "/api/v1/campaigns/x/experiments/99999999999999999999", "after=-1", "", ""},
		{"GET", "/../%2e%2e/etc/passwd", "", "", ""},
		{"PUT", "/assets/x", "", "text/plain", "\x00"},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.typ, seed.body)
	}
	handler := apitest.New(time.Now).Server().Handler()
	f.Fuzz(func(t *testing.T, method, path, query, typ, body string) {
		if path == "/api/v1/events" || strings.HasSuffix(path, "/events/") {
			return // goes on until somebody leaves
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1/", strings.NewReader(body))
		if err != nil {
			return // no client can send it
		}
		req.URL = &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/" + strings.TrimPrefix(path, "/"), RawQuery: query}
		req.Header["Content-Type"] = []string{typ}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		if rec.Code >= 500 {
			t.Errorf("%s %q ? %q %s %q = %d %s", method, path, query, typ, body, rec.Code, rec.Body)
		}
	})
}
