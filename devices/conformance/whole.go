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

// whole are the checks of all that was said during the run.
var whole = []Check{
	{Name: "whole.contract", Title: "nothing was said that is not of the contract", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.wrong) > 0 {
			return fmt.Errorf("%d messages, the first: %s", len(b.wrong), b.wrong[0])
		}
		return nil
	}},
	{Name: "whole.order", Title: "(boot, n) rose strictly over all events, restarts included", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := 1; i < len(b.events); i++ {
			if was, e := b.events[i-1], b.events[i]; !e.Newer(was.Boot, was.N) {
				return fmt.Errorf("(%d, %d) of %s came after (%d, %d) of %s", e.Boot, e.N, e.ID, was.Boot, was.N, was.ID)
			}
		}
		return nil
	}},
	{Name: "whole.first", Title: "the first word on every command was accepted, rejected or cancelled", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		seen := map[string]bool{}
		for _, e := range b.events {
			if !seen[e.ID] && !is(lab.CommandAccepted, lab.CommandRejected, lab.CommandCancelled)(e) {
				return fmt.Errorf("the first word on %s was %s", e.ID, brief(e))
			}
			seen[e.ID] = true
		}
		return nil
	}},
	{Name: "whole.one-end", Title: "every command had one end, and a second one only by a person", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		ends := map[string]string{}
		for _, e := range b.events {
			if !ended(e) || e.State == lab.CommandRejected || e.By != "" {
				continue
			}
			if was := ends[e.ID]; was != "" {
				return fmt.Errorf("%s ended %s, and then %s", e.ID, was, brief(e))
			}
			ends[e.ID] = brief(e)
		}
		return nil
	}},
	{Name: "whole.effects", Title: "every end said its effect, and every refusal that nothing moved, with a code and a text", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if !e.State.Terminal() {
				continue
			}
			if !strings.Contains(string(e.raw), `"effect"`) {
				return fmt.Errorf("the end %s has no effect", e.raw)
			}
			if e.State == lab.CommandRejected && (e.Effect != lab.EffectNone || e.Code == "" || e.Error == "") {
				return fmt.Errorf("the refusal %s lacks effect none, a code or a text", e.raw)
			}
		}
		return nil
	}},
	{Name: "whole.retryable", Title: "a refusal that a resend may cure says retryable, and no other does", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.State == lab.CommandRejected && e.Retryable != e.Code.Curable() {
				return fmt.Errorf("%s has retryable %t", brief(e), e.Retryable)
			}
		}
		return nil
	}},
	{Name: "whole.refused-never-ran", Title: "no command that was to be refused was accepted", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if b.refused[e.ID] && e.State != lab.CommandRejected {
				return fmt.Errorf("%s was %s", e.ID, brief(e))
			}
		}
		return nil
	}},
	{Name: "whole.unasked", Title: "no event was about a command that nobody sent", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.State != lab.CommandRejected && e.State != lab.CommandCancelled && !slices.Contains(b.sent, e.ID) {
				return fmt.Errorf("%s is %s", e.ID, brief(e))
			}
		}
		return nil
	}},
	{Name: "whole.utc", Title: "all times were in UTC", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			var t struct {
				TS string `json:"ts"`
			}
			if err := json.Unmarshal(e.raw, &t); err != nil || !strings.HasSuffix(t.TS, "Z") {
				return fmt.Errorf("ts is %q; want an RFC 3339 time that ends in Z", t.TS)
			}
		}
		return nil
	}},
	{Name: "whole.state-rate", Title: "no more than about ten states came in a second", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		// Twelve, since the network may bring two closer together, and a device
		// that is back greets with one.
		const most = 12
		for i := most; i < len(b.states); i++ {
			was, is := b.states[i-most], b.states[i]
			took := max(is.at.Sub(was.at), is.TS.Sub(was.TS)) // a busy machine brings what was said in two seconds within one
			if took < time.Second && was.Boot == is.Boot {
				return fmt.Errorf("%d states in %v", most+1, took)
			}
		}
		return nil
	}},
	{Name: "whole.telemetry", Title: "batches of a stream were numbered from 1 in each boot, none twice", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.about.Streams) == 0 {
			return skip("the descriptor has no stream")
		}
		for name, all := range b.batches {
			for i := 1; i < len(all); i++ {
				if was, t := all[i-1], all[i]; t.Boot < was.Boot || t.Boot == was.Boot && t.N <= was.N {
					return fmt.Errorf("(%d, %d) of %s came after (%d, %d)", t.Boot, t.N, name, was.Boot, was.N)
				}
			}
		}
		return nil
	}},
	{Name: "whole.results", Title: "every result was as the descriptor says", Needs: "C", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if a, ok := b.about.Find(b.names[e.ID]); ok && e.State == lab.CommandDone && e.By == "" {
				if err := devices.CheckResult(a.Results, e.Result); err != nil {
					return fmt.Errorf("%s of %s: %w", brief(e), a.Name, err)
				}
			}
		}
		return nil
	}},
	{Name: "whole.state-n", Title: "no state was older than one before it", raw: true, run: func(_ context.Context, b *bench) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := 1; i < len(b.states); i++ {
			if was, s := b.states[i-1], b.states[i]; s.Boot < was.Boot || s.Boot == was.Boot && s.N < was.N {
				return fmt.Errorf("a state at (%d, %d) came after one at (%d, %d)", s.Boot, s.N, was.Boot, was.N)
			}
		}
		return nil
	}},
	{Name: "whole.alive", Title: "at the end the device is online and idle, and takes a command", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if _, _, err := b.one(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		state := b.conn.State
		b.mu.Unlock()
		if state != devices.Online {
			return fmt.Errorf("conn is %s; want online", state)
		}
		return b.op(ctx, "idle")
	}},
}
