package workflows

import (
	"errors"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

const nobodyAsks = "no step of the experiment waits for advice"

// listen takes what devices and people say to an experiment.
func (e *experiment) listen(ctx workflow.Context) error {
	settled := workflow.GetSignalChannel(ctx, SignalSettled)
	steady, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(steady, func(ctx workflow.Context) {
		for {
			var r lab.Result
			settled.Receive(ctx, &r)
			e.settled[r.CommandID] = r
		}
	})
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateAdvice, func(_ workflow.Context, a Advice) error {
		e.advice[a.Step] = a
		return nil
	}, workflow.UpdateHandlerOptions{Validator: func(_ workflow.Context, a Advice) error {
		if slices.Contains(e.asking, a.Step) {
			return nil
		}
		if len(e.asking) == 0 {
			return refuse(nobodyAsks)
		}
		return refuse("step " + a.Step + " does not wait for advice; " + strings.Join(e.asking, ", ") + " does")
	}})
}

// askWhetherToRetry waits for a person, who says whether a failed step is done
// again.
func (e *experiment) askWhetherToRetry(ctx workflow.Context, n Node) bool {
	e.asking = append(e.asking, n.ID)
	_ = workflow.Await(ctx, func() bool {
		_, ok := e.advice[n.ID]
		return ok || e.cancelled
	})
	e.asking = slices.DeleteFunc(e.asking, func(id string) bool { return id == n.ID })
	a, ok := e.advice[n.ID]
	delete(e.advice, n.ID)
	return ok && a.Retry
}

// as is errors.As for workflow code, where an error has crossed a history.
func as[T error](err error, target *T) bool { return errors.As(err, target) }
