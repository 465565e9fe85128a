package main

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// prepareNamespace waits until the frontend answers for the namespace, then sets what its creation could not: the retention, which
// is always a day at first, and search attributes that a later version of this program knows.
func prepareNamespace(ctx context.Context, address string, opts Options) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	defer func() { _ = conn.Close() }()
	workflows := workflowservice.NewWorkflowServiceClient(conn)

	ns, err := awaitNamespace(ctx, workflows, opts.Namespace)
	if err != nil {
		return err
	}
	if ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() != opts.Retention {
		if _, err := workflows.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
			Namespace: opts.Namespace,
			Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(opts.Retention)},
		}); err != nil {
			return fmt.Errorf("set retention of namespace %q to %s: %w", opts.Namespace, opts.Retention, err)
		}
	}
	missing := searchAttributes()
	for _, known := range ns.GetConfig().GetCustomSearchAttributeAliases() {
		delete(missing, known)
	}
	return addSearchAttributes(ctx, operatorservice.NewOperatorServiceClient(conn), opts.Namespace, missing)
}

func addSearchAttributes(ctx context.Context, operator operatorservice.OperatorServiceClient, namespace string, missing map[string]enumspb.IndexedValueType) error {
	if len(missing) == 0 {
		return nil
	}
	if _, err := operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing}); err != nil {
		return fmt.Errorf("add search attributes to namespace %q: %w", namespace, err)
	}
	return nil
}

// awaitNamespace asks until the services have found each other.
func awaitNamespace(ctx context.Context, workflows workflowservice.WorkflowServiceClient, name string) (*workflowservice.DescribeNamespaceResponse, error) {
	for {
		ns, err := workflows.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name}, grpc.WaitForReady(true))
		if err == nil {
			return ns, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for namespace %q: %w", name, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
