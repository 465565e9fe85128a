package workflows

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// Models knows models that predict, by name.
type Models interface {
	// Consult returns what the models that b's policy names say of its space. A
	// model that cannot be asked is a source with a fault; an error is for what may
	// pass.
	Consult(ctx context.Context, b lab.Brief) ([]lab.Source, error)
	// Train fits a model on what the laboratory has seen and registers it. The same
	// outcomes give the same version.
	Train(ctx context.Context, in TrainInput) (Trained, error)
}

// TrainInput says what to train: a model with the inputs and outputs of a
// campaign, on the outcomes of all other campaigns that have these. Its own are
// left out: what a model was shown it would seem to predict.
type TrainInput struct {
	Model    string         `json:"model"`
	Campaign lab.CampaignID `json:"campaign_id"`
	// Outcomes is how many the campaign had when it asked; it tells one training
	// from the next.
	Outcomes int `json:"outcomes"`
}

// Trained is the version that a training registered.
type Trained struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Rows    int    `json:"rows"`
}

// WithModels gives activities models to consult and to train. (A method would be
// taken for an activity.)
func WithModels(a *Activities, m Models) *Activities {
	a.models = m
	return a
}

// Train fits and registers a new version of a model.
func Train(ctx workflow.Context, in TrainInput) (Trained, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    thoughtTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 5},
	})
	var a *Activities
	var out Trained
	err := workflow.ExecuteActivity(ctx, a.TrainModel, in).Get(ctx, &out)
	return out, err
}

// TrainModel carries out a training.
func (a *Activities) TrainModel(ctx context.Context, in TrainInput) (Trained, error) {
	defer beat(ctx)()
	if a.models == nil {
		return Trained{}, forTemporal(lab.Errorf(lab.Invalid, "train %s: this laboratory keeps no models", in.Model))
	}
	out, err := a.models.Train(ctx, in)
	return out, forTemporal(err)
}

// consult asks the models that a brief's policy names.
func (a *Activities) consult(ctx context.Context, b lab.Brief) ([]lab.Source, error) {
	if m := b.Policy.Model; m == "" || m == "auto" {
		return nil, nil
	}
	if a.models == nil {
		return []lab.Source{{Name: b.Policy.Model, Kind: lab.SourcePredictions, Fault: "this laboratory keeps no models"}}, nil
	}
	return a.models.Consult(ctx, b)
}

// retrain trains the campaign's model anew when its rule says so, and waits for
// it, so that the next plan has it whatever the machine's speed. A training that
// fails stops nothing: the version before it stays in use.
func (c *campaign) retrain(ctx workflow.Context) {
	p := c.Opening.Policy
	if p.RetrainEvery < 1 || c.Done/p.RetrainEvery <= c.Trainings || c.ending != "" {
		return
	}
	c.Trainings = c.Done / p.RetrainEvery
	in := TrainInput{Model: p.Model, Campaign: c.ID, Outcomes: c.Done}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            "train-" + p.Model + "-" + c.ID.String() + "-" + itoa(c.Done),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
	})
	var out Trained
	if err := workflow.ExecuteChildWorkflow(ctx, Train, in).Get(ctx, &out); err != nil {
		workflow.GetLogger(ctx).Warn("train a model", "model", p.Model, "campaign_id", c.ID.String(), "err", err)
	}
}
