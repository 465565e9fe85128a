package gateway_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// middle is the crash point within an effect: half of it has happened.
const middle sdk.Point = "middle"

// TestCrashAtEveryPoint kills a device at each point of the algorithm, for each
// recovery class, starts it again on its journal, and holds what physically
// happened against what the laboratory was told: nothing twice, nothing lost,
// and doubt exactly where nobody can know.
func TestCrashAtEveryPoint(t *testing.T) {
	t.Parallel()
	points := []sdk.Point{sdk.BeforeBegin, sdk.AfterBegin, middle, sdk.BeforeEnd, sdk.AfterEnd, sdk.BeforePublish}
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		n := 0
		for _, class := range []string{"repeat", "resume", "probe", "manual"} {
			for _, point := range points {
				n++
				number, device := n, fmt.Sprintf("doser-%d", n)
				t.Run(class+"/"+string(point), func(t *testing.T) {
					t.Parallel()
					s := *s
					s.t = t
					s.crashOnce(s.command(device, class, number), point)
				})
			}
		}
	})
}

func (s *site) crashOnce(c lab.Command, point sdk.Point) {
	t := s.t
	var died atomic.Bool
	once := func(p sdk.Point, id string) bool {
		return p == point && id == c.ID.UUID() && died.CompareAndSwap(false, true)
	}
	kill := func(d *sdk.Device, id string) {
		if once(middle, id) {
			d.Kill()
		}
	}
	first := s.device(c.Device, once, kill)
	s.dispatch(c)
	if err := devicestest.Wait(t, first.done, "the death of the device"); !errors.Is(err, sdk.ErrKilled) {
		t.Fatalf("Run = %v; want killed", err)
	}
	s.device(c.Device, once, kill)

	begun := point != sdk.BeforeBegin
	ended := point == sdk.AfterEnd || point == sdk.BeforePublish
	want := lab.CommandDone
	if c.Name == "manual" && begun && !ended {
		want = lab.CommandInDoubt
	}
	r := s.ended(c, want)
	id := c.ID.UUID()
	switch c.Name {
	case "manual":
		moved := 1
		if point == sdk.AfterBegin {
			moved = 0
		}
		if got := s.world.seen(id + " poured"); got != moved {
			t.Errorf("poured %d times; want %d", got, moved)
		}
	case "probe":
		if got := s.world.seen(id + " poured"); got != 1 {
			t.Errorf("poured %d times; want once", got)
		}
	case "resume":
		for step := range 3 {
			if got := s.world.seen(fmt.Sprint(id, " step ", step)); got != 1 {
				t.Errorf("step %d was done %d times; want once", step, got)
			}
		}
	case "repeat":
		if got := s.world.seen(id + " set"); got < 1 || got > 2 || ended && got != 1 {
			t.Errorf("set %d times; want once, or twice when the crash was before the end", got)
		}
	}
	if want == lab.CommandDone {
		if string(r.Values) != `{"amount":5}` || r.Effect != lab.EffectComplete {
			t.Errorf("result = %s %s; want amount 5, complete", r.Values, r.Effect)
		}
		return
	}
	if r.Code != string(devices.PowerLoss) || r.Effect != lab.EffectUnknown {
		t.Errorf("doubt = %s, effect %s; want power_loss, unknown", r.Code, r.Effect)
	}
	s.resolve(c)
}

// resolve ends a doubt by a person's word, which the laboratory and the device
// must both keep.
func (s *site) resolve(c lab.Command) {
	t := s.t
	if err := s.g.Resolve(t.Context(), c.ID, lab.CommandDone, "ada", "the vial is full"); err != nil {
		t.Fatal(err)
	}
	r, err := s.completer.Await(s.patience(), c.ID, func(r lab.Result) bool { return r.By == "ada" })
	if err != nil || r.State != lab.CommandDone {
		t.Errorf("resolved result = %s by %q, %v; want done by ada", r.State, r.By, err)
	}
	err = s.g.Resolve(t.Context(), c.ID, lab.CommandFailed, "bob", "")
	if lab.KindOf(err) != lab.Conflict {
		t.Errorf("second Resolve = %v; want a conflict", err)
	}
	if again, err := s.g.Dispatch(t.Context(), c); err != nil || again == nil || again.By != "ada" {
		t.Errorf("Dispatch of a resolved command = %+v, %v; want ada's word", again, err)
	}
}
