package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// campaigns is the API's way to campaigns.
type campaigns struct {
	db      *postgres.DB
	control *workflows.Control
	fleet   *fleet
}

// Check implements [api.Campaigns].
func (c *campaigns) Check(ctx context.Context, src []byte, format api.Format) (*lab.Document, []lab.Problem, error) {
	offers, err := c.fleet.capabilities(ctx)
	if err != nil {
		return nil, nil, err
	}
	doc, problems, _ := campaign.Load(src, string(format), offers)
	if doc.Athanor == "" && len(problems) > 0 {
		return nil, problems, nil
	}
	if namesFiles(doc) {
		problems = append(problems, lab.Problem{
			Path: "space", Wrong: "the document names files that did not come with it",
			Right: "submit it by athanor campaign submit, which sends the files beside the document along",
		})
	}
	return &doc, problems, nil
}

// Submit implements [api.Campaigns].
func (c *campaigns) Submit(ctx context.Context, s api.Submission) (lab.Campaign, bool, []lab.Problem, error) {
	doc, problems, err := c.Check(ctx, s.Source, s.Format)
	if err != nil || len(problems) > 0 {
		return lab.Campaign{}, false, problems, err
	}
	row, isNew, err := c.db.InsertCampaign(ctx, postgres.Submission{
		Campaign: lab.Campaign{ID: s.ID, Document: *doc, SubmittedAt: s.At},
		Source:   s.Source, Format: string(s.Format), Key: s.Key,
	})
	if lab.KindOf(err) == lab.Conflict {
		return lab.Campaign{}, false, nil, lab.Errorf(lab.Invalid, "the idempotency key was used for another document; use another key, or none: %w", err)
	}
	if err != nil {
		return lab.Campaign{}, false, nil, err
	}
	if row.Progress.State == lab.Submitted {
		// It is on record now: should its start fail, startSubmitted makes up for it.
		if err := c.control.Start(ctx, row.Campaign.ID); err != nil {
			return lab.Campaign{}, false, nil, err
		}
	}
	return row.Campaign, !isNew, nil, nil
}

// startEvery is how long a campaign waits at most whose start was lost between
// the database and Temporal.
const startEvery = 5 * time.Second

// startSubmitted starts campaigns that are on record but were never started.
func (c *campaigns) startSubmitted(ctx context.Context, logger *slog.Logger) {
	for ; ctx.Err() == nil; pause(ctx, startEvery) {
		rows, _, err := c.db.ListCampaigns(ctx, nil, 1000, lab.Submitted)
		for _, row := range rows {
			err = errors.Join(err, c.control.Start(ctx, row.Campaign.ID))
		}
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "start submitted campaigns", "err", err)
		}
	}
}

// List implements [api.Campaigns].
func (c *campaigns) List(ctx context.Context, f api.Filter) ([]api.Standing, error) {
	var before *lab.CampaignID
	if !f.Before.IsZero() {
		before = &f.Before
	}
	words := strings.Fields(strings.ToLower(f.Query))
	list := []api.Standing{}
	for {
		rows, next, err := c.db.ListCampaigns(ctx, before, min(1000, max(f.Limit, 1)), f.States...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			title := strings.ToLower(r.Campaign.Document.Title)
			if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(title, w) }) {
				continue
			}
			if list = append(list, api.Standing(r)); len(list) == f.Limit {
				return list, nil
			}
		}
		if next == nil {
			return list, nil
		}
		before = next
	}
}

// Get implements [api.Campaigns].
func (c *campaigns) Get(ctx context.Context, id lab.CampaignID) (api.Standing, error) {
	row, err := c.db.Campaign(ctx, id)
	return api.Standing(row), err
}

// Source implements [api.Campaigns].
func (c *campaigns) Source(ctx context.Context, id lab.CampaignID) ([]byte, api.Format, error) {
	src, format, err := c.db.Source(ctx, id)
	return src, api.Format(format), err
}

// Plans implements [api.Campaigns].
func (c *campaigns) Plans(ctx context.Context, id lab.CampaignID, after, limit int) ([]lab.Plan, error) {
	return c.db.Plans(ctx, id, after, limit)
}

