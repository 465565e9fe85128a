package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/lab"
)

// matter is where samples physically are: in a slot, and never in two.
type matter struct {
	mu sync.Mutex
	at map[string]gateway.Place // by sample
}

func (m *matter) in(p gateway.Place) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for sample, at := range m.at {
		if at == p {
			return sample
		}
	}
	return ""
}

func (m *matter) move(sample string, to gateway.Place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[sample] = to
}

func (m *matter) of(sample string) gateway.Place {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[sample]
}

// station is a device with one slot whose process dies and comes back.
type station struct {
	s     *site
	m     *matter
	id    string
	robot bool // it is the one that moves
	blind bool // it has no sensor

	mu     sync.Mutex
	device *sdk.Device
	done   chan error
}

func placeOf(device string) gateway.Place { return gateway.Place{Device: device, Slot: "slot"} }

func (x *station) start() {
	me := placeOf(x.id)
	d := sdk.New(sdk.Config{ID: x.id, Kind: "Station", Capabilities: []string{"station"}, Journal: filepath.Join(x.s.dir, x.id), Heartbeat: 100 * time.Millisecond})
	// The one with hands does the movement; the other waits for it.
	until := func(c *sdk.Ctx, ok func() bool) error {
		for !ok() {
			if err := c.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}
	hands := sdk.Hands{
		Slots: []string{me.Slot},
		Give: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			if x.robot {
				if err := c.Sleep(5 * time.Millisecond); err != nil {
					return "", sdk.Fault{Effect: lab.EffectNone, Err: err}
				}
				x.m.move(h.Sample, peer(h))
				return "", nil
			}
			return "", until(c, func() bool { return x.m.in(me) == "" })
		},
		Take: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			if x.robot {
				if err := c.Sleep(5 * time.Millisecond); err != nil {
					return "", sdk.Fault{Effect: lab.EffectNone, Err: err}
				}
				x.m.move(h.Sample, me)
				return h.Sample, nil
			}
			return h.Sample, until(c, func() bool { return x.m.in(me) == h.Sample })
		},
		Look: func(string) sdk.Seen {
			sample := x.m.in(me)
			return sdk.Seen{Known: true, Present: sample != "", Read: sample}
		},
	}
	if x.blind {
		hands.Look = nil
	}
	d.Hands(hands)
	if sample := x.m.in(me); sample != "" {
		if err := d.SetSlot(me.Slot, sample); err != nil { // the journal, once there is one, knows better
			x.s.t.Error(err)
		}
	}
	done := make(chan error, 1)
	x.mu.Lock()
	x.device, x.done = d, done
	x.mu.Unlock()
	go func() { done <- d.Run(context.Background(), x.s.dial) }()
}

func peer(h sdk.Handing) gateway.Place {
	var p gateway.Place
	if _, err := fmt.Sscanf(h.Peer, "%s", &p.Device); err == nil {
		p.Device, p.Slot = p.Device[:len(p.Device)-len(":slot")], "slot"
	}
	return p
}

func (x *station) kill() {
	x.mu.Lock()
	d, done := x.device, x.done
	x.mu.Unlock()
	d.Kill()
	if err := <-done; !errors.Is(err, sdk.ErrKilled) {
		x.s.t.Errorf("%s ended with %v", x.id, err)
	}
}

// TestHandoversUnderKills hands samples round between stations and a robot
// whose processes, and the gateway, die at random. Whatever dies, the ledger has
// every sample in one slot, and where it is certain that is where it is.
func TestHandoversUnderKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		samples func(*testing.T) gateway.Samples
		blind   bool
		rounds  int
	}{
		"Memory":   {func(*testing.T) gateway.Samples { return nil }, false, 60},
		"Blind":    {func(*testing.T) gateway.Samples { return nil }, true, 30},
		"Postgres": {func(t *testing.T) gateway.Samples { return pgtest.Open(t) }, false, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples := c.samples(t)
			s := newSite(t, devicestest.NewBroker().Dial, func(cfg *gateway.Config) {
				if samples != nil {
					cfg.Samples = samples
				}
			})
			if samples == nil {
				samples = s.samples
			}
			handRound(t, s, samples, c.blind, c.rounds)
		})
	}
}

