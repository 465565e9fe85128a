package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// params are the checks of the limits in the descriptor. They are made while
// the device is stopped: parameters are held against the limits before that is
// looked at, so a command that would have run is refused with interlock.
var params = []Check{
	{Name: "params.minimum", Title: "the minimum itself is allowed", Needs: "C", run: limit(func(s lab.ParamSpec) any { return deref(s.Min) }, devices.Interlock)},
	{Name: "params.maximum", Title: "the maximum itself is allowed", Needs: "C", run: limit(func(s lab.ParamSpec) any { return deref(s.Max) }, devices.Interlock)},
	{Name: "params.below", Title: "the next number below the minimum is refused", Needs: "C", run: limit(func(s lab.ParamSpec) any {
		return beyond(s, s.Min, -1)
	}, devices.BadParams)},
	{Name: "params.above", Title: "the next number above the maximum is refused", Needs: "C", run: limit(func(s lab.ParamSpec) any {
		return beyond(s, s.Max, 1)
	}, devices.BadParams)},
	{Name: "params.far-below", Title: "-1e308 is refused where there is a minimum", Needs: "C", run: limit(func(s lab.ParamSpec) any {
		if s.Min == nil || *s.Min <= -1e308 {
			return nil
		}
		return -1e308
	}, devices.BadParams)},
	{Name: "params.far-above", Title: "1e308 is refused where there is a maximum", Needs: "C", run: limit(func(s lab.ParamSpec) any {
		if s.Max == nil || *s.Max >= 1e308 {
			return nil
		}
		return 1e308
	}, devices.BadParams)},
	{Name: "params.text-for-number", Title: "a text is no number", Needs: "C", run: value("1", "number", "integer")},
	{Name: "params.truth-for-number", Title: "true is no number", Needs: "C", run: value(true, "number", "integer")},
	{Name: "params.list-for-value", Title: "a list is no value", Needs: "C", run: value([]int{1}, "number", "integer", "string", "boolean")},
	{Name: "params.null", Title: "null is no value", Needs: "C", run: value(json.RawMessage("null"), "number", "integer", "string", "boolean")},
	{Name: "params.fraction", Title: "a fraction is no whole number", Needs: "C", run: limit(func(s lab.ParamSpec) any {
		if s.Type != "integer" {
			return nil
		}
		return deref(s.Min).(float64) + 0.5
	}, devices.BadParams)},
	{Name: "params.number-for-text", Title: "a number is no text", Needs: "C", run: value(7, "string")},
	{Name: "params.number-for-truth", Title: "1 is not true", Needs: "C", run: value(1, "boolean")},
	{Name: "params.enum", Title: "a text that is not of the list is refused, and one that is, allowed", Needs: "C", run: func(ctx context.Context, b *bench) error {
		listed := func(s lab.ParamSpec) bool { return len(s.Enum) > 0 }
		if err := b.params(ctx, listed, func(s lab.ParamSpec) any { return s.Enum[len(s.Enum)-1] }, devices.Interlock); err != nil {
			return err
		}
		return b.params(ctx, listed, func(s lab.ParamSpec) any { return s.Enum[0] + "?" }, devices.BadParams)
	}},
	{Name: "params.missing", Title: "a missing parameter is refused when it is required, and left out otherwise", Needs: "C", run: checkMissing},
	{Name: "params.unknown", Title: "a parameter that the descriptor does not have is refused", Needs: "C", run: extra("no_such_parameter")},
	{Name: "params.case", Title: "the name of a parameter in other letters is another name", Needs: "C", run: checkCase},
}

func deref(x *float64) any {
	if x == nil {
		return 0.0
	}
	return *x
}

// beyond returns the next number outside a limit that the type of s has.
func beyond(s lab.ParamSpec, limit *float64, sign float64) any {
	switch {
	case limit == nil:
		return nil
	case s.Type == "integer":
		return *limit + sign
	default:
		return math.Nextafter(*limit, sign*math.Inf(1))
	}
}

// limit sends every number a value, save where that is nil.
func limit(of func(lab.ParamSpec) any, want devices.Code) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		return b.params(ctx, func(s lab.ParamSpec) bool {
			limited := s.Min != nil || s.Max != nil
			return (s.Type == "integer" || s.Type == "number" && limited) && of(s) != nil
		}, of, want)
	}
}