// Plan implements [api.Campaigns].
func (c *campaigns) Plan(ctx context.Context, id lab.CampaignID, round int) (lab.Plan, error) {
	return c.db.Plan(ctx, id, round)
}

// Experiments implements [api.Campaigns]: those that ended, and those that are
// planned and have not.
func (c *campaigns) Experiments(ctx context.Context, id lab.CampaignID, after, limit int) ([]api.Experiment, error) {
	outcomes, err := c.db.Outcomes(ctx, id, after, limit)
	if err != nil {
		return nil, err
	}
	open, err := c.db.Unfinished(ctx, id, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]api.Experiment, 0, len(outcomes)+len(open))
	for _, o := range outcomes {
		all = append(all, api.Experiment{State: stateOf(o.State), Outcome: o})
	}
	for _, u := range open {
		all = append(all, unfinished(u))
	}
	slices.SortFunc(all, func(a, b api.Experiment) int { return a.Outcome.Proposal.Number - b.Outcome.Proposal.Number })
	return all[:min(limit, len(all))], nil
}

func stateOf(s lab.OutcomeState) api.ExperimentState {
	switch s {
	case lab.OutcomeSucceeded:
		return api.ExperimentSucceeded
	case lab.OutcomeCancelled:
		return api.ExperimentCancelled
	default:
		return api.ExperimentFailed
	}
}

// unfinished tells an experiment that has no outcome yet by its commands.
func unfinished(u postgres.Unfinished) api.Experiment {
	e := api.Experiment{State: api.ExperimentPlanned, Outcome: lab.Outcome{Proposal: u.Proposal, Steps: []lab.StepRecord{}, Observed: []lab.Measured{}}}
	for i, entry := range u.Commands {
		if i == 0 {
			e.State, e.Outcome.StartedAt = api.ExperimentRunning, entry.Published
		}
		if entry.Command.Name == lab.CommandClear { // the end of a handover that has its entry
			continue
		}
		if entry.State == lab.CommandInDoubt {
			e.State = api.ExperimentInDoubt
		}
		e.Outcome.Steps = append(e.Outcome.Steps, stepOf(entry))
	}
	return e
}

func stepOf(e gateway.Entry) lab.StepRecord {
	c := e.Command
	s := lab.StepRecord{
		Step: c.Step, Intent: c.Intent, CommandID: c.ID, Device: c.Device, Command: c.Name, Params: c.Params,
		State: e.State, StartedAt: e.Published,
	}
	if r, err := gateway.ResultOf(e); err == nil && e.State.Terminal() {
		s.Effect, s.Code, s.Error, s.Values, s.FinishedAt = r.Effect, r.Code, r.Error, r.Values, r.FinishedAt
	}
	return s
}

// Experiment implements [api.Campaigns]. What a history leaves out, the losing
// candidates and the nearest experiments, comes from the plan on record.
func (c *campaigns) Experiment(ctx context.Context, id lab.CampaignID, number int) (api.Experiment, error) {
	all, err := c.Experiments(ctx, id, number-1, 1)
	if err != nil {
		return api.Experiment{}, err
	}
	if len(all) == 0 || all[0].Outcome.Proposal.Number != number {
		return api.Experiment{}, lab.Errorf(lab.NotFound, "%s has no experiment %d", id, number)
	}
	e := all[0]
	p, err := c.db.Proposal(ctx, e.Outcome.Proposal.PlanID, number)
	if err != nil {
		return api.Experiment{}, err
	}
	e.Outcome.Proposal = p
	return e, nil
}

