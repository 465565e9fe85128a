package shelf_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/literaturetest"
	"github.com/athanor-lab/athanor/literature/shelf"
)

func TestStore(t *testing.T) {
	t.Parallel()
	literaturetest.Exercise(t, func(t *testing.T) literature.Store { return shelf.Open(t.TempDir()) })
}

var batch = literature.Batch{
	Source: "a", Digest: "d", Format: "x", At: time.Unix(0, 0).UTC(),
	Papers: []literature.Paper{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}},
}

// TestAnotherProcessSees has two shelves in one directory see what the other
// wrote.
func TestAnotherProcessSees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := shelf.Open(dir), shelf.Open(dir)
	if _, err := one.Import(t.Context(), "c", batch); err != nil {
		t.Fatal(err)
	}
	if err := two.Judge(t.Context(), "c", literature.Judgement{Paper: "b", Reviewer: "x", Label: literature.Relevant}); err != nil {
		t.Fatal(err)
	}
	if got, err := one.Judgements(t.Context(), "c", ""); err != nil || len(got) != 1 {
		t.Errorf("one sees %v, %v", got, err)
	}
}

// TestEveryTornEndIsCutOff cuts the log after each byte of its last line, as a
// crash may, and wants what came before it, and a next line that is whole.
func TestEveryTornEndIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := filepath.Join(dir, "c", "corpus.jsonl")
	s := shelf.Open(dir)
	if _, err := s.Import(t.Context(), "c", batch); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	say := literature.Judgement{Paper: "a", Reviewer: "x", Label: literature.Relevant, At: time.Unix(5, 0).UTC()}
	if err := s.Judge(t.Context(), "c", say); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(before); n < len(after); n++ {
		if err := os.WriteFile(log, after[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s := shelf.Open(dir)
		if got, err := s.Judgements(t.Context(), "c", ""); err != nil || len(got) != 0 {
			t.Fatalf("cut at %d: %v, %v", n, got, err)
		}
		if err := s.Judge(t.Context(), "c", say); err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if got, err := shelf.Open(dir).Judgements(t.Context(), "c", ""); err != nil || len(got) != 1 {
			t.Fatalf("cut at %d, written again: %v, %v", n, got, err)
		}
	}
}

// TestDamageIsTold wants an error that names the place, not a guess.
func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := shelf.Open(dir)
	if _, err := s.Import(t.Context(), "c", batch); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "c", "corpus.jsonl")
	src, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	src[3] = 0
	if err := os.WriteFile(log, src, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := shelf.Open(dir).Papers(t.Context(), "c"); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a damaged log: %v", err)
	}
}