func handRound(t *testing.T, s *site, samples gateway.Samples, blind bool, rounds int) {
	t.Helper()
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, 0))
	m := &matter{at: map[string]gateway.Place{"S-1": placeOf("furnace")}}
	all := map[string]*station{}
	for _, id := range []string{"furnace", "robot", "xrd"} {
		x := &station{s: s, m: m, id: id, robot: id == "robot", blind: blind && id != "robot"}
		all[id] = x
		x.start()
		t.Cleanup(x.kill)
	}
	if err := samples.PlaceSample(t.Context(), "S-1", placeOf("furnace"), "ada"); err != nil {
		t.Fatal(err)
	}
	way := []string{"furnace", "robot", "xrd", "robot"}
	doubts, kills := 0, 0
	for round := range rounds {
		from, to := placeOf(way[round%4]), placeOf(way[(round+1)%4])
		give, take := s.command(from.Device, "give", 2*round+1), s.command(to.Device, "take", 2*round+2)
		h := lab.Handing{Sample: "S-1", From: from, To: to, Give: give, Take: take}
		if _, _, err := s.g.Handover(t.Context(), h); err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, round, err)
		}
		for range rng.IntN(3) {
			time.Sleep(time.Duration(rng.IntN(8)) * time.Millisecond) // somewhere in the middle
			switch victim := rng.IntN(4); victim {
			case 3:
				s.end()
				s.g, s.end = s.gateway()
			default:
				x := all[[]string{"furnace", "robot", "xrd"}[victim]]
				x.kill()
				x.start()
			}
			kills++
		}
		settled := settle(t, s, samples, m, h, &doubts, fmt.Sprintf("seed %d, round %d", seed, round))
		if settled != gateway.HandoverMoved {
			t.Fatalf("seed %d, round %d: the handover %s; want moved, in the end", seed, round, settled)
		}
	}
	if kills < rounds/2 {
		t.Errorf("%d kills in %d rounds: nothing was tried", kills, rounds)
	}
	t.Logf("%d handovers, %d kills, %d doubts that a person resolved", rounds, kills, doubts)
}

// settle waits until a handover has ended and both devices are at work again,
// looking all the time. A person looks where nobody else knows.
func settle(t *testing.T, s *site, samples gateway.Samples, m *matter, h lab.Handing, doubts *int, when string) gateway.HandoverState {
	t.Helper()
	ctx := s.patience()
	for {
		where, err := samples.Whereabouts(ctx, "S-1")
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if where.Place != h.From && where.Place != h.To {
			t.Fatalf("%s: the ledger has it at %s; it goes from %s to %s", when, where.Place, h.From, h.To)
		}
		cleared := s.cleared(h)
		switch {
		case where.Certain && where.Place == h.To && cleared:
			if m.of("S-1") != h.To {
				t.Fatalf("%s: the ledger has it at %s; it is at %s", when, h.To, m.of("S-1"))
			}
			return gateway.HandoverMoved
		case !where.Certain: // both have ended, and somebody looks
			at := m.of("S-1")
			if at == h.From { // and puts it where it was to go
				m.move("S-1", h.To)
				at = h.To
			}
			*doubts++
			if err := s.g.ResolveHandover(ctx, h.Token(), at, "ada", "seen"); err != nil && lab.KindOf(err) != lab.Conflict {
				t.Fatalf("%s: %v", when, err)
			}
		}
		if ctx.Err() != nil {
			g, _ := s.ledger.Get(t.Context(), h.Give.ID.UUID())
			k, _ := s.ledger.Get(t.Context(), h.Take.ID.UUID())
			t.Fatalf("%s: it is at %s, certain %t, cleared %t; give %s, take %s", when, where.Place, where.Certain, cleared, g.Event, k.Event)
		}
		time.Sleep(2 * time.Millisecond) // between two looks
	}
}

// cleared reports whether both devices have cleared their slots.
func (s *site) cleared(h lab.Handing) bool {
	_, cleared, err := s.g.Handed(context.Background(), h.Token())
	return err == nil && cleared
}

