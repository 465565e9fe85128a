package campaign_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// laboratory is what the devices of testdata/lab.json offer.
func laboratory(t testing.TB) []lab.Capability {
	t.Helper()
	var out []lab.Capability
	if err := json.Unmarshal(read(t, "testdata/lab.json"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// documents returns the sources of a directory by path.
func documents(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, ext := range []string{"yaml", "json"} {
		paths, err := filepath.Glob(filepath.Join("testdata", dir, "*."+ext))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			out[p] = read(t, p)
		}
	}
	return out
}

// TestGoodDocuments wants no complaint, by itself and before a laboratory that
// can do it all.
func TestGoodDocuments(t *testing.T) {
	t.Parallel()
	docs := documents(t, "good")
	if len(docs) < 8 {
		t.Errorf("%d good documents, want 8 or more", len(docs))
	}
	for path, src := range docs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			for _, capabilities := range [][]lab.Capability{nil, laboratory(t)} {
				doc, problems, _ := campaign.Load(src, "", capabilities)
				for _, p := range problems {
					t.Errorf("%d:%d %s", p.Line, p.Col, p)
				}
				if _, problems := campaign.Compile(doc); problems != nil {
					t.Errorf("Compile: %v", problems)
				}
			}
		})
	}
}

// TestBadDocuments wants all complaints about each document, as they are told
// to its author.
func TestBadDocuments(t *testing.T) {
	t.Parallel()
	docs := documents(t, "bad")
	if len(docs) < 40 {
		t.Errorf("%d bad documents, want 40 or more", len(docs))
	}
	for path, src := range docs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			_, problems, _ := campaign.Load(src, "", laboratory(t))
			if len(problems) == 0 {
				t.Fatal("there is no complaint")
			}
			var got strings.Builder
			for _, p := range problems {
				fmt.Fprintf(&got, "%d:%d %s\n  wrong: %s\n  right: %s\n", p.Line, p.Col, p.Path, p.Wrong, p.Right)
				if p.Wrong == "" || p.Right == "" || p.Line < 1 || p.Col < 1 {
					t.Errorf("half a complaint: %+v", p)
				}
			}
			golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got.String()); diff != "" {
				t.Errorf("run with -update if this is better (-want +got):\n%s", diff)
			}
		})
	}
}
