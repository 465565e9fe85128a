package e2e_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// TestOneCommandRunsACampaign is the shortest way to understand the house: one
// command, a real campaign from its document to its dataset.
func TestOneCommandRunsACampaign(t *testing.T) {
	t.Parallel()
	data := folder(t)
	first := run(t, nil, up(data, "--demo", "--exit")...)
	if status := first.status(3 * time.Minute); status != 0 {
		t.Fatalf("up --demo --exit ended with status %d:\n%s", status, first.said())
	}
	export := exported(t, data)
	if n := bytes.Count(export, []byte("\n")); n != 24 {
		t.Errorf("the dataset has %d experiments, want 24", n)
	}
	wantWorldInOrder(t, data, export)

	// Again on the same directory: the campaign is there, and complete.
	again := run(t, nil, up(data, "--demo", "--exit")...)
	if status := again.status(time.Minute); status != 0 || !strings.Contains(again.said(), "completed") {
		t.Errorf("the second start ended with status %d:\n%s", status, again.said())
	}
	if second := exported(t, data); !bytes.Equal(export, second) {
		t.Error("the second start exported another dataset")
	}
}

// TestPersonSteersACampaign submits, pauses, resumes, watches, exports and
// aborts by the command line.
func TestPersonSteersACampaign(t *testing.T) {
	t.Parallel()
	data := folder(t)
	l := run(t, nil, up(data)...)
	url := l.url()
	doc := "../../examples/campaigns/01-reaction-yield.yaml"
	var id string
	eventually(t, time.Minute, "the devices", func() bool {
		out, _, status := command(t, url, "campaign", "submit", doc, "--key", "steered")
		id = strings.TrimSpace(out)
		return status == 0
	})
	if same := mustCommand(t, url, "campaign", "submit", doc, "--key", "steered"); same != id {
		t.Errorf("the same document under the same key is %s, want %s", same, id)
	}
	mustCommand(t, url, "campaign", "pause", id, "--by", "ana", "--reason", "lunch")
	if out, errs, status := command(t, url, "campaign", "pause", id); status != 3 || !strings.Contains(errs, "paused already") {
		t.Errorf("a second pause ended with status %d: %s%s", status, out, errs)
	}
	p, ok := progress(t, url, id)
	if !ok || p.State != lab.Paused || p.Reason != "paused by ana: lunch" {
		t.Errorf("the campaign is %q, %q; want paused by ana: lunch", p.State, p.Reason)
	}
	mustCommand(t, url, "campaign", "resume", id)
	eventually(t, time.Minute, "a step that waits for a device of another experiment", func() bool {
		return strings.Contains(mustCommand(t, url, "campaign", "waits", id), ", held by experiment ")
	})
	if out, errs, status := command(t, url, "campaign", "watch", id); status != 0 || !strings.Contains(errs, "completed") {
		t.Errorf("watching ended with status %d:\n%s%s", status, out, errs)
	}
	file := filepath.Join(t.TempDir(), "yields.csv")
	mustCommand(t, url, "campaign", "export", id, "--format", "csv", "-o", file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 25 {
		t.Errorf("the table has %d rows (%v), want a head and 24", len(rows), err)
	}
	if out, errs, status := command(t, url, "campaign", "abort", id); status != 3 || !strings.Contains(errs, "has ended") {
		t.Errorf("aborting what has ended gave status %d: %s%s", status, out, errs)
	}

	second := mustCommand(t, url, "campaign", "submit", doc)
	mustCommand(t, url, "campaign", "abort", second, "--by", "ana", "--reason", "wrong base")
	eventually(t, time.Minute, "the abort", func() bool {
		p, ok := progress(t, url, second)
		return ok && p.State == lab.Aborted
	})
	nobody := lab.CommandID{1}.String()
	if _, errs, status := command(t, url, "device", "resolve", nobody, "--outcome", "done", "--by", "ana", "--reason", "looked"); status != 3 || !strings.Contains(errs, nobody) {
		t.Errorf("resolving what nobody sent ended with status %d: %s", status, errs)
	}
	if list := mustCommand(t, url, "campaign", "list"); !strings.Contains(list, "aborted") || !strings.Contains(list, "completed") {
		t.Errorf("the list is\n%s", list)
	}
}

// TestTableAnswersWithMeasuredRows runs the acceptance campaign over tables of
// real measurements: every observation is one that was measured.
func TestTableAnswersWithMeasuredRows(t *testing.T) {
	t.Parallel()
	tables := os.Getenv("ATHANOR_DATA")
	if tables == "" {
		t.Skip("not run: ATHANOR_DATA names no folder of measured tables")
	}
	tables = filepath.Join(tables, "optimisation")
	data := folder(t)
	l := run(t, nil, up(data, "--tables", tables)...)
	url := l.url()
	var id string
	eventually(t, time.Minute, "the table's instrument", func() bool {
		out, _, status := command(t, url, "campaign", "submit", "../../examples/campaigns/direct-arylation.yaml")
		id = strings.TrimSpace(out)
		return status == 0
	})
	if _, errs, status := command(t, url, "campaign", "watch", id); status != 0 {
		t.Fatalf("the campaign ended with status %d:\n%s", status, errs)
	}
	measured := measuredRows(t, filepath.Join(tables, "direct_arylation", "table.csv"))
	export := mustCommand(t, url, "campaign", "export", id)
	n := 0
	for line := range strings.Lines(export + "\n") {
		n++
		row := readRow(t, line)
		if want, ok := measured[row.conditions()]; !ok || !same(want, row.observed()) {
			t.Errorf("experiment %d at %s observed %v, the table says %v", row.Number, row.conditions(), row.observed(), want)
		}
	}
	if n != 40 {
		t.Errorf("%d experiments were done, want 40", n)
	}
}

// TestPersonDecidesOnAFailedStep wants a step whose policy is to ask to wait for
// a person, whose advice by the command line ends the wait.
func TestPersonDecidesOnAFailedStep(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), folder(t)
	src, err := os.ReadFile("../../examples/labs/demo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clumsy := filepath.Join(dir, "clumsy.yaml")
	if err := os.WriteFile(clumsy, []byte(strings.Replace(string(src), "grasp: 0.02", "grasp: 1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if src, err = os.ReadFile("../../examples/campaigns/01-reaction-yield.yaml"); err != nil {
		t.Fatal(err)
	}
	doc := filepath.Join(dir, "asks.yaml")
	asks := strings.NewReplacer("retry: 2, then: skip", "retry: 1, then: ask", "experiments: 24", "experiments: 1", "batch: 4, in_flight: 4", "batch: 1, in_flight: 1").Replace(string(src))
	if err := os.WriteFile(doc, []byte(asks), 0o600); err != nil {
		t.Fatal(err)
	}
	url := run(t, nil, up(data, "--lab-file", clumsy)...).url()
	var id string
	eventually(t, time.Minute, "the devices", func() bool {
		out, _, status := command(t, url, "campaign", "submit", doc)
		id = strings.TrimSpace(out)
		return status == 0
	})
	var questions struct {
		Items []struct {
			Failed *struct {
				Command lab.Command
				Reason  string
			}
		}
	}
	asked := func(intent int) func() bool {
		return func() bool {
			return get(t, url+"/api/v1/questions?campaign="+id, &questions) && len(questions.Items) == 1 && questions.Items[0].Failed != nil && questions.Items[0].Failed.Command.Intent == intent
		}
	}
	eventually(t, time.Minute, "the question", asked(2))
	if q := questions.Items[0].Failed; q.Command.Step != "carry" || !strings.Contains(q.Reason, "grasp") {
		t.Errorf("the question is about step %s: %s; want carry, and the grasp", q.Command.Step, q.Reason)
	}
	if _, errs, status := command(t, url, "campaign", "advise", id, "--experiment", "1", "--step", "heat", "--retry"); status != 3 || !strings.Contains(errs, "carry does") {
		t.Errorf("advice on another step ended with status %d: %s", status, errs)
	}
	mustCommand(t, url, "campaign", "advise", id, "--experiment", "1", "--step", "carry", "--retry", "--by", "ana")
	eventually(t, time.Minute, "the question after another try", asked(3))
	mustCommand(t, url, "campaign", "advise", id, "--experiment", "1", "--step", "carry", "--skip", "--by", "ana")
	if _, errs, status := command(t, url, "campaign", "watch", id); status != 0 || !strings.Contains(errs, "1 failed") {
		t.Errorf("the campaign ended with status %d:\n%s", status, errs)
	}
}