// Questions implements [api.Campaigns].
func (c *campaigns) Questions(ctx context.Context, id lab.CampaignID) ([]api.Question, error) {
	questions := []api.Question{}
	rows, _, err := c.db.ListCampaigns(ctx, nil, 1000, lab.AwaitingApproval)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if !id.IsZero() && r.Campaign.ID != id {
			continue
		}
		plan, err := c.db.Plan(ctx, r.Campaign.ID, r.Progress.Rounds)
		if err != nil {
			return nil, err
		}
		questions = append(questions, api.Question{Campaign: r.Campaign.ID, Title: r.Campaign.Document.Title, Since: r.Progress.UpdatedAt, Plan: &plan})
	}
	doubts, err := c.db.Doubts(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, d := range doubts {
		q := api.Question{Campaign: d.Entry.Command.CampaignID, Title: d.Title, Since: d.Entry.Published, Doubt: &api.Doubt{Command: d.Entry.Command, Reason: "the device does not know"}}
		if r, err := gateway.ResultOf(d.Entry); err == nil {
			q.Since = r.FinishedAt
			if r.Error != "" {
				q.Doubt.Reason = r.Error
			}
		}
		questions = append(questions, q)
	}
	failed, err := c.failedSteps(ctx, id)
	if err != nil {
		return nil, err
	}
	questions = append(questions, failed...)
	slices.SortStableFunc(questions, func(a, b api.Question) int { return a.Since.Compare(b.Since) })
	return questions, nil
}

// failedSteps returns the steps that failed for good and whose policy is to
// ask: their last command has ended, not in done, in the last intent that the
// policy allows, and nothing was sent since.
func (c *campaigns) failedSteps(ctx context.Context, id lab.CampaignID) ([]api.Question, error) {
	rows, _, err := c.db.ListCampaigns(ctx, nil, 1000, lab.Running, lab.Paused, lab.AwaitingApproval)
	if err != nil {
		return nil, err
	}
	var questions []api.Question
	for _, r := range rows {
		ask := asking(r.Campaign.Document)
		if len(ask) == 0 || !id.IsZero() && r.Campaign.ID != id {
			continue
		}
		open, err := c.db.Unfinished(ctx, r.Campaign.ID, 0, 1000)
		if err != nil {
			return nil, err
		}
		for _, u := range open {
			last := map[string]gateway.Entry{}
			for _, e := range u.Commands {
				l, ok := last[e.Command.Step]
				// Of a handover's two sides the one that went wrong is the last word.
				if !ok || e.Command.Intent > l.Command.Intent || e.Command.Intent == l.Command.Intent && (l.State == lab.CommandDone || l.State == lab.CommandCancelled) {
					last[e.Command.Step] = e
				}
			}
			for _, s := range r.Campaign.Document.Protocol.Steps {
				e, sent := last[s.ID]
				retries, asks := ask[s.ID]
				if !sent || !asks || !e.State.Terminal() || e.State == lab.CommandDone || e.State == lab.CommandInDoubt || e.Command.Intent <= retries {
					continue
				}
				q := api.Question{Campaign: r.Campaign.ID, Title: r.Campaign.Document.Title, Since: e.Published, Failed: &api.FailedStep{Command: e.Command, Reason: "the device reported it " + string(e.State)}}
				if res, err := gateway.ResultOf(e); err == nil {
					q.Since = res.FinishedAt
					if res.Error != "" {
						q.Failed.Reason = res.Error
					}
				}
				questions = append(questions, q)
			}
		}
	}
	return questions, nil
}

// asking returns the steps whose failure a person decides on, with the retries
// that come before.
func asking(doc lab.Document) map[string]int {
	ask := map[string]int{}
	for _, s := range doc.Protocol.Steps {
		if policy := policyOf(doc, s); policy.Then == string(workflows.ThenAsk) {
			ask[s.ID] = policy.Retry
		}
	}
	return ask
}

// control carries what people say to campaigns and devices.
type control struct {
	db        *postgres.DB
	workflows *workflows.Control
	devices   *gateway.Dispatcher
}

func (c *control) after(ctx context.Context, id lab.CampaignID, err error) (lab.Progress, error) {
	if err != nil {
		if _, gone := c.db.Campaign(ctx, id); gone != nil {
			err = gone // that there is no such campaign says more
		}
		return lab.Progress{}, err
	}
	row, err := c.db.Campaign(ctx, id)
	return row.Progress, err
}