// value sends every parameter of some types the same value, which is none of theirs.
func value(v any, types ...string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		return b.params(ctx, func(s lab.ParamSpec) bool { return slices.Contains(types, s.Type) }, func(lab.ParamSpec) any { return v }, devices.BadParams)
	}
}

// params sends commands in which one parameter has a value of choice, to a
// stopped device.
func (b *bench) params(ctx context.Context, which func(lab.ParamSpec) bool, of func(lab.ParamSpec) any, want devices.Code) error {
	n := 0
	err := b.whileStopped(ctx, func() error {
		for _, a := range b.about.Actions {
			for _, s := range a.Params {
				if !which(s) {
					continue
				}
				n++
				m := b.valid(a)
				m[s.Name] = of(s)
				if err := b.refuse(ctx, b.order(a.Name, m, nil), want); err != nil {
					return fmt.Errorf("%s.%s: %w", a.Name, s.Name, err)
				}
			}
		}
		return nil
	})
	if err == nil && n == 0 {
		return skip("the device has no such parameter")
	}
	return err
}

// whileStopped does f while the device is stopped.
func (b *bench) whileStopped(ctx context.Context, f func() error) error {
	if err := b.ctl(ctx, fields{"op": "stop", "by": b.id, "reason": "conformance"}); err != nil {
		return err
	}
	err := f()
	if back := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err == nil {
		err = back
	}
	return err
}

// valid returns parameters of an action that the descriptor allows. They are
// never run.
func (b *bench) valid(a devices.Action) fields {
	with, _ := b.examples()
	m := fields{}
	for _, x := range with {
		if x.action.Name == a.Name && json.Unmarshal(x.params, &m) == nil {
			return m
		}
	}
	for _, s := range a.Params {
		switch {
		case !s.Required:
		case s.Type == "boolean":
			m[s.Name] = false
		case s.Type == "string" && len(s.Enum) > 0:
			m[s.Name] = s.Enum[0]
		case s.Type == "string":
			m[s.Name] = "x"
		case s.Min != nil:
			m[s.Name] = *s.Min
		default:
			m[s.Name] = math.Trunc(math.Min(0, deref(s.Max).(float64)))
		}
	}
	return m
}

func checkMissing(ctx context.Context, b *bench) error {
	n := 0
	err := b.whileStopped(ctx, func() error {
		for _, a := range b.about.Actions {
			for _, s := range a.Params {
				m, want := b.valid(a), devices.Interlock
				delete(m, s.Name)
				if s.Required {
					want = devices.BadParams
				}
				n++
				if err := b.refuse(ctx, b.order(a.Name, m, nil), want); err != nil {
					return fmt.Errorf("%s.%s: %w", a.Name, s.Name, err)
				}
			}
		}
		return nil
	})
	if err == nil && n == 0 {
		return skip("the device has no parameters")
	}
	return err
}

func extra(name string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		return b.whileStopped(ctx, func() error {
			for _, a := range b.about.Actions {
				m := b.valid(a)
				m[name] = 1
				if err := b.refuse(ctx, b.order(a.Name, m, nil), devices.BadParams); err != nil {
					return fmt.Errorf("%s: %w", a.Name, err)
				}
			}
			return nil
		})
	}
}

func checkCase(ctx context.Context, b *bench) error {
	n := 0
	err := b.whileStopped(ctx, func() error {
		for _, a := range b.about.Actions {
			for _, s := range a.Params {
				m := b.valid(a)
				v, ok := m[s.Name]
				other := strings.ToUpper(s.Name)
				if !ok || other == s.Name {
					continue
				}
				n++
				delete(m, s.Name)
				m[other] = v
				if err := b.refuse(ctx, b.order(a.Name, m, nil), devices.BadParams); err != nil {
					return fmt.Errorf("%s.%s: %w", a.Name, s.Name, err)
				}
			}
		}
		return nil
	})
	if err == nil && n == 0 {
		return skip("the device has no parameter whose name has small letters")
	}
	return err
}
