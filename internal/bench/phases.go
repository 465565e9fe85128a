package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/internal/rig"
	"github.com/athanor-lab/athanor/lab"
)

// load sends commands in an open loop: each when its time has come, whatever
// became of those before. A round of all devices comes before a second to one.
func (m *measuring) load(ctx context.Context, r *Dispatch) error {
	n := max(1, int(m.Rate*m.Seconds))
	bench := fleet{Prefix: "bench"}
	// More devices than commands: the others are connected and at rest, in cells
	// of their own.
	r.Commanded = min(n, m.Devices)
	order := m.rand.Perm(r.Commanded)
	// The first lease of each device, and the first beats, are not what is measured.
	if err := m.send(ctx, r.Commanded, max(m.Rate, 200), order, bench, "do"); err != nil {
		return err
	}
	if err := m.watch.await(ctx, 2*drainMax, r.Commanded, "first commands came back", func() int { return len(m.watch.told) }); err != nil {
		return err
	}
	m.watch.note(func() {
		m.watch.sent, m.watch.told = map[string]time.Time{}, map[string]time.Time{}
	})
	cpu, began := rig.CPUSeconds(), time.Now()
	if err := m.send(ctx, n, m.Rate, order, bench, "do"); err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	last := time.Now()
	err := m.watch.await(ctx, drainMax, n, "commands came back", func() int { return len(m.watch.told) })
	r.DrainedInS, r.CPUSeconds = time.Since(last).Seconds(), rig.CPUSeconds()-cpu
	w := m.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Commands, r.Completed = n, len(w.told)
	r.Lost, r.CommandsOut = n-len(w.told), float64(len(w.told))/(r.Seconds+r.DrainedInS)
	r.Accepted, r.Done, r.Told = quantiles(w.sent, w.heard[lab.CommandAccepted]), quantiles(w.sent, w.heard[lab.CommandDone]), quantiles(w.sent, w.told)
	m.Say("%d commands at %g/s: accepted p50 %.1f, p99 %.1f ms; %d lost", n, m.Rate, r.Accepted.P50, r.Accepted.P99, r.Lost)
	if err != nil && ctx.Err() != nil {
		return err
	}
	return nil // commands that are lost are a figure, not an error
}

// senders is how many dispatches may be under way at once: a slow one does not
// hold up those after it.
const senders = 256