// Pause implements [api.Control].
func (c *control) Pause(ctx context.Context, id lab.CampaignID, a api.Act) (lab.Progress, error) {
	return c.after(ctx, id, c.workflows.Pause(ctx, id, workflows.Order(a)))
}

// Resume implements [api.Control].
func (c *control) Resume(ctx context.Context, id lab.CampaignID, a api.Act) (lab.Progress, error) {
	return c.after(ctx, id, c.workflows.Resume(ctx, id, workflows.Order(a)))
}

// Abort implements [api.Control].
func (c *control) Abort(ctx context.Context, id lab.CampaignID, a api.Act) (lab.Progress, error) {
	return c.after(ctx, id, c.workflows.Abort(ctx, id, workflows.Order(a)))
}

// Approve implements [api.Control].
func (c *control) Approve(ctx context.Context, id lab.CampaignID, round int, a api.Act) (lab.Progress, error) {
	return c.judge(ctx, id, round, true, a)
}

// Reject implements [api.Control].
func (c *control) Reject(ctx context.Context, id lab.CampaignID, round int, a api.Act) (lab.Progress, error) {
	return c.judge(ctx, id, round, false, a)
}

func (c *control) judge(ctx context.Context, id lab.CampaignID, round int, approve bool, a api.Act) (lab.Progress, error) {
	plan := lab.PlanIDOf(id, round)
	return c.after(ctx, id, c.workflows.Judge(ctx, id, workflows.Verdict{PlanID: &plan, Approve: approve, By: a.By, Reason: a.Reason}))
}

// Advise implements [api.Control].
func (c *control) Advise(ctx context.Context, id lab.CampaignID, number int, step string, retry bool, a api.Act) error {
	_, err := c.after(ctx, id, c.workflows.Advise(ctx, lab.ExperimentIDOf(id, number), workflows.Advice{Step: step, Retry: retry, By: a.By}))
	return err
}

// Resolve implements [api.Control].
func (c *control) Resolve(ctx context.Context, id lab.CommandID, outcome lab.CommandState, a api.Act) error {
	return c.devices.Resolve(ctx, id, outcome, a.By, a.Reason)
}

// fleetOffice is the API's way to devices.
type fleetOffice struct {
	db      *postgres.DB
	devices *gateway.Dispatcher
}

// List implements [api.Devices].
func (f *fleetOffice) List(ctx context.Context) ([]lab.Device, error) { return f.db.Devices(ctx) }

// Get implements [api.Devices].
func (f *fleetOffice) Get(ctx context.Context, id string) (lab.Device, error) {
	return f.db.Device(ctx, id)
}

// Stop implements [api.Devices].
func (f *fleetOffice) Stop(ctx context.Context, id string, a api.Act) error {
	if _, err := f.db.Device(ctx, id); err != nil {
		return err
	}
	return f.devices.Stop(ctx, id, a.By, a.Reason)
}

// Reset implements [api.Devices].
func (f *fleetOffice) Reset(ctx context.Context, id string, a api.Act) error {
	if _, err := f.db.Device(ctx, id); err != nil {
		return err
	}
	return f.devices.Reset(ctx, id, a.By)
}

// Pause implements [api.Devices].
func (f *fleetOffice) Pause(ctx context.Context, id string, a api.Act) error {
	if _, err := f.db.Device(ctx, id); err != nil {
		return err
	}
	return f.devices.Pause(ctx, id, "", a.By, a.Reason)
}

// Resume implements [api.Devices]. What goes on moves, so the device wants the
// epoch of its lease.
func (f *fleetOffice) Resume(ctx context.Context, id string, a api.Act) error {
	d, err := f.db.Device(ctx, id)
	if err != nil {
		return err
	}
	return f.devices.Resume(ctx, id, "", d.Epoch, a.By)
}

// Series implements [api.Devices].
func (f *fleetOffice) Series(ctx context.Context, id string, from, to time.Time, most int) ([]lab.Series, error) {
	return f.db.Series(ctx, id, from, to, most)
}

// quarantineShown is how much of a message people are shown, in bytes.
const quarantineShown = 500

