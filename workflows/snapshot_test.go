package workflows_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.temporal.io/sdk/testsuite"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// freezer makes snapshots in memory, and stumbles once at every step.
type freezer struct {
	mu       sync.Mutex
	done     []string
	stumbled map[string]bool
	never    string // this step fails for good
	parts    int
}

func (f *freezer) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == f.never {
		return lab.Errorf(lab.Conflict, "%s cannot be", name)
	}
	if !f.stumbled[name] {
		f.stumbled[name] = true
		return errors.New("the database went away")
	}
	f.done = append(f.done, name)
	return nil
}

func (f *freezer) Parts(context.Context, workflows.SnapshotJob) (int, error) {
	return f.parts, f.step("parts")
}

func (f *freezer) Read(_ context.Context, _ workflows.SnapshotJob, part int, tell func(int)) (int, error) {
	tell(1)
	return 10, f.step("read " + string(rune('0'+part)))
}

func (f *freezer) Freeze(context.Context, workflows.SnapshotJob, func(int)) (string, error) {
	return "abc", f.step("freeze")
}

func (f *freezer) Export(_ context.Context, _ workflows.SnapshotJob, snapshot, format string, _ func(int)) error {
	return f.step("export " + snapshot + " " + format)
}

func (f *freezer) Clean(context.Context, workflows.SnapshotJob) error { return f.step("clean") }

// TestSnapshotGoesOn wants every step done once although each stumbles once.
func TestSnapshotGoesOn(t *testing.T) {
	t.Parallel()
	f := &freezer{stumbled: map[string]bool{}, parts: 3}
	p, err := freeze(t, f)
	if err != nil {
		t.Fatal(err)
	}
	if p.State != "done" || p.Rows != 30 || p.Read != 3 || p.Snapshot != "abc" || !slices.Equal(p.Exported, []string{"parquet", "hf"}) {
		t.Errorf("ended as %+v", p)
	}
	reads := slices.Sorted(slices.Values(f.done[1:4]))
	rest := slices.Concat(f.done[:1], f.done[4:])
	if !slices.Equal(reads, []string{"read 0", "read 1", "read 2"}) || !slices.Equal(rest, []string{"parts", "freeze", "export abc parquet", "export abc hf", "clean"}) {
		t.Errorf("did %v", f.done)
	}
}

// TestSnapshotSaysWhyNot wants what can never be told at once.
func TestSnapshotSaysWhyNot(t *testing.T) {
	t.Parallel()
	_, err := freeze(t, &freezer{stumbled: map[string]bool{}, parts: 1, never: "freeze"})
	if err == nil || !strings.Contains(err.Error(), "freeze cannot be") {
		t.Errorf("ended with %v", err)
	}
}

func freeze(t *testing.T, f *freezer) (workflows.SnapshotProgress, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(workflows.Snapshot)
	env.RegisterActivity(workflows.NewSnapshotActivities(f))
	env.ExecuteWorkflow(workflows.Snapshot, workflows.SnapshotJob{ID: "snapshot-1", Exports: []string{"parquet", "hf"}})
	var p workflows.SnapshotProgress
	if err := env.GetWorkflowError(); err != nil {
		return p, err
	}
	return p, env.GetWorkflowResult(&p)
}
