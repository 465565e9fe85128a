package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// births are the checks of what a device says of itself.
var births = []Check{
	{Name: "birth.online", Title: "conn says online, with the count of starts", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.conn.State != devices.Online || b.conn.Boot < 1 {
			return fmt.Errorf("conn is %+v; want online, boot from 1", b.conn)
		}
		return nil
	}},
	{Name: "birth.retained", Title: "conn, about and state are retained for whoever comes later", raw: true, run: checkRetained},
	{Name: "birth.identity", Title: "the descriptor's id is urn:ldp:{lab}:{device}, as in the topic", raw: true, run: func(_ context.Context, b *bench) error {
		if b.about.Lab != b.cfg.Lab || b.about.ID != b.cfg.Device {
			return fmt.Errorf("id names %s:%s; want %s:%s", b.about.Lab, b.about.ID, b.cfg.Lab, b.cfg.Device)
		}
		return nil
	}},
	{Name: "birth.thing-description", Title: "the descriptor is a Thing Description 1.1 with a form for every action", raw: true, run: checkTD},
	{Name: "birth.profile", Title: "the descriptor names its profile, its minor version and whether it is simulated", raw: true, run: func(_ context.Context, b *bench) error {
		var d struct {
			Profile   []string `json:"ldp:profile"`
			Minor     *int     `json:"ldp:minor"`
			Simulated *bool    `json:"ldp:simulated"`
		}
		if err := json.Unmarshal(b.td, &d); err != nil {
			return err
		}
		for _, p := range d.Profile {
			if !slices.Contains([]string{"S", "C", "L", "M", "B"}, p) {
				return fmt.Errorf("ldp:profile has %q; want S, C, L, M and B", p)
			}
		}
		if len(d.Profile) == 0 || d.Minor == nil || d.Simulated == nil {
			return errors.New("ldp:profile, ldp:minor or ldp:simulated is missing")
		}
		return nil
	}},
	{Name: "birth.recovery", Title: "every action says what a crash does to it", raw: true, run: func(_ context.Context, b *bench) error {
		var d struct {
			Actions map[string]struct {
				Recovery string `json:"ldp:recovery"`
			} `json:"actions"`
		}
		if err := json.Unmarshal(b.td, &d); err != nil {
			return err
		}
		if len(d.Actions) == 0 {
			return errors.New("there is no action: nothing could be asked of it")
		}
		for name, a := range d.Actions {
			if a.Recovery == "" {
				return fmt.Errorf("action %s has no ldp:recovery; want repeat, resume, probe or manual", name)
			}
		}
		return nil
	}},
	{Name: "birth.units", Title: "every number among parameters and results has a unit", raw: true, run: func(_ context.Context, b *bench) error {
		for _, a := range b.about.Actions {
			for _, s := range slices.Concat(a.Params, a.Results) {
				if s.Type == "number" && s.Unit == "" {
					return fmt.Errorf("%s.%s is a number without a unit; a bare number has the unit 1", a.Name, s.Name)
				}
			}
		}
		return nil
	}},
	{Name: "birth.limits", Title: "every number among parameters has limits, in their order", raw: true, run: func(_ context.Context, b *bench) error {
		for _, a := range b.about.Actions {
			for _, s := range a.Params {
				if s.Type == "number" && (s.Min == nil || s.Max == nil) {
					return fmt.Errorf("%s.%s has no minimum or no maximum", a.Name, s.Name)
				}
				if s.Min != nil && s.Max != nil && *s.Min > *s.Max {
					return fmt.Errorf("%s.%s has minimum %g above maximum %g", a.Name, s.Name, *s.Min, *s.Max)
				}
			}
		}
		return nil
	}},
	{Name: "birth.defaults", Title: "no parameter with a default is required, and the default is allowed", raw: true, run: func(_ context.Context, b *bench) error {
		for _, a := range b.about.Actions {
			for _, s := range a.Params {
				if s.Default == nil {
					continue
				}
				if s.Required || !fits(s, s.Default) {
					return fmt.Errorf("%s.%s has default %s, which is not allowed, or is required", a.Name, s.Name, s.Default)
				}
			}
		}
		return nil
	}},
	{Name: "birth.capabilities", Title: "the descriptor names at least one capability", raw: true, run: func(_ context.Context, b *bench) error {
		if len(b.about.Capabilities) == 0 {
			return errors.New("ldp:capabilities is empty: no protocol could ask for the device")
		}
		return nil
	}},
	{Name: "birth.cell", Title: "the descriptor names the cell and the heartbeat", raw: true, run: func(_ context.Context, b *bench) error {
		if b.about.Cell == "" || b.about.HeartbeatS <= 0 {
			return fmt.Errorf("ldp:cell is %q and ldp:heartbeat_s %g; want a name, and seconds above 0", b.about.Cell, b.about.HeartbeatS)
		}
		return nil
	}},
	{Name: "birth.state", Title: "the state has the boot of conn, and is idle, remote, with a clock", raw: true, run: func(ctx context.Context, b *bench) error {
		if err := b.ready(ctx); err != nil {
			return err
		}
		return b.soon(ctx, "a state that is idle, remote, with a clock and the boot of conn", func() bool {
			s := b.last()
			return s.Op == "idle" && s.Mode == "remote" && s.Boot == b.conn.Boot && s.Clock != nil && slices.Contains([]string{"beat", "ntp", "ptp"}, s.Clock.Source)
		})
	}},
}

