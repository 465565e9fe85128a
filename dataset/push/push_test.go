package push_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/dataset/push"
	"github.com/athanor-lab/athanor/lab"
)

// bucket is a store that speaks as much of S3 as a push asks for: objects with
// their metadata, whole or in parts.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	meta    map[string]string
	parts   map[string][]byte
	puts    int
	refuse  int // this many objects are taken, then none
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := r.URL.Query()
	key := r.URL.Path
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=key/") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch {
	case r.Method == http.MethodHead:
		o, ok := b.objects[key]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("X-Amz-Meta-Sha256", b.meta[key])
		w.Header().Set("Content-Length", strconv.Itoa(len(o)))
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
	case r.Method == http.MethodPost && q.Has("uploads"):
		b.meta[key] = r.Header.Get("X-Amz-Meta-Sha256")
		fmt.Fprintf(w, `<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`)
	case r.Method == http.MethodPost && q.Has("uploadId"):
		b.objects[key] = b.parts[key]
		b.puts++
		fmt.Fprintf(w, `<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>k</Key><ETag>x</ETag></CompleteMultipartUploadResult>`)
	case r.Method == http.MethodPut:
		if b.puts >= b.refuse {
			w.WriteHeader(http.StatusBadRequest)
			_ = xml.NewEncoder(w).Encode(struct {
				XMLName xml.Name `xml:"Error"`
				Code    string
			}{Code: "QuotaExceeded"})
			return
		}
		body := chunks(r)
		w.Header().Set("ETag", `"x"`)
		if q.Has("uploadId") {
			b.parts[key] = append(b.parts[key], body...)
			return
		}
		b.objects[key], b.meta[key] = body, r.Header.Get("X-Amz-Meta-Sha256")
		b.puts++
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// chunks reads a body that is signed chunk by chunk, or any other.
func chunks(r *http.Request) []byte {
	all, _ := io.ReadAll(r.Body)
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return all
	}
	var out []byte
	for rest := string(all); ; {
		head, after, ok := strings.Cut(rest, "\r\n")
		size, _, _ := strings.Cut(head, ";")
		var n int
		if _, err := fmt.Sscanf(size, "%x", &n); !ok || err != nil || n == 0 || n > len(after) {
			return out
		}
		out = append(out, after[:n]...)
		rest = strings.TrimPrefix(after[n:], "\r\n")
	}
}

func folder(t *testing.T) (string, []push.File) {
	t.Helper()
	dir := t.TempDir()
	var files []push.File
	for name, size := range map[string]int{"a.jsonl": 10, "data/b.parquet": 20 << 20, "c.csv": 0} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i * 7)
		}
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, b, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		files = append(files, push.File{Path: name, SHA256: hex.EncodeToString(sum[:])})
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

func keys(name string) string {
	return map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}[name]
}

// TestPushGoesOn breaks a push off after two files, and wants the next to send
// the rest only, the manifest last, with the bytes of the folder at the end.
func TestPushGoesOn(t *testing.T) {
	t.Parallel()
	dir, files := folder(t)
	b := &bucket{objects: map[string][]byte{}, meta: map[string]string{}, parts: map[string][]byte{}, refuse: 2}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	to, err := push.Open("s3+http://"+strings.TrimPrefix(srv.URL, "http://")+"/bucket/some/where", keys)
	if err != nil {
		t.Fatal(err)
	}
	first, err := push.Copy(t.Context(), to, dir, files, "manifest.json")
	if err == nil || first.Sent != 2 || b.objects["/bucket/some/where/manifest.json"] != nil {
		t.Fatalf("sent %d of a store that takes two, error %v", first.Sent, err)
	}
	b.refuse = 100
	second, err := push.Copy(t.Context(), to, dir, files, "manifest.json")
	if err != nil || second.There != 2 || second.Sent != 2 {
		t.Fatalf("the second push: %+v, %v; want two there and two sent", second, err)
	}
	for _, f := range files {
		sum := sha256.Sum256(b.objects["/bucket/some/where/"+f.Path])
		if got := hex.EncodeToString(sum[:]); got != f.SHA256 {
			t.Errorf("%s arrived with the hash %s, want %s", f.Path, got, f.SHA256)
		}
	}
}

// TestPushToADirectory pushes twice, spoils a file and pushes again.
func TestPushToADirectory(t *testing.T) {
	t.Parallel()
	dir, files := folder(t)
	there := filepath.Join(t.TempDir(), "share")
	for i, want := range []push.Report{{Sent: 4}, {There: 4}, {Sent: 1, There: 3}} {
		if i == 2 {
			if err := os.WriteFile(filepath.Join(there, "a.jsonl"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		to, err := push.Open("file://"+there, keys)
		if err != nil {
			t.Fatal(err)
		}
		got, err := push.Copy(context.Background(), to, dir, files, "manifest.json")
		if err != nil || got.Sent != want.Sent || got.There != want.There {
			t.Errorf("push %d: %+v, %v; want %+v", i+1, got, err, want)
		}
	}
}

func TestWhereIsChecked(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"", "ftp://x/y", "s3://host", "file://host/x", "s3:///bucket", "%zz"} {
		if _, err := push.Open(where, keys); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%q: %v, want it refused", where, err)
		}
	}
}
