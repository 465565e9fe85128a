package push_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/push"
)

// TestPublicServer pushes into a server that is not ours, twice and once more
// with another text, and has a client that is not ours read everything back.
// scripts/validators installs both and runs this test.
func TestPublicServer(t *testing.T) {
	t.Parallel()
	python := datasettest.PublicTools(t)
	cmd := exec.CommandContext(t.Context(), python, "testdata/bucket.py")
	cmd.Stderr = t.Output()
	ask, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	says := bufio.NewScanner(out)
	says.Buffer(nil, 1<<20)
	line := func() string {
		t.Helper()
		if !says.Scan() {
			t.Fatalf("the server said no more: %v", says.Err())
		}
		return says.Text()
	}

	dir, files := folder(t)
	to, err := push.Open("s3+http://"+line()+"/bucket/some/where", keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []push.Report{{Sent: 4}, {There: 4}, {Sent: 1, There: 3}} {
		if i == 2 {
			if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"another":1}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := push.Copy(t.Context(), to, dir, files, "manifest.json")
		if err != nil || got.Sent != want.Sent || got.There != want.There {
			t.Fatalf("push %d: %+v, %v; want %+v", i+1, got, err, want)
		}
	}

	if _, err := io.WriteString(ask, "list\n"); err != nil {
		t.Fatal(err)
	}
	var objects map[string]struct{ SHA256, Metadata string }
	if err := json.Unmarshal([]byte(line()), &objects); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		o := objects["some/where/"+f.Path]
		if o.SHA256 != f.SHA256 || o.Metadata != f.SHA256 {
			t.Errorf("%s is there with the hash %s and says %s, want %s", f.Path, o.SHA256, o.Metadata, f.SHA256)
		}
	}
	if last := objects["some/where/manifest.json"]; last.SHA256 != last.Metadata || len(objects) != len(files)+1 {
		t.Errorf("there are %v", slices.Sorted(maps.Keys(objects)))
	}
	if err := ask.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
