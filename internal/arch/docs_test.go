package arch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDecisionsAreIndexed wants every decision in the index, once and in the
// order of their numbers: one that is not listed is not found.
func TestDecisionsAreIndexed(t *testing.T) {
	t.Parallel()
	const dir = "../../docs/adr"
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "0*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	want := make([]string, len(files))
	for i, f := range files {
		want[i] = filepath.Base(f)
	}
	var got []string
	for line := range strings.Lines(string(index)) {
		if _, link, ok := strings.Cut(line, "]("); ok && strings.HasPrefix(line, "| [") {
			name, _, _ := strings.Cut(link, ")")
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the index lists %v; want %v", got, want)
	}
}
