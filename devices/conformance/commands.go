package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// answerMax is how long a device may take to answer a command.
const answerMax = time.Second

// commands are the checks of the way of a command.
var commands = []Check{
	{Name: "command.order", Title: "a command is accepted, runs and is done, each said once", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if got := fmt.Sprint(b.said(o.id)); got != "[accepted running done]" {
			return fmt.Errorf("a command went through %s; want [accepted running done]", got)
		}
		return nil
	}},
	{Name: "command.prompt", Title: "a command is answered within 1 s", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		o, began := b.order(q.action.Name, q.params, nil), time.Now()
		if err := b.send(ctx, o); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "an answer", 1, func(heardEvent) bool { return true })
		if took := e.at.Sub(began); err == nil && took > answerMax {
			err = fmt.Errorf("the answer took %v; want at most %v", took, answerMax)
		}
		return err
	}},
	{Name: "command.effect", Title: "the end says what happened physically: done is complete", Needs: "C", run: func(ctx context.Context, b *bench) error {
		e, _, err := b.one(ctx)
		if err == nil && !strings.Contains(string(e.raw), `"effect"`) || e.Effect != lab.EffectComplete {
			err = fmt.Errorf("done has effect %q; want complete", e.Effect)
		}
		return err
	}},
	{Name: "command.result", Title: "the result is what the descriptor says", Needs: "C", run: func(ctx context.Context, b *bench) error {
		with, _ := b.examples()
		for _, x := range with {
			e, err := b.done(ctx, b.order(x.action.Name, x.params, nil))
			if err != nil {
				return err
			}
			var result map[string]json.RawMessage
			if e.Result != nil {
				if err := json.Unmarshal(e.Result, &result); err != nil {
					return err
				}
			}
			for _, s := range x.action.Results {
				if v, ok := result[s.Name]; !ok && s.Required || ok && !fits(s, v) {
					return fmt.Errorf("%s: result %s is %s; want a %s as described", x.action.Name, s.Name, v, s.Type)
				}
			}
			for name := range result {
				if !slices.ContainsFunc(x.action.Results, func(s lab.ParamSpec) bool { return s.Name == name }) {
					return fmt.Errorf("%s: result %s is not in the descriptor", x.action.Name, name)
				}
			}
		}
		return nil
	}},
	{Name: "command.examples", Title: "the example of every action is done", Needs: "C", run: func(ctx context.Context, b *bench) error {
		with, without := b.examples()
		for _, x := range with {
			if _, err := b.done(ctx, b.order(x.action.Name, x.params, nil)); err != nil {
				return err
			}
		}
		if len(without) > 0 {
			return skip("%d of %d examples are done; there is none for %s", len(with), len(with)+len(without), strings.Join(without, ", "))
		}
		return nil
	}},
	{Name: "command.optional-fields", Title: "the optional fields of a command are taken", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		_, err = b.done(ctx, b.order(q.action.Name, q.params, fields{
			"issued": "2026-01-02T03:04:05.678+02:00", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"upload": fields{"href": "https://example.org/x", "token": "t"}, "sig": "s", "timeout_s": 600.5, "after": []string{},
		}))
		return err
	}},
	{Name: "command.recent", Title: "the state mentions a command that has ended", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		return b.soon(ctx, "the ended command among recent", func() bool {
			return slices.Contains(b.last().Recent, devices.Recent{ID: o.id, State: lab.CommandDone})
		})
	}},
	{Name: "command.active", Title: "the state mentions a command at work, and says busy", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, l, err := b.begin(ctx)
		if err != nil {
			return err
		}
		return b.soon(ctx, "the running command among active, and op busy", func() bool {
			s := b.last()
			return s.Op == "busy" && slices.ContainsFunc(s.Active, func(a lab.ActiveCommand) bool {
				return a.ID == o.id && a.Name == l.action.Name && a.State == lab.CommandRunning
			})
		})
	}},
	{Name: "command.progress", Title: "progress is from 0 to 1 and does not fall", Needs: "C", run: checkProgress},
	{Name: "command.busy", Title: "a device at work refuses with busy, and takes the same bytes later", Needs: "C", run: checkBusy},
	{Name: "command.timeout", Title: "a command that runs longer than timeout_s fails with timeout", Needs: "C", run: func(ctx context.Context, b *bench) error {
		l, err := b.long()
		if err != nil {
			return err
		}
		e, err := b.do(ctx, b.order(l.action.Name, l.params, fields{"timeout_s": 0.2}))
		if err == nil && (e.State != lab.CommandFailed || e.Code != devices.Timeout) {
			err = fmt.Errorf("it ended %s; want failed timeout", brief(e))
		}
		return err
	}},
	{Name: "after.done", Title: "a command after one that is done runs", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, first, err := b.one(ctx)
		if err != nil {
			return err
		}
		q, _ := b.quick()
		_, err = b.done(ctx, b.order(q.action.Name, q.params, fields{"after": []string{first.id}}))
		return err
	}},
	{Name: "after.unknown", Title: "a command after one that is not known is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		return b.refuse(ctx, b.order(q.action.Name, q.params, fields{"after": []string{b.new()}}), devices.DependencyFailed)
	}},
	{Name: "after.refused", Title: "a command after one that was refused is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		bad := b.order(noSuch, fields{}, nil)
		if err := b.refuse(ctx, bad, devices.UnknownCommand); err != nil {
			return err
		}
		return b.refuse(ctx, b.order(q.action.Name, q.params, fields{"after": []string{bad.id}}), devices.DependencyFailed)
	}},
	{Name: "after.waits", Title: "a command after one at work waits, and fails without a movement when that is not done", Needs: "C", run: func(ctx context.Context, b *bench) error {
		first, second, err := b.pair(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": first.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, second.id, "the end", 1, ended)
		if err == nil && (e.State != lab.CommandFailed || e.Effect != lab.EffectNone || slices.Contains(b.said(second.id), lab.CommandRunning)) {
			err = fmt.Errorf("it went through %v and ended %s, effect %s; want it failed without running, effect none", b.said(second.id), brief(e), e.Effect)
		}
		return err
	}},
	{Name: "after.cancelled", Title: "a command that waits can be cancelled, without a movement", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, second, err := b.pair(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": second.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, second.id, "the end", 1, ended)
		if err == nil && (e.State != lab.CommandCancelled || e.Effect != lab.EffectNone) {
			err = fmt.Errorf("it ended %s, effect %s; want cancelled, none", brief(e), e.Effect)
		}
		return err
	}},
}

