package workflows

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// TaskQueue is where workers find the laboratory's work.
const TaskQueue = "athanor"

// Search attributes make campaigns findable in Temporal's own tools.
var (
	attrState       = temporal.NewSearchAttributeKeyKeyword("AthanorState")
	attrTitle       = temporal.NewSearchAttributeKeyString("AthanorTitle")
	attrExperiments = temporal.NewSearchAttributeKeyInt64("AthanorExperiments")
)

// HeartbeatTimeout is how long a dispatched command may go unheard of before it
// is dispatched again, with the same bytes. Gateways beat for the commands they
// watch over well within it.
const HeartbeatTimeout = 15 * time.Second

// forever is the retry policy of what must happen in the end: an activity that
// fails for a passing reason is tried until it does not.
func forever() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second}
}

// quick is for local activities: a few statements on the database.
func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 10 * 365 * 24 * time.Hour,
		StartToCloseTimeout:    20 * time.Second,
		RetryPolicy:            forever(),
	})
}

// thinking is for the activity that computes. It beats while it does, so that
// one whose process died is begun again within seconds, however long it may take.
func thinking(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    thoughtTimeout,
		RetryPolicy:         forever(),
	})
}

// thoughtTimeout is how long a computing activity may be silent.
const thoughtTimeout = 5 * time.Second

// brief is for activities that take a moment.
func brief(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 15 * time.Second, RetryPolicy: forever()})
}

// dispatching is for the activity of a command, which a device ends. The
// gateway reports a command in doubt at its deadline; the time-out behind it
// only speaks when no gateway has lived to do so for a day.
func dispatching(ctx workflow.Context, c *lab.Command) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:          c.ID.UUID(),
		StartToCloseTimeout: time.Duration(c.TimeoutS*float64(time.Second)) + 24*time.Hour,
		HeartbeatTimeout:    HeartbeatTimeout,
		RetryPolicy:         forever(),
	})
}

// looking is for the activity that waits for two devices, and now and then for a
// person: its retries are what waits.
func looking(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: 10 * 365 * 24 * time.Hour,
		StartToCloseTimeout:    15 * time.Second,
		RetryPolicy:            forever(),
	})
}

// queueing is for the activity that waits for devices, which whoever releases
// them ends by its name.
func queueing(ctx workflow.Context, id string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:          id,
		StartToCloseTimeout: 10 * 365 * 24 * time.Hour,
		RetryPolicy:         forever(),
	})
}

// refuse is the answer to an update that may not be.
func refuse(why string) error {
	return temporal.NewNonRetryableApplicationError(why, string(lab.Conflict), nil)
}

func itoa(n int) string { return strconv.Itoa(n) }
