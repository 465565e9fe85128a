package main

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
	"github.com/athanor-lab/athanor/workflows"
)

// past is what devices were told after the backup that the record was restored
// from, once all have said so.
type past struct {
	db   *postgres.DB
	over atomic.Bool // the restoration; it does not begin again
}

// Told implements [workflows.Past].
func (p *past) Told(ctx context.Context, id lab.CommandID) (lab.Command, bool, error) {
	if !p.over.Load() {
		still, err := p.db.Restoring(ctx)
		if err != nil {
			return lab.Command{}, false, err
		}
		if still {
			return lab.Command{}, false, lab.Errorf(lab.Unavailable, "devices are still to say what they were told since the backup")
		}
		p.over.Store(true)
	}
	return heard{p.db}.Told(ctx, id)
}

// heard is what some devices have said by now.
type heard struct{ db *postgres.DB }

// Told implements [workflows.Past].
func (h heard) Told(ctx context.Context, id lab.CommandID) (lab.Command, bool, error) {
	t, err := h.db.WasTold(ctx, id.UUID())
	if lab.KindOf(err) == lab.NotFound {
		return lab.Command{}, false, nil
	}
	if err != nil {
		return lab.Command{}, false, err
	}
	c, err := devices.DecodeCmd(t.Body)
	return lab.Command{ID: id, Device: t.Device, Name: c.Name, Params: c.Params, Samples: c.Samples}, err == nil, err
}

// follow has a step ask for the devices that did it after the backup.
func (b *book) follow(ctx context.Context, p workflows.Past, r *schedule.Request, step string) error {
	program, err := b.compiler.program(ctx, r.Campaign)
	if err != nil {
		return err
	}
	roles, err := program.itinerary.Roles(step)
	if err != nil {
		return err
	}
	f, err := workflows.Follow(ctx, p, r.Experiment, step)
	for i, n := range r.Needs {
		switch {
		case n.Role == roles.Does && f.Does != "":
			r.Needs[i].Device = f.Does
		case n.Role == roles.To && f.To != "":
			r.Needs[i].Device = f.To
		}
	}
	return err
}

// goOn ends the restoration of the record once all devices have said what they
// were told since. Until then nothing is granted; from then on what was granted
// since comes first, in its order.
func (b *book) goOn(ctx context.Context, logger *slog.Logger) error {
	switch {
	case b.past == nil:
		return nil
	case b.past.over.Load():
		return b.db.ForgetReplayed(ctx)
	}
	if silent, err := b.db.Silent(ctx); err != nil || len(silent) > 0 {
		return err
	}
	ahead, err := b.ahead(ctx)
	if err == nil {
		err = b.db.Expect(ctx, ahead)
	}
	if err != nil {
		return err
	}
	over, err := b.db.EndRestoration(ctx, func(r *schedule.Request) error {
		return b.follow(ctx, heard{b.db}, r, requestStep(*r))
	})
	if err == nil && over {
		b.past.over.Store(true)
		logger.WarnContext(ctx, "every device has said what it was told since the backup; campaigns go on", "steps", len(ahead))
	}
	return err
}

// attempts is how many at a step are looked for, beyond those that its policy makes
// by itself: the others were a person's wish.
const attempts = 3

// ahead returns which steps of campaigns that have not ended will come to what
// devices were told. Ids say so: they are made of the names of steps.
func (b *book) ahead(ctx context.Context) ([]postgres.Ahead, error) {
	ids, err := b.db.EachTold(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	told := make(map[lab.CommandID]bool, len(ids))
	for _, id := range ids {
		told[id] = true
	}
	rows, _, err := b.db.ListCampaigns(ctx, nil, 1000, lab.Submitted, lab.Running, lab.Paused, lab.AwaitingApproval, lab.Stopping)
	if err != nil {
		return nil, err
	}
	var all []postgres.Ahead
	for _, row := range rows {
		c := row.Campaign
		program, err := b.compiler.program(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		for n := 1; n <= 2*c.Document.Budget.Experiments; n++ { // rejected ones have numbers, too
			e := lab.ExperimentIDOf(c.ID, n)
			for _, step := range program.graph.Steps {
				for intent := 1; intent <= step.Retry+attempts; intent++ {
					for _, id := range workflows.PartsOf(e, step.ID, intent) {
						if told[id] {
							all = append(all, postgres.Ahead{Command: id, Campaign: c.ID, Experiment: e, Request: requestOf(e, step.ID)})
						}
					}
				}
			}
		}
	}
	return all, nil
}

// requestOf names what a step asks of the book.
func requestOf(e lab.ExperimentID, step string) string { return e.UUID() + "/" + step }

// requestStep is the step that a request is of.
func requestStep(r schedule.Request) string {
	_, step, _ := strings.Cut(r.ID, "/")
	return step
}