func (m *measuring) send(ctx context.Context, n int, rate float64, order []int, of fleet, name string) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots, failed := make(chan struct{}, senders), make(chan error, 1)
	began := time.Now()
	for i := range n {
		pause(ctx, time.Until(began.Add(time.Duration(float64(i)/rate*float64(time.Second)))))
		c := m.command(of.id(order[i%len(order)]), name)
		select {
		case slots <- struct{}{}:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			m.watch.note(func() { m.watch.sent[c.ID.UUID()] = time.Now() })
			if _, err := m.gateway.Dispatch(ctx, c); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	return nil
}

// memory notes what every process takes, under load.
func (m *measuring) memory(r *Dispatch) {
	r.RSSMB["broker"] = rig.MemoryMB(m.broker.PID())
	r.RSSMB["gateway"] = rig.MemoryMB(rig.Self())
	r.RSSMB["postgres"] = rig.ChildrenMemoryMB("postgres")
	for i, c := range m.children {
		r.RSSMB[fmt.Sprintf("devices-%d", i+1)] = rig.MemoryMB(c.PID())
	}
}

// cancel has devices hold, and cancels them one after the other.
func (m *measuring) cancel(ctx context.Context) (Quantiles, error) {
	n := min(m.Devices, cancelMax)
	bench := fleet{Prefix: "bench"}
	w := m.watch
	w.note(func() { w.sent, w.told = map[string]time.Time{}, map[string]time.Time{} })
	if err := m.send(ctx, n, 200, m.rand.Perm(n), bench, "hold"); err != nil {
		return Quantiles{}, err
	}
	if err := w.await(ctx, drainMax, n, "devices are at work", func() int {
		running := 0
		for id := range w.sent {
			if !w.heard[lab.CommandRunning][id].IsZero() {
				running++
			}
		}
		return running
	}); err != nil {
		return Quantiles{}, err
	}
	asked := map[string]time.Time{}
	w.mu.Lock()
	for id := range w.sent {
		asked[id] = time.Time{}
	}
	w.mu.Unlock()
	for id := range asked {
		c, err := lab.ParseCommandUUID(id)
		if err != nil {
			return Quantiles{}, err
		}
		asked[id] = time.Now()
		if err := m.gateway.Cancel(ctx, c); err != nil {
			return Quantiles{}, err
		}
		pause(ctx, 5*time.Millisecond)
	}
	err := w.await(ctx, drainMax, n, "commands are cancelled", func() int { return len(w.heard[lab.CommandCancelled]) })
	w.mu.Lock()
	defer w.mu.Unlock()
	q := quantiles(asked, w.heard[lab.CommandCancelled])
	m.Say("cancel: p50 %.1f, p99 %.1f ms", q.P50, q.P99)
	return q, err
}

// stop stops the laboratory and lets it go on again.
func (m *measuring) stop(ctx context.Context) (Quantiles, error) {
	w := m.watch
	w.note(func() { clear(w.stopped) })
	began := time.Now()
	if err := m.gateway.LabStop(ctx, "bench", "how fast does it reach everybody"); err != nil {
		return Quantiles{}, err
	}
	err := w.await(ctx, drainMax, m.Devices, "devices are stopped", func() int { return len(w.stopped) })
	w.mu.Lock()
	asked := make(map[string]time.Time, len(w.stopped))
	for id := range w.stopped {
		asked[id] = began
	}
	q := quantiles(asked, w.stopped)
	w.mu.Unlock()
	m.Say("lab stop: p50 %.1f, p99 %.1f ms over %d devices", q.P50, q.P99, q.N)
	if err != nil {
		return q, err
	}
	if err := m.gateway.LabRelease(ctx, "bench"); err != nil {
		return q, err
	}
	return q, nil
}

// deaths kills a process of devices, and freezes another, and waits until the
// laboratory knows.
func (m *measuring) deaths(ctx context.Context, r *Dispatch) error {
	w := m.watch
	for _, v := range []struct {
		prefix string
		end    func(*rig.Child) error
		into   *float64
	}{
		{"killed", func(c *rig.Child) error { c.Kill(); return nil }, &r.DeadByWillS},
		{"silent", (*rig.Child).Freeze, &r.DeadBySilenceS},
	} {
		child, err := m.devices(v.prefix, 0, victims, victimBeat)
		if err != nil {
			return err
		}
		of := fleet{Prefix: v.prefix}
		if err := w.await(ctx, drainMax, victims, v.prefix+" devices are online", func() int {
			n := 0
			for i := range victims {
				if w.online[of.id(i)] {
					n++
				}
			}
			return n
		}); err != nil {
			return err
		}
		// A device that nobody holds beats more slowly: it is leased by a command.
		w.note(func() { w.sent, w.told = map[string]time.Time{}, map[string]time.Time{} })
		if err := m.send(ctx, victims, 100, []int{0, 1, 2}, of, "do"); err != nil {
			return err
		}
		if err := w.await(ctx, drainMax, victims, "commands came back", func() int { return len(w.told) }); err != nil {
			return err
		}
		pause(ctx, time.Duration((1+m.rand.Float64())*victimBeat*float64(time.Second))) // somewhere between two heartbeats
		w.note(func() { clear(w.lost) })
		began := time.Now()
		if err := v.end(child); err != nil {
			return err
		}
		if err := w.await(ctx, drainMax, victims, "dead devices are seen", func() int {
			n := 0
			for i := range victims {
				if !w.lost[of.id(i)].IsZero() {
					n++
				}
			}
			return n
		}); err != nil {
			return err
		}
		w.mu.Lock()
		for i := range victims {
			*v.into = max(*v.into, w.lost[of.id(i)].Sub(began).Seconds())
		}
		w.mu.Unlock()
		m.Say("%s devices are seen after %.2f s", v.prefix, *v.into)
	}
	r.DeadBySilenceHeartbeat = r.DeadBySilenceS / victimBeat
	return nil
}
