package workflows_test

import (
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/worker"

	"github.com/athanor-lab/athanor/workflows"
)

// TestReplay replays recorded histories: campaigns under way must survive an
// upgrade. A change that old histories cannot follow needs workflow.GetVersion,
// not new histories.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded histories (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			r := worker.NewWorkflowReplayer()
			r.RegisterWorkflow(workflows.Campaign)
			r.RegisterWorkflow(workflows.Experiment)
			r.RegisterWorkflow(workflows.Import)
			r.RegisterWorkflow(workflows.Snapshot)
			if err := r.ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
				t.Error(err)
			}
		})
	}
}