// Quarantine implements [api.Devices].
func (f *fleetOffice) Quarantine(ctx context.Context, id string, limit int) ([]lab.Quarantined, error) {
	all, err := f.db.Quarantined(ctx, id, limit)
	out := make([]lab.Quarantined, 0, len(all))
	for _, q := range all {
		text := devices.Clean(string(q.Payload[:min(len(q.Payload), quarantineShown)]))
		out = append(out, lab.Quarantined{Device: q.Device, Topic: q.Topic, Reason: q.Reason, Text: text, Size: len(q.Payload), At: q.At.UTC()})
	}
	return out, err
}

// Waits implements [api.Devices].
func (f *fleetOffice) Waits(ctx context.Context, of lab.CampaignID, limit int) ([]lab.Wait, error) {
	waiting, err := f.db.Waiting(ctx, of, limit)
	if err != nil {
		return nil, err
	}
	waits, err := f.db.Obstacles(ctx, of, time.Now(), limit)
	if err != nil {
		return nil, err
	}
	for _, w := range waiting {
		r := w.Request
		waits = append(waits, lab.Wait{CampaignID: r.Campaign, ExperimentID: r.Experiment, Number: r.Number, Step: requestStep(r), Since: w.Since, Why: w.Why})
	}
	slices.SortStableFunc(waits, func(a, b lab.Wait) int { return a.Since.Compare(b.Since) })
	return waits[:min(len(waits), limit)], nil
}

// Samples implements [api.Devices].
func (f *fleetOffice) Samples(ctx context.Context) ([]lab.Placement, error) {
	return f.db.Placements(ctx)
}

// RemoveSample implements [api.Devices].
func (f *fleetOffice) RemoveSample(ctx context.Context, sample string, a api.Act) error {
	evidence := "taken out by " + a.By
	if a.Reason != "" {
		evidence += ": " + a.Reason
	}
	return f.db.RemoveSample(ctx, sample, evidence)
}

// Disputes implements [api.Devices].
func (f *fleetOffice) Disputes(ctx context.Context) ([]lab.Dispute, error) {
	return f.db.Disputes(ctx)
}

// Settle implements [api.Devices].
func (f *fleetOffice) Settle(ctx context.Context, token string, where api.Where, a api.Act) error {
	h, err := f.db.Handover(ctx, token)
	if err != nil {
		return err
	}
	at := map[api.Where]lab.Place{api.WhereFrom: h.From, api.WhereTo: h.To, api.WhereLost: {}}[where]
	return f.devices.ResolveHandover(ctx, token, at, a.By, a.Reason)
}

// StopAll implements [api.Devices].
func (f *fleetOffice) StopAll(ctx context.Context, a api.Act) error {
	return f.devices.LabStop(ctx, a.By, a.Reason)
}

// ResetAll implements [api.Devices]: the latch is taken back, then each device
// that stands stopped is reset.
func (f *fleetOffice) ResetAll(ctx context.Context, a api.Act) error {
	if err := f.devices.LabRelease(ctx, a.By); err != nil {
		return err
	}
	all, err := f.db.Devices(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Conn == "online" && d.Op == "stopped" {
			err = errors.Join(err, f.devices.Reset(ctx, d.ID, a.By))
		}
	}
	return err
}

// events is the API's way to the log.
type events struct{ db *postgres.DB }

// Last implements [api.Events].
func (e *events) Last(ctx context.Context) (int64, error) { return e.db.LastEvent(ctx) }

// Since implements [api.Events].
func (e *events) Since(ctx context.Context, after int64, limit int) ([]lab.Event, error) {
	all, _, err := e.db.Since(ctx, after, postgres.EventFilter{}, limit)
	return all, err
}

// Before implements [api.Events].
func (e *events) Before(ctx context.Context, id lab.CampaignID, before int64, limit int) ([]lab.Event, error) {
	return e.db.Before(ctx, id, before, limit)
}

// Listen implements [api.Events].
func (e *events) Listen(ctx context.Context, wake func()) error {
	for range e.db.Listen(ctx) {
		wake()
	}
	return ctx.Err()
}
