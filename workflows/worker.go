package workflows

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

// Registry is where workflows and activities are registered: a worker, a
// replayer's double or a test environment.
type Registry interface {
	RegisterWorkflow(w any)
	RegisterActivity(a any)
}

// Register registers the workflows and their activities.
func Register(r Registry, a *Activities) {
	r.RegisterWorkflow(Campaign)
	r.RegisterWorkflow(Experiment)
	r.RegisterWorkflow(Train)
	r.RegisterWorkflow(Review)
	r.RegisterActivity(a)
}

// RegisterImports registers the workflow of imports and its activity.
func RegisterImports(r Registry, a *ImportActivities) {
	r.RegisterWorkflow(Import)
	r.RegisterActivity(a)
}

// NewWorker returns a worker for the laboratory's task queue. More workers are
// more capacity.
func NewWorker(c client.Client, a *Activities) worker.Worker {
	worker.SetStickyWorkflowCacheSize(4096)
	w := worker.New(c, TaskQueue, worker.Options{
		MaxConcurrentWorkflowTaskPollers:        4,
		MaxConcurrentActivityTaskPollers:        4,
		MaxConcurrentActivityExecutionSize:      1000,
		MaxConcurrentLocalActivityExecutionSize: 200,
		MaxConcurrentEagerActivityExecutionSize: 200,
		WorkerStopTimeout:                       5 * time.Second,
	})
	Register(w, a)
	return w
}

// EnsureSearchAttributes adds ours to the namespace where they are missing.
func EnsureSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	op := c.OperatorService()
	have, err := op.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, a := range []struct {
		name string
		kind enumspb.IndexedValueType
	}{{attrState.GetName(), attrState.GetValueType()}, {attrTitle.GetName(), attrTitle.GetValueType()}, {attrExperiments.GetName(), attrExperiments.GetValueType()}} {
		if _, ok := have.GetCustomAttributes()[a.name]; !ok {
			missing[a.name] = a.kind
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := op.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing}); err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w", namespace, err)
	}
	return nil
}
