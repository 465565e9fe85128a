package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// unbuilt is what stands where the page would be.
const unbuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Athanor</title>
<body><h1>The page was not built</h1><p>The API answers under <a href="/api/v1/openapi.json">/api/v1</a>. Build the page with <code>make build</code> and start again.</p></body></html>
`

// asset is a file of the page, compressed once.
type asset struct {
	raw, gz   []byte
	etag, typ string
}

// page serves the built page. Every path that is no file of it is one of its
// views, which the page itself tells apart.
func (s *Server) page() http.Handler {
	assets, err := readAssets(s.Page)
	if err != nil {
		s.logger().Error("web page cannot be read", "err", err)
	}
	if assets["index.html"] == nil {
		assets = map[string]*asset{"index.html": newAsset("index.html", []byte(unbuilt))}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case isAPI(r.URL.Path):
			(&Problem{
				Type: problemType("not_found"), Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound,
				Detail: fmt.Sprintf("Nothing answers at %s; %s/openapi.json says what does.", r.URL.Path, basePath), Instance: instanceOf(r.Context()),
			}).write(w)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			(&Problem{
				Type: problemType("method_not_allowed"), Title: http.StatusText(http.StatusMethodNotAllowed), Status: http.StatusMethodNotAllowed,
				Detail: "The page answers GET and HEAD.", Instance: instanceOf(r.Context()),
			}).write(w)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		a := assets[name]
		if a == nil && strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r) // of an older page; a view in its place would not be a script
			return
		}
		if a == nil {
			name, a = "index.html", assets["index.html"]
		}
		a.serve(w, r, strings.HasPrefix(name, "assets/"))
	})
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request, immutable bool) {
	h := w.Header()
	h.Set("ETag", a.etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if immutable { // its name has its hash
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.typ)
	b := a.raw
	if a.gz != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		b = a.gz
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the reader may be gone
	}
}

func readAssets(page fs.FS) (map[string]*asset, error) {
	assets := map[string]*asset{}
	if page == nil {
		return assets, nil
	}
	err := fs.WalkDir(page, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		b, err := fs.ReadFile(page, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		assets[name] = newAsset(name, b)
		return nil
	})
	if err != nil {
		return assets, fmt.Errorf("read web page: %w", err)
	}
	return assets, nil
}

func newAsset(name string, b []byte) *asset {
	sum := sha256.Sum256(b)
	a := &asset{raw: b, etag: `"` + hex.EncodeToString(sum[:8]) + `"`, typ: mediaTypeOf(name)}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level exists
	_, _ = z.Write(b)                                          // a buffer takes all
	_ = z.Close()
	if zipped.Len() < len(b)*9/10 {
		a.gz = zipped.Bytes()
	}
	return a
}

// mediaTypeOf does not ask the machine for what the page is made of: some have
// odd ideas of what a script is.
func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// isAPI reports whether a path is of the API, answered or not.
func isAPI(p string) bool { return p == "/api" || strings.HasPrefix(p, "/api/") }
