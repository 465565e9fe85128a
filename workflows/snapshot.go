package workflows

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// SnapshotJob is what a [Snapshot] is asked for. What is selected, and the
// snapshot's options, are the freezer's own words.
type SnapshotJob struct {
	ID        string   `json:"id"`        // names the work, and the workflow
	Selection string   `json:"selection"` // JSON of the freezer
	Exports   []string `json:"exports"`   // formats to write of it besides
}

// SnapshotProgress is how far a snapshot has come.
type SnapshotProgress struct {
	State    string   `json:"state"` // "reading", "freezing", "exporting" or "done"
	Parts    int      `json:"parts"` // of the reading
	Read     int      `json:"read"`  // parts that are read
	Rows     int      `json:"rows"`
	Snapshot string   `json:"snapshot"` // its id, once there is one
	Exported []string `json:"exported"`
}

// Freezer makes snapshots in steps, each of which may be repeated and then finds
// what it did before. tell is told how many rows are done now and then.
type Freezer interface {
	// Parts divides the work and returns into how many.
	Parts(ctx context.Context, job SnapshotJob) (int, error)
	// Read reads a part, from 0, aside, and returns its rows.
	Read(ctx context.Context, job SnapshotJob, part int, tell func(rows int)) (int, error)
	// Freeze makes the snapshot of the parts and returns its id.
	Freeze(ctx context.Context, job SnapshotJob, tell func(rows int)) (string, error)
	// Export writes the snapshot in a format.
	Export(ctx context.Context, job SnapshotJob, snapshot, format string, tell func(rows int)) error
	// Clean throws away what was put aside.
	Clean(ctx context.Context, job SnapshotJob) error
}

// SnapshotActivities are what a [Snapshot] does.
type SnapshotActivities struct{ freezer Freezer }

// NewSnapshotActivities returns SnapshotActivities upon a freezer.
func NewSnapshotActivities(f Freezer) *SnapshotActivities { return &SnapshotActivities{f} }

// tell beats with the rows that are done, and beat's own beats between.
func tell(ctx context.Context) func(int) {
	return func(rows int) { activity.RecordHeartbeat(ctx, rows) }
}

// SnapshotParts divides the work.
func (a *SnapshotActivities) SnapshotParts(ctx context.Context, job SnapshotJob) (int, error) {
	n, err := a.freezer.Parts(ctx, job)
	return n, forTemporal(err)
}

// SnapshotRead reads a part.
func (a *SnapshotActivities) SnapshotRead(ctx context.Context, job SnapshotJob, part int) (int, error) {
	defer beat(ctx)()
	n, err := a.freezer.Read(ctx, job, part, tell(ctx))
	return n, forTemporal(err)
}

// SnapshotFreeze makes the snapshot.
func (a *SnapshotActivities) SnapshotFreeze(ctx context.Context, job SnapshotJob) (string, error) {
	defer beat(ctx)()
	id, err := a.freezer.Freeze(ctx, job, tell(ctx))
	return id, forTemporal(err)
}

// SnapshotExport writes it in a format.
func (a *SnapshotActivities) SnapshotExport(ctx context.Context, job SnapshotJob, snapshot, format string) error {
	defer beat(ctx)()
	return forTemporal(a.freezer.Export(ctx, job, snapshot, format, tell(ctx)))
}

// SnapshotClean throws away what was put aside.
func (a *SnapshotActivities) SnapshotClean(ctx context.Context, job SnapshotJob) error {
	return forTemporal(a.freezer.Clean(ctx, job))
}

// snapshotReaders bounds the parts that are read at once.
const snapshotReaders = 2

// Snapshot freezes the record, in parts: a worker that dies costs the part that
// it was at. [QueryProgress] answers how far it has come.
func Snapshot(ctx workflow.Context, job SnapshotJob) (SnapshotProgress, error) {
	p := SnapshotProgress{State: "reading", Exported: []string{}}
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (SnapshotProgress, error) { return p, nil }); err != nil {
		return p, err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:    2 * thoughtTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second, MaximumAttempts: 50},
	})
	var a *SnapshotActivities
	if err := workflow.ExecuteActivity(brief(ctx), a.SnapshotParts, job).Get(ctx, &p.Parts); err != nil {
		return p, err
	}
	if err := p.read(ctx, job); err != nil {
		return p, err
	}
	p.State = "freezing"
	if err := workflow.ExecuteActivity(ctx, a.SnapshotFreeze, job).Get(ctx, &p.Snapshot); err != nil {
		return p, err
	}
	p.State = "exporting"
	for _, format := range job.Exports {
		if err := workflow.ExecuteActivity(ctx, a.SnapshotExport, job, p.Snapshot, format).Get(ctx, nil); err != nil {
			return p, err
		}
		p.Exported = append(p.Exported, format)
	}
	err := workflow.ExecuteActivity(brief(ctx), a.SnapshotClean, job).Get(ctx, nil)
	p.State = "done"
	return p, err
}

// read reads all parts, a few at once.
func (p *SnapshotProgress) read(ctx workflow.Context, job SnapshotJob) error {
	var a *SnapshotActivities
	var failed error
	next, running := 0, 0
	s := workflow.NewSelector(ctx)
	for failed == nil && (next < p.Parts || running > 0) {
		for next < p.Parts && running < snapshotReaders {
			s.AddFuture(workflow.ExecuteActivity(ctx, a.SnapshotRead, job, next), func(f workflow.Future) {
				rows := 0
				if err := f.Get(ctx, &rows); err != nil {
					failed = err
				}
				p.Read, p.Rows, running = p.Read+1, p.Rows+rows, running-1
			})
			next, running = next+1, running+1
		}
		s.Select(ctx)
	}
	return failed
}

// StartSnapshot begins a job, once: the same again is the one that runs or ran.
func (c *Control) StartSnapshot(ctx context.Context, job SnapshotJob) error {
	_, err := c.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: job.ID, TaskQueue: TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, Snapshot, job)
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &started) {
		return nil
	}
	if err != nil {
		return lab.Errorf(lab.Unavailable, "start the snapshot %s: %w", job.ID, err)
	}
	return nil
}

// SnapshotProgress returns how far a job has come, or the error that it ended
// with.
func (c *Control) SnapshotProgress(ctx context.Context, id string) (SnapshotProgress, error) {
	var p SnapshotProgress
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if missing := (*serviceerror.NotFound)(nil); errors.As(err, &missing) {
		return p, lab.Errorf(lab.NotFound, "there is no snapshot %s under way", id)
	}
	if err != nil {
		return p, lab.Errorf(lab.Unavailable, "ask for the snapshot %s: %w", id, err)
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		err := c.Temporal.GetWorkflow(ctx, id, "").Get(ctx, &p)
		if app := (*temporal.ApplicationError)(nil); errors.As(err, &app) {
			return p, lab.Errorf(lab.ErrorKind(app.Type()), "the snapshot failed: %s", app.Message())
		}
		return p, err
	}
	v, err := c.Temporal.QueryWorkflow(ctx, id, "", QueryProgress)
	if err != nil {
		return p, lab.Errorf(lab.Unavailable, "ask for the snapshot %s: %w", id, err)
	}
	return p, v.Get(&p)
}
