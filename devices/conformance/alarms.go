package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
)

// alarms are the checks of what a person should know.
var alarms = []Check{
	{Name: "alarm.listed", Title: "the state lists the codes of the alarms that are retained", run: func(ctx context.Context, b *bench) error {
		return b.soon(ctx, "alarms in the state, as they are retained", func() bool {
			return b.last().Alarms != nil && slices.Equal(slices.Sorted(slices.Values(b.last().Alarms)), slices.Sorted(maps.Keys(b.alarms)))
		})
	}},
	{Name: "alarm.other-bytes", Title: "other bytes under a known id raise an alarm, which a reset clears", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		other := append([]byte{'{', ' '}, o.body[1:]...)
		if err := b.send(ctx, order{o.id, other}); err != nil {
			return err
		}
		if err := b.soon(ctx, "an alarm", func() bool { return len(b.alarms) > 0 && slices.Contains(b.last().Alarms, only(b.alarms)) }); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
			return err
		}
		return b.soon(ctx, "the alarm cleared", func() bool { return len(b.alarms) == 0 && len(b.last().Alarms) == 0 })
	}},
	{Name: "alarm.stale", Title: "an alarm that another process left behind is cleared", raw: true, run: func(ctx context.Context, b *bench) error {
		b.mu.Lock()
		boot := b.conn.Boot
		b.mu.Unlock()
		const code = "left-behind"
		left := marshal(devices.Alarm{Code: code, Level: "error", Since: time.Now().UTC(), Boot: boot})
		topic := devices.SubTopic(b.cfg.Lab, b.cfg.Device, devices.LeafAlarm, code)
		if err := b.bus.Publish(ctx, devices.Message{Topic: topic, Payload: left, QoS: 1, Retain: true}); err != nil {
			return err
		}
		return b.soon(ctx, "the alarm that was left behind cleared", func() bool { return b.clears[code] > 0 })
	}},
}

// supplies are the checks of what commands rely on.
var supplies = []Check{
	{Name: "supply.known", Title: "everything that an action requires is in the state", raw: true, run: func(_ context.Context, b *bench) error {
		s := b.state()
		some := false
		for _, a := range b.about.Actions {
			for _, name := range a.Calibration {
				some = true
				if !slices.ContainsFunc(s.Calibration, func(c devices.CalibrationState) bool { return c.Name == name }) {
					return fmt.Errorf("action %s requires calibration %s, of which the state says nothing", a.Name, name)
				}
			}
			for _, n := range a.Consumables {
				some = true
				if !slices.ContainsFunc(s.Consumables, func(c devices.Supply) bool { return c.Name == n.Name }) {
					return fmt.Errorf("action %s requires %s, of which the state says nothing", a.Name, n.Name)
				}
			}
		}
		if !some {
			return skip("no action requires a calibration or a consumable")
		}
		return nil
	}},
	{Name: "supply.calibration", Title: "a command whose calibration does not hold is refused before anything moves", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.lacking(ctx, devices.Calibration)
	}},
	{Name: "supply.consumable", Title: "a command whose consumable is out is refused before anything moves", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.lacking(ctx, devices.Consumable)
	}},
	{Name: "supply.in-force", Title: "the end of a command names the calibrations that were in force", Needs: "C", run: func(ctx context.Context, b *bench) error {
		with, _ := b.examples()
		for _, x := range with {
			if len(x.action.Calibration) == 0 {
				continue
			}
			e, err := b.done(ctx, b.order(x.action.Name, x.params, nil))
			if err == nil && len(e.Calibration) != len(x.action.Calibration) {
				err = fmt.Errorf("the end names %v; want each of %v, by its certificate or name", e.Calibration, x.action.Calibration)
			}
			return err
		}
		return skip("no action with an example requires a calibration that holds")
	}},
}

// short says what of an action's requirements is not met, as the state tells.
func short(a devices.Action, s devices.State) devices.Code {
	for _, name := range a.Calibration {
		if !slices.ContainsFunc(s.Calibration, func(c devices.CalibrationState) bool { return c.Name == name && c.Holds(time.Now()) }) {
			return devices.Calibration
		}
	}
	for _, n := range a.Consumables {
		if !slices.ContainsFunc(s.Consumables, func(c devices.Supply) bool { return c.Name == n.Name && c.Level > 0 && c.Level >= n.Amount }) {
			return devices.Consumable
		}
	}
	return ""
}

// lacking sends a command that lacks something.
func (b *bench) lacking(ctx context.Context, code devices.Code) error {
	s := b.state()
	for _, a := range b.about.Actions {
		if short(a, s) == code {
			return b.refuse(ctx, b.order(a.Name, b.valid(a), nil), code)
		}
	}
	return skip("no action lacks a %s", code)
}

func only(m map[string]devices.Alarm) string {
	for code := range m {
		return code
	}
	return ""
}
