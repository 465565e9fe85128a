package api_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/api/apitest"
)

var update = flag.Bool("update", false, "write golden files")

// TestContractIsKept wants the generated contract to be the one that clients
// were generated from. Write it anew with: go test ./api -run Contract -update
func TestContractIsKept(t *testing.T) {
	t.Parallel()
	got, err := apitest.New(time.Now).Server().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json differs from the code; look at the change, then run go test ./api -run Contract -update (-kept +generated):\n%s", diff)
	}
}