// one runs a quick command to its end.
func (b *bench) one(ctx context.Context) (heardEvent, order, error) {
	q, err := b.quick()
	if err != nil {
		return heardEvent{}, order{}, err
	}
	o := b.order(q.action.Name, q.params, nil)
	e, err := b.done(ctx, o)
	return e, o, err
}

// pair has one command run and another wait for it.
func (b *bench) pair(ctx context.Context) (first, second order, err error) {
	first, _, err = b.begin(ctx)
	if err != nil {
		return first, second, err
	}
	q, err := b.quick()
	if err != nil {
		return first, second, err
	}
	second = b.order(q.action.Name, q.params, fields{"after": []string{first.id}})
	if err := b.send(ctx, second); err != nil {
		return first, second, err
	}
	e, err := b.await(ctx, second.id, "an answer", 1, func(heardEvent) bool { return true })
	if err == nil && e.State != lab.CommandAccepted {
		err = fmt.Errorf("a command after one at work was answered %s; want accepted", brief(e))
	}
	return first, second, err
}

func checkProgress(ctx context.Context, b *bench) error {
	o, _, err := b.begin(ctx)
	if err != nil {
		return err
	}
	reports := func() (all []float64) {
		for _, e := range b.all(o.id) {
			var p struct {
				Progress *float64 `json:"progress"`
			}
			if json.Unmarshal(e.raw, &p) == nil && p.Progress != nil {
				all = append(all, *p.Progress)
			}
		}
		return all
	}
	if err := b.until(ctx, 2*time.Second, "two reports of progress", func() bool { return len(reports()) >= 2 }); err != nil {
		return skip("the long command reports no progress, which it need not")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if all := reports(); !slices.IsSorted(all) || all[0] < 0 || all[len(all)-1] > 1 {
		return fmt.Errorf("progress was %v; want it to rise from 0 to 1", all)
	}
	return nil
}

func checkBusy(ctx context.Context, b *bench) error {
	first, l, err := b.begin(ctx)
	if err != nil {
		return err
	}
	o := b.order(l.action.Name, l.params, nil)
	if err := b.send(ctx, o); err != nil {
		return err
	}
	e, err := b.await(ctx, o.id, "an answer", 1, func(heardEvent) bool { return true })
	switch {
	case err != nil:
		return err
	case e.State == lab.CommandAccepted:
		return skip("the device takes several commands at a time")
	case e.Code != devices.Busy:
		return fmt.Errorf("a device at work answered %s; want rejected busy", brief(e))
	}
	if err := b.ctl(ctx, fields{"op": "cancel", "target": first.id}); err != nil {
		return err
	}
	if _, err := b.await(ctx, first.id, "the end", 1, ended); err != nil {
		return err
	}
	if err := b.send(ctx, o); err != nil {
		return err
	}
	_, err = b.await(ctx, o.id, "accepted, after busy", 1, is(lab.CommandAccepted))
	return err
}