// TestPersonEndsADispute has a blind station die at a handover, lets somebody else
// have both devices meanwhile, and wants a person's word to settle the sample and
// the commands, and both slots cleared under the epochs of the new holder.
func TestPersonEndsADispute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at    func(h lab.Handing) lab.Place
		state gateway.HandoverState
		give  lab.CommandState
	}{
		"There": {func(h lab.Handing) lab.Place { return h.To }, gateway.HandoverMoved, lab.CommandDone},
		"Lost":  {func(lab.Handing) lab.Place { return lab.Place{} }, gateway.HandoverLost, lab.CommandFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, devicestest.NewBroker().Dial, func(cfg *gateway.Config) {
				cfg.Epoch = func(context.Context, string) (int64, error) { return 9, nil }
			})
			m := &matter{at: map[string]gateway.Place{"S-1": placeOf("furnace")}}
			furnace := &station{s: s, m: m, id: "furnace", blind: true}
			robot := &station{s: s, m: m, id: "robot"} // it waits for somebody to move the sample
			for _, x := range []*station{furnace, robot} {
				x.start()
				t.Cleanup(x.kill)
			}
			if err := s.samples.PlaceSample(t.Context(), "S-1", placeOf("furnace"), "ada"); err != nil {
				t.Fatal(err)
			}
			h := lab.Handing{Sample: "S-1", From: placeOf("furnace"), To: placeOf("robot"), Give: s.command("furnace", "give", 1), Take: s.command("robot", "take", 2)}
			if _, _, err := s.g.Handover(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			ctx := s.patience()
			for { // until it is at it
				e, err := s.ledger.Get(ctx, h.Give.ID.UUID())
				if err != nil {
					t.Fatal(err)
				}
				if e.State == lab.CommandRunning {
					break
				}
				time.Sleep(time.Millisecond)
			}
			furnace.kill()
			m.move("S-1", placeOf("robot"))
			furnace.start()
			for {
				state, _, err := s.g.Handed(ctx, h.Token())
				if err != nil {
					t.Fatal(err)
				}
				if state == gateway.HandoverUncertain {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if err := s.g.ResolveHandover(ctx, h.Token(), c.at(h), "ada", "looked"); err != nil {
				t.Fatal(err)
			}
			for !s.cleared(h) {
				if ctx.Err() != nil {
					t.Fatal("the slots are not cleared")
				}
				time.Sleep(time.Millisecond)
			}
			if state, _, err := s.g.Handed(ctx, h.Token()); err != nil || state != c.state {
				t.Errorf("the handover is %s, %v; want %s", state, err, c.state)
			}
			e, err := s.ledger.Get(ctx, h.Give.ID.UUID())
			if err != nil || e.State != c.give {
				t.Errorf("the doubtful give is %s, %v; want %s, by the same word", e.State, err, c.give)
			}
			open, err := s.ledger.Get(ctx, lab.CommandIDOf(h.Give.ExperimentID, h.Give.Step+".clear.furnace."+h.Token(), h.Give.Intent, 0).UUID())
			if err != nil || open.Command.Epoch != 9 {
				t.Errorf("the slot was cleared under epoch %d, %v; want that of the holder, 9", open.Command.Epoch, err)
			}
		})
	}
}

// TestHandoverIsRefusedWhereItCannotBe lists what does not begin.
func TestHandoverIsRefusedWhereItCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	a, b := placeOf("furnace"), placeOf("robot")
	give, take := s.command("furnace", "give", 1), s.command("robot", "take", 2)
	if _, _, err := s.g.Handover(t.Context(), lab.Handing{Sample: "S-1", From: a, To: b, Give: give, Take: take}); lab.KindOf(err) != lab.Conflict {
		t.Errorf("a sample that is nowhere: %v; want a conflict", err)
	}
	for name, c := range map[string]struct {
		from, to   gateway.Place
		give, take lab.Command
	}{
		"OneSlot":     {a, a, give, give},
		"OtherDevice": {a, placeOf("xrd"), give, take},
		"OneCommand":  {a, b, give, func() lab.Command { c := take; c.ID = give.ID; return c }()},
	} {
		if _, _, err := s.g.Handover(t.Context(), lab.Handing{Sample: "S-1", From: c.from, To: c.to, Give: c.give, Take: c.take}); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: %v; want invalid", name, err)
		}
	}
	if err := s.g.ResolveHandover(t.Context(), "t", a, "", "x"); lab.KindOf(err) != lab.Invalid {
		t.Errorf("resolved by nobody: %v; want invalid", err)
	}
	if _, err := s.ledger.Get(t.Context(), give.ID.UUID()); lab.KindOf(err) != lab.NotFound {
		t.Errorf("a refused handover sent a command: %v", err)
	}
}