// checkRetained comes as a newcomer.
func checkRetained(ctx context.Context, b *bench) error {
	var mu sync.Mutex
	kept := map[devices.Leaf]bool{}
	heard := make(chan struct{}, 16)
	var filters []string
	leaves := []devices.Leaf{devices.LeafConn, devices.LeafAbout, devices.LeafState}
	for _, leaf := range leaves {
		filters = append(filters, devices.Topic(b.cfg.Lab, b.cfg.Device, leaf))
	}
	bus, err := b.cfg.Dial(ctx, devices.Session{ClientID: b.id + "-new", Subscriptions: []devices.Subscription{{
		Filters: filters,
		Handle: func(_ context.Context, m devices.Message) {
			_, _, leaf, _ := devices.ParseTopic(m.Topic)
			mu.Lock()
			kept[leaf] = kept[leaf] || m.Retain
			mu.Unlock()
			select {
			case heard <- struct{}{}:
			default:
			}
		},
	}}})
	if err != nil {
		return err
	}
	defer func() { _ = bus.Close() }()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	for {
		mu.Lock()
		n := len(kept)
		mu.Unlock()
		if n == len(leaves) {
			break
		}
		select {
		case <-heard:
		case <-ctx.Done():
			return fmt.Errorf("a newcomer heard %d of conn, about and state", n)
		}
	}
	for _, leaf := range leaves {
		if !kept[leaf] {
			return fmt.Errorf("%s is not retained", leaf)
		}
	}
	return nil
}

func checkTD(_ context.Context, b *bench) error {
	var d struct {
		Context  json.RawMessage `json:"@context"`
		Title    string          `json:"title"`
		Security json.RawMessage `json:"security"`
		Schemes  map[string]any  `json:"securityDefinitions"`
		Actions  map[string]struct {
			Input *struct {
				Properties map[string]any `json:"properties"`
			} `json:"input"`
			Forms []struct {
				Href string `json:"href"`
			} `json:"forms"`
		} `json:"actions"`
	}
	if err := json.Unmarshal(b.td, &d); err != nil {
		return err
	}
	var one string
	var many []any
	_ = json.Unmarshal(d.Context, &one)
	_ = json.Unmarshal(d.Context, &many)
	const td = "https://www.w3.org/2022/wot/td/v1.1"
	if one != td && !slices.Contains(many, any(td)) {
		return fmt.Errorf("@context does not name %s", td)
	}
	if d.Title == "" || d.Security == nil || len(d.Schemes) == 0 {
		return errors.New("title, security or securityDefinitions is missing")
	}
	for name, a := range d.Actions {
		if len(a.Forms) == 0 || a.Forms[0].Href == "" {
			return fmt.Errorf("action %s has no form", name)
		}
		if a.Input == nil || a.Input.Properties["params"] == nil || a.Input.Properties["epoch"] == nil {
			return fmt.Errorf("the input of action %s is not the whole command", name)
		}
	}
	return nil
}

// fits reports whether a value is as described.
func fits(s lab.ParamSpec, raw json.RawMessage) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return false
	}
	switch s.Type {
	case "number", "integer":
		x, ok := v.(float64)
		return ok && (s.Type == "number" || x == math.Trunc(x)) && (s.Min == nil || x >= *s.Min) && (s.Max == nil || x <= *s.Max)
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "string":
		x, ok := v.(string)
		return ok && (len(s.Enum) == 0 || slices.Contains(s.Enum, x))
	case "array":
		_, ok := v.([]any)
		return ok
	default:
		_, ok := v.(map[string]any)
		return ok
	}
}
