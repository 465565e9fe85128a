package dataset

import (
	"context"
	"encoding/json"
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// Store keeps outcomes. An implementation passes datasettest.Exercise.
type Store interface {
	// PutOutcome stores o, and reports false when its experiment was stored
	// before: the first one stays. Another experiment under a number that is
	// taken is [lab.Conflict].
	PutOutcome(ctx context.Context, o lab.Outcome) (stored bool, err error)

	// EachOutcome calls yield for the campaign's outcomes in the order of their
	// numbers. It returns the error of yield as it is.
	EachOutcome(ctx context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error
}

// Each reads the outcomes of a campaign in order: [Store.EachOutcome] of some
// store.
type Each func(ctx context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error

// Dataset is the laboratory's memory.
type Dataset struct {
	store Store
}

// New returns a Dataset kept in store.
func New(store Store) *Dataset { return &Dataset{store: store} }

// Record remembers o, and reports whether it is new. It fails with
// [lab.Invalid] when [Check] does.
func (d *Dataset) Record(ctx context.Context, o lab.Outcome) (bool, error) {
	if err := Check(o); err != nil {
		return false, err
	}
	return d.store.PutOutcome(ctx, o)
}

// Outcomes returns the campaign's outcomes by number.
func (d *Dataset) Outcomes(ctx context.Context, id lab.CampaignID) ([]lab.Outcome, error) {
	var all []lab.Outcome
	err := d.store.EachOutcome(ctx, id, func(o lab.Outcome) error {
		all = append(all, o)
		return nil
	})
	return all, err
}

// Check reports, as [lab.Invalid], why o cannot be believed: what it says is
// incomplete, contradicts itself, or is no number.
func Check(o lab.Outcome) error {
	p := o.Proposal
	bad := func(format string, args ...any) error {
		return lab.Errorf(lab.Invalid, "outcome of experiment %d of %s: %w", p.Number, p.CampaignID, lab.Errorf(lab.Invalid, format, args...))
	}
	switch {
	case p.CampaignID.IsZero() || p.Number < 1:
		return bad("it names no campaign or has no number; numbers begin with 1")
	case p.ExperimentID != lab.ExperimentIDOf(p.CampaignID, p.Number):
		return bad("its id %s is not that of the campaign's experiment of this number", p.ExperimentID)
	case p.Reason == "":
		return bad("it has no reason; every suggestion says why it was made")
	case len(p.Settings) == 0:
		return bad("it has no settings; without them nothing can be learnt from it")
	case o.FinishedAt.Before(o.StartedAt):
		return bad("it finished at %s, before it started at %s", o.FinishedAt, o.StartedAt)
	}
	switch o.State {
	case lab.OutcomeSucceeded:
		if o.Failure != nil || len(o.Observed) == 0 {
			return bad("it succeeded, so it has observations and no failure; it has %d, and failure %v", len(o.Observed), o.Failure != nil)
		}
	case lab.OutcomeFailed:
		if o.Failure == nil || o.Failure.Code == "" || o.Failure.Message == "" {
			return bad("it failed, but does not say how: a failure has a code and a message")
		}
	case lab.OutcomeCancelled:
	default:
		return bad("state %q is none of succeeded, failed, cancelled", o.State)
	}
	seen := make(map[string]bool)
	for _, s := range p.Settings {
		if s.Name == "" || s.Value.Kind() == lab.Absent || seen[s.Name] {
			return bad("setting %q has no name or no value, or is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	return checkNumbers(o, bad)
}

func checkNumbers(o lab.Outcome, bad func(string, ...any) error) error {
	seen := make(map[string]bool)
	for _, m := range o.Observed {
		switch {
		case m.Name == "" || m.Unit == "" || seen[m.Name]:
			return bad("observation %q has no name or no unit (\"1\" when it has no dimension), or is there twice", m.Name)
		case !finite(m.Value):
			return bad("observation %q is %g; what was not seen is left out", m.Name, m.Value)
		case m.Sigma != nil && (!finite(*m.Sigma) || *m.Sigma < 0):
			return bad("observation %q has the standard deviation %g; want a number from 0", m.Name, *m.Sigma)
		}
		seen[m.Name] = true
	}
	for _, p := range o.Proposal.Predictions {
		if !finite(p.Mean) || !finite(p.Sigma) || !finite(p.Low) || !finite(p.High) || p.Sigma < 0 || p.Low > p.High {
			return bad("prediction of %q is %g ± %g in [%g, %g]; want numbers, and an interval", p.Objective, p.Mean, p.Sigma, p.Low, p.High)
		}
	}
	for i, s := range o.Steps {
		if s.Step == "" || s.CommandID.IsZero() || s.State == "" {
			return bad("steps[%d] lacks its step, command or state", i)
		}
		for name, raw := range map[string]json.RawMessage{"params": s.Params, "values": s.Values} {
			if len(raw) == 0 || string(raw) == "null" {
				continue
			}
			var object map[string]json.RawMessage
			if err := json.Unmarshal(raw, &object); err != nil {
				return bad("steps[%d].%s is no JSON object: %w", i, name, err)
			}
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
