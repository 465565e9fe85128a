package export_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/export"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tasks"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

func freeze(t *testing.T, a dataset.Archive) snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.CreateFrom(t.Context(), t.TempDir(), a, dataset.Selection{}, snapshot.Options{Splits: snapshot.DefaultSplits()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Verify(s.Dir); err != nil {
		t.Fatal(err)
	}
	return s
}

func archive(t *testing.T, campaigns, n int) *datasettest.Archive {
	t.Helper()
	a, err := datasettest.NewArchive(campaigns, n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestEqualSnapshotsGiveEqualBytes writes every format twice, on one processor
// and on two, wants equal bytes, and that they verify. It sets GOMAXPROCS and so
// runs by itself.
func TestEqualSnapshotsGiveEqualBytes(t *testing.T) {
	s := freeze(t, archive(t, 2, 30))
	for _, format := range export.Formats {
		var first map[string]string
		for _, cores := range []int{1, 2} {
			was := runtime.GOMAXPROCS(cores)
			dir := filepath.Join(t.TempDir(), format)
			out, err := export.Write(s, format, dir, export.Options{})
			runtime.GOMAXPROCS(was)
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			if _, err := snapshot.Verify(out.Dir); err != nil {
				t.Errorf("%s: %v", format, err)
			}
			files := datasettest.Tree(t, dir)
			if first == nil {
				first = files
			} else if d := cmp.Diff(slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(files))); d != "" || !maps.Equal(first, files) {
				t.Errorf("%s differs on two processors: %s", format, d)
			}
		}
	}
}

// TestTamperedExportsAreFound changes a byte of every file of every format.
func TestTamperedExportsAreFound(t *testing.T) {
	t.Parallel()
	s := freeze(t, archive(t, 1, 12))
	for _, format := range export.Formats {
		dir := filepath.Join(t.TempDir(), format)
		if _, err := export.Write(s, format, dir, export.Options{}); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		for path, content := range datasettest.Tree(t, dir) {
			if content == "" {
				continue
			}
			full := filepath.Join(dir, path)
			b := []byte(content)
			b[len(b)/2] ^= 1
			if err := os.WriteFile(full, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Verify(dir); err == nil {
				t.Errorf("%s: a changed byte of %s was not found", format, path)
			}
			if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rows reads a file of JSON lines.
func rows[T any](t *testing.T, content string) []T {
	t.Helper()
	var all []T
	lines := bufio.NewScanner(strings.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestAllTemplatesHaveRows wants rows of each of the ten templates and of what
// is learnt besides, no field null, and cards that parse back.
func TestAllTemplatesHaveRows(t *testing.T) {
	t.Parallel()
	s := freeze(t, archive(t, 2, 40))
	dir := t.TempDir()
	for _, format := range []string{"chat", "preference", "jsonl"} {
		if _, err := export.Write(s, format, filepath.Join(dir, format), export.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	count := map[string]int{}
	for path, content := range datasettest.Tree(t, dir) {
		if !strings.HasSuffix(path, ".jsonl") || strings.Contains(path, "splits") {
			continue
		}
		if strings.Contains(content, "null") {
			t.Errorf("%s has a null", path)
		}
		parts := strings.Split(filepath.ToSlash(path), "/")
		count[parts[len(parts)-2]] += strings.Count(content, "\n")
		if strings.HasPrefix(parts[len(parts)-2], "chat_") {
			for _, c := range rows[tasks.Chat](t, content) {
				if len(c.Messages) != 3 || c.Messages[2].Content == "" {
					t.Errorf("%s: %+v", path, c)
				}
			}
		}
	}
	for _, template := range tasks.Templates {
		if count["chat_"+template] == 0 || count["prompt_"+template] != count["chat_"+template] {
			t.Errorf("%s: %d conversations and %d prompts", template, count["chat_"+template], count["prompt_"+template])
		}
	}
	for _, kind := range []string{"pairs", "labelled", "stepwise", "reward", "calibration"} {
		if count[kind] == 0 {
			t.Errorf("no rows of %s", kind)
		}
	}
	err := s.EachRow(func(line []byte) error {
		var e dataset.Experiment
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		card := text.CardOf(e)
		got, err := text.Parse(card.Render())
		if d := cmp.Diff(card, got); d != "" {
			t.Errorf("card of %d: %s", e.Number, d)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPromptsKnowNothingOfLater changes what became known after each decision,
// and wants every prompt of a proposal and a forecast to stay as it was.
func TestPromptsKnowNothingOfLater(t *testing.T) {
	t.Parallel()
	prompts := func(change func(a *datasettest.Archive, at int)) map[string]map[int]string {
		out := map[string]map[int]string{tasks.ProposeNext: {}, tasks.Forecast: {}}
		for at := 5; at <= 20; at += 5 {
			a := archive(t, 1, 20)
			if change != nil {
				change(a, at)
			}
			m := &tasks.Maker{Campaigns: nil}
			s := freeze(t, a)
			lines, err := s.Campaigns()
			if err != nil {
				t.Fatal(err)
			}
			m.Campaigns = map[string]lab.Document{}
			for _, l := range lines {
				m.Campaigns[l.Campaign.ID.String()] = l.Campaign.Document
			}
			err = s.EachRow(func(line []byte) error {
				var e dataset.Experiment
				if err := json.Unmarshal(line, &e); err != nil {
					return err
				}
				return m.Add(e, "train", func(task tasks.Task) error {
					if e.Number == at && out[task.Template] != nil {
						out[task.Template][at] = task.Prompt
					}
					return nil
				})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	want := prompts(nil)
	got := prompts(func(a *datasettest.Archive, at int) {
		decided := a.All[at-1].Commitment.CommittedAt
		for i := range a.All {
			r := &a.All[i]
			if !r.RecordedAt.Before(decided) && i != at-1 {
				for j := range r.Outcome.Observed {
					r.Outcome.Observed[j].Value += 7
				}
			}
			if r.RecordedAt.Before(decided) { // a correction that came later
				x := 99.0
				r.Corrections = append(r.Corrections, dataset.KnownCorrection{
					Correction: dataset.Correction{Kind: "observed", By: "ada", Why: "later", Objective: "yield", Value: &x}, RecordedAt: decided.AddDate(1, 0, 0),
				})
			}
		}
	})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("a later fact is in a prompt:\n%s", d)
	}
	if len(want[tasks.ProposeNext]) != 4 || !strings.Contains(want[tasks.ProposeNext][20], "experiments are known") {
		t.Fatalf("the prompts have no context: %v", want)
	}
	earlier := prompts(func(a *datasettest.Archive, at int) {
		for j := range a.All[0].Outcome.Observed {
			a.All[0].Outcome.Observed[j].Value -= 500
		}
	})
	if cmp.Equal(want[tasks.ProposeNext], earlier[tasks.ProposeNext]) {
		t.Error("an earlier fact is in no prompt: the test could not fail")
	}
}

// TestRefusals wants what cannot be exported said, and nothing overwritten.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := freeze(t, archive(t, 1, 5))
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exported := filepath.Join(t.TempDir(), "x")
	out, err := export.Write(s, "jsonl", exported, export.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cut := freeze(t, archive(t, 1, 6))
	index := filepath.Join(cut.Dir, "data", "index.jsonl")
	if err := os.Truncate(index, 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		s           snapshot.Snapshot
		format, dir string
		split       string
		says        string
	}{
		"Format":   {s, "xml", filepath.Join(t.TempDir(), "a"), "", "none of parquet"},
		"Folder":   {s, "csv", full, "", "not empty"},
		"Split":    {s, "chat", filepath.Join(t.TempDir(), "b"), "nonsense", "random_grouped"},
		"Export":   {out, "csv", filepath.Join(t.TempDir(), "c"), "", "is an export"},
		"CutShort": {cut, "csv", filepath.Join(t.TempDir(), "d"), "", "fewer lines"},
	} {
		if _, err := export.Write(c.s, c.format, c.dir, export.Options{Split: c.split}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
	}
}
