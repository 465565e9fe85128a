package workflows

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// Importer carries out imports that are on record: their file, their mapping,
// and how far they have come.
type Importer interface {
	// ImportSome goes on with an import for a bounded time and tells the last row
	// that is on record now and then. What it has put on record stays, whatever
	// happens next; called again, it goes on there.
	ImportSome(ctx context.Context, id string, onRecord func(row int)) (ImportProgress, error)
}

// ImportInput names the import; everything else is on record.
type ImportInput struct {
	ID string `json:"id"`
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Row         int  `json:"row"`         // the last that is on record
	Imported    int  `json:"imported"`    // rows, when it is done
	Quarantined int  `json:"quarantined"` // rows, when it is done
	Done        bool `json:"done"`
}

// QueryImport answers the [ImportProgress] of an import.
const QueryImport = "progress"

// importSteps is after how many activities an import goes on in a new run.
const importSteps = 500

// importing is for the activity that reads and writes a part of an import. It
// beats with every chunk and between them, so that one whose worker died is
// gone on with within half a minute.
func importing(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:    30 * time.Second,
		RetryPolicy:         forever(),
	})
}

// Import carries a file that is on record into the dataset, part by part. Each
// part is an activity that may die at any moment: the next one finds what is on
// record and goes on there.
func Import(ctx workflow.Context, in ImportInput) (ImportProgress, error) {
	var p ImportProgress
	if err := workflow.SetQueryHandler(ctx, QueryImport, func() (ImportProgress, error) { return p, nil }); err != nil {
		return p, err
	}
	var a *ImportActivities
	for range importSteps {
		if err := workflow.ExecuteActivity(importing(ctx), a.ImportPart, in.ID).Get(ctx, &p); err != nil {
			return p, err
		}
		if p.Done {
			return p, nil
		}
	}
	return p, workflow.NewContinueAsNewError(ctx, Import, in)
}

// ImportActivities are the contact of [Import] with the world.
type ImportActivities struct {
	Importer Importer
}

// ImportPart goes on with an import for a part of it.
func (a *ImportActivities) ImportPart(ctx context.Context, id string) (ImportProgress, error) {
	defer beat(ctx)()
	p, err := a.Importer.ImportSome(ctx, id, func(row int) { activity.RecordHeartbeat(ctx, row) })
	return p, forTemporal(err)
}

// StartImport begins the workflow of an import that is on record. Starting it
// twice is the same as once; one that has ended is not begun again.
func (c *Control) StartImport(ctx context.Context, id string) error {
	_, err := c.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       "import_" + id,
		TaskQueue:                TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, Import, ImportInput{ID: id})
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &started) {
		return nil
	}
	if err != nil {
		return lab.Errorf(lab.Unavailable, "start the workflow of import %s: %w", id, err)
	}
	return nil
}
