package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
	"github.com/athanor-lab/athanor/workflows"
)

// memory is what workflows remember, in the database.
type memory struct {
	db   *postgres.DB
	book *book
}

// SetState implements [workflows.Campaigns].
func (m memory) SetState(ctx context.Context, id lab.CampaignID, state lab.CampaignState, reason string) error {
	_, err := m.db.SetState(ctx, id, state, reason)
	return err
}

// PutPlan implements [workflows.Memory].
func (m memory) PutPlan(ctx context.Context, b lab.Brief, p lab.Plan) (lab.Plan, error) {
	return m.db.PutPlan(ctx, b, p)
}

// PlanOf implements [workflows.Memory].
func (m memory) PlanOf(ctx context.Context, id lab.CampaignID, round int) (lab.Plan, bool, error) {
	p, err := m.db.Plan(ctx, id, round)
	if lab.KindOf(err) == lab.NotFound {
		return lab.Plan{}, false, nil
	}
	return p, err == nil, err
}

// Finish implements [workflows.Memory].
func (m memory) Finish(ctx context.Context, o lab.Outcome) error {
	if err := dataset.Check(o); err != nil {
		return err
	}
	_, grants, err := m.db.Finish(ctx, withUnits(o, m.book.compiler.fleet.spec))
	if err != nil {
		return err
	}
	return m.book.tell(ctx, grants)
}

// EachOutcome implements [workflows.Memory].
func (m memory) EachOutcome(ctx context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error {
	return m.db.EachOutcome(ctx, id, yield)
}

// book is the schedule, asked by experiments for the devices of a step.
type book struct {
	db        *postgres.DB
	completer *workflows.Completer
	compiler  *compiler
	devices   *gateway.Dispatcher
	past      *past // nil: the record was never restored
}

// Reserve implements [workflows.Book].
func (b *book) Reserve(ctx context.Context, p workflows.Place) ([]lab.Hold, bool, error) {
	program, err := b.compiler.program(ctx, p.Campaign)
	if err != nil {
		return nil, false, err
	}
	r, err := program.itinerary.Request(p.Step)
	if err != nil {
		return nil, false, err
	}
	r.ID = requestOf(p.Experiment, p.Step)
	r.Campaign, r.Experiment, r.Number = p.Campaign, p.Experiment, p.Number
	r.Workflow, r.Activity = p.Experiment.String(), p.Activity()
	if b.past != nil {
		if err := b.follow(ctx, b.past, &r, p.Step); err != nil {
			return nil, false, err
		}
	}
	grant, granted, err := b.db.Reserve(ctx, r)
	if err != nil || !granted {
		return nil, false, err
	}
	return grant.Holds, true, nil
}

// Release implements [workflows.Book].
func (b *book) Release(ctx context.Context, e lab.ExperimentID, roles []string) error {
	if len(roles) == 0 {
		return nil // the schedule takes no roles for a mistake
	}
	grants, err := b.db.Release(ctx, e, roles)
	if err != nil {
		return err
	}
	return b.tell(ctx, grants)
}

// Hindered implements [workflows.Book].
func (b *book) Hindered(ctx context.Context, p workflows.Place, why string) error {
	return b.db.NoteObstacle(ctx, lab.Wait{CampaignID: p.Campaign, ExperimentID: p.Experiment, Number: p.Number, Step: p.Step, Since: time.Now(), Why: why})
}

// tell brings grants to the experiments that wait for them. One that does not
// wait yet is told by the steward, or finds its grant by itself.
func (b *book) tell(ctx context.Context, grants []schedule.Grant) error {
	for _, g := range grants {
		told, err := b.completer.Granted(ctx, g.Workflow, g.Activity)
		if err != nil {
			return err
		}
		if told {
			if err := b.db.Told(ctx, g.Request); err != nil {
				return err
			}
		}
	}
	return nil
}

// stewardEvery is how long a grant that could not be told, or a device that
// came back, waits at most.
const stewardEvery = time.Second

// steward grants what can be granted now and then, since devices come and go
// without asking.
func (b *book) steward(ctx context.Context, logger *slog.Logger) {
	idle := map[string]int64{}
	for n := 0; ctx.Err() == nil; n++ {
		var grants []schedule.Grant
		err := b.goOn(ctx, logger)
		if err == nil {
			grants, err = b.db.Sweep(ctx)
		}
		if err == nil {
			err = b.tell(ctx, grants)
		}
		if err == nil && n%leaseEvery == 0 {
			idle, err = b.letGo(ctx, idle)
		}
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "sweep reservations", "err", err)
		}
		pause(ctx, stewardEvery)
	}
}

// leaseEvery is how many sweeps there are to a look at idle leases.
const leaseEvery = 5

// letGo ends the leases of devices that nobody had reserved at the last look
// either, so that a person may use them. idle are their epochs then; a lease
// that was taken since has another and is not touched.
func (b *book) letGo(ctx context.Context, idle map[string]int64) (map[string]int64, error) {
	devices, err := b.db.Devices(ctx)
	if err != nil {
		return idle, err
	}
	now := map[string]int64{}
	for _, d := range devices {
		if d.Conn != "online" || d.Epoch == 0 || d.Experiment != nil || len(d.Active) > 0 {
			continue
		}
		if idle[d.ID] == d.Epoch {
			err = errors.Join(err, b.devices.Release(ctx, d.ID, d.Epoch))
			continue
		}
		now[d.ID] = d.Epoch
	}
	return now, err
}

// exporter tells the dataset.
type exporter struct{ db *postgres.DB }

// Export implements api.Exporter.
func (e exporter) Export(ctx context.Context, id lab.CampaignID, format string, w io.Writer) error {
	row, err := e.db.Campaign(ctx, id)
	if err != nil {
		return err
	}
	switch format {
	case "jsonl":
		return dataset.ExportJSONL(ctx, row.Campaign, e.db.EachOutcome, w)
	case "csv":
		return dataset.ExportCSV(ctx, row.Campaign, e.db.EachOutcome, w)
	default:
		return lab.Errorf(lab.Invalid, "format %q is none of jsonl, csv", format)
	}
}
