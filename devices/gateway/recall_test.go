package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// restored is a laboratory with the devices of s and a record from before all that
// s did. Devices that are asked are silent yet; without any, nobody asks.
func (s *site) restored(asked ...string) (*site, *gatewaytest.Recalls) {
	s.t.Helper()
	s.end()
	recalls := &gatewaytest.Recalls{Asked: asked}
	r := newSite(s.t, s.dial, func(cfg *gateway.Config) {
		recalls.Ledger = cfg.Ledger
		if len(asked) > 0 {
			cfg.Recalls = recalls
		}
	})
	r.dir, r.world, r.epoch = s.dir, s.world, 1_000_000_000
	return r, recalls
}

func (s *site) recalled(r *gatewaytest.Recalls) {
	s.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := s.patience(); ; <-tick.C {
		silent, err := r.Silent(ctx)
		if err != nil || ctx.Err() != nil {
			s.t.Fatalf("silent are yet %v: %v", silent, err)
		}
		if len(silent) == 0 {
			return
		}
	}
}

// TestRestoredRecordFindsWhatWasDone restores a record from before a command was
// dispatched. It is decided anew, until later and under another epoch: what was
// done is the answer, and nothing moves. A command that the device was in the
// middle of goes on.
func TestRestoredRecordFindsWhatWasDone(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		s.device("doser-1", nil, nil)
		c, under := s.command("doser-1", "manual", 1), s.command("doser-1", "hold", 2)
		s.dispatch(c)
		first := s.ended(c, lab.CommandDone)
		s.dispatch(under)
		s.reached(under, lab.CommandRunning)

		r, recalls := s.restored("doser-1")
		r.recalled(recalls)
		again, goesOn := r.command("doser-1", "manual", 1), r.command("doser-1", "hold", 2)
		again.Deadline, goesOn.Deadline = again.Deadline.Add(time.Minute), goesOn.Deadline.Add(time.Minute)
		again.Params = json.RawMessage(`{ "amount": 5.0 }`) // the same number
		r.dispatch(again)
		if got := r.ended(again, lab.CommandDone); got.FinishedAt != first.FinishedAt || !bytes.Equal(got.Values, first.Values) {
			t.Errorf("the answer is %+v; want the first one, %+v", got, first)
		}
		r.dispatch(goesOn)
		r.reached(goesOn, lab.CommandRunning)
		if err := r.g.Cancel(t.Context(), goesOn.ID); err != nil {
			t.Fatal(err)
		}
		r.ended(goesOn, lab.CommandCancelled)
		news := r.command("doser-1", "manual", 3) // the device obeys the restored laboratory
		r.dispatch(news)
		r.ended(news, lab.CommandDone)
		for what, want := range map[string]int{c.ID.UUID() + " poured": 1, under.ID.UUID() + " held": 1, news.ID.UUID() + " poured": 1} {
			if n := s.world.seen(what); n != want {
				t.Errorf("%s %d times; want %d", what, n, want)
			}
		}
	})
}

// TestRestoredRecordIsToldOtherwise has the restored record come to another
// decision than was carried out: other settings, or another device. The command is
// not sent, and has failed at once, with what was done in words. It is not tried
// again by itself, since the sample is not what it was.
func TestRestoredRecordIsToldOtherwise(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	s.device("doser-1", nil, nil)
	s.device("doser-2", nil, nil)
	settings, place := s.command("doser-1", "manual", 1), s.command("doser-1", "manual", 2)
	for _, c := range []lab.Command{settings, place} {
		s.dispatch(c)
		s.ended(c, lab.CommandDone)
	}
	r, recalls := s.restored("doser-1", "doser-2")
	r.recalled(recalls)
	settings.Params, place.Device = json.RawMessage(`{"amount":7}`), "doser-2"
	for _, c := range []lab.Command{settings, place} {
		c.Epoch = r.epoch
		for range 2 { // as activities are
			got, err := r.g.Dispatch(t.Context(), c)
			if err != nil || got == nil || got.State != lab.CommandFailed || got.Effect != lab.EffectUnknown || !strings.Contains(got.Error, `doser-1 was told to manual {"amount":5}`) {
				t.Errorf("the command came to %+v, %v; want failed, with what was told", got, err)
			}
		}
		if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
			t.Errorf("%s poured %d times; want once", c.ID, n)
		}
	}
}

// TestReusedIDIsNoReasonToTryAgain sends other bytes under an id that a device
// knows, with nobody having asked it: its refusal does not say that nothing has
// happened to the sample.
func TestReusedIDIsNoReasonToTryAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	s.device("doser-1", nil, nil)
	c := s.command("doser-1", "manual", 1)
	s.dispatch(c)
	s.ended(c, lab.CommandDone)
	r, _ := s.restored()
	c.Epoch = r.epoch
	r.dispatch(c)
	if got := r.ended(c, lab.CommandRejected); got.Code != string(devices.BadMessage) || got.Effect != lab.EffectUnknown {
		t.Errorf("the refusal is %s with effect %s; want bad_message, unknown", got.Code, got.Effect)
	}
}

// TestRecallComesInPages has a device remember more than a page, and a restored
// record ask for all of it.
func TestRecallComesInPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	s.device("doser-1", nil, nil)
	var all []lab.Command
	for n := range 12 {
		c := s.command("doser-1", "manual", n+1)
		for i := range 200 { // 24 KiB
			c.Samples = append(c.Samples, lab.SampleRef{ID: strings.Repeat("s", 100) + string(rune('a'+i%26))})
		}
		s.dispatch(c)
		s.ended(c, lab.CommandDone)
		all = append(all, c)
	}
	r, recalls := s.restored("doser-1")
	r.recalled(recalls)
	for _, c := range all {
		e, err := s.ledger.Get(t.Context(), c.ID.UUID())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := recalls.WasTold(t.Context(), c.ID.UUID()); err != nil || !bytes.Equal(got.Body, e.Body) {
			t.Errorf("command %d comes back as %d bytes, %v; want the %d that were sent", c.Number, len(got.Body), err, len(e.Body))
		}
	}
}

// TestOldDeviceIsNotWaitedFor has a device of LDP 1.2 in a restored laboratory: it
// cannot say what it was told, and nobody waits for it.
func TestOldDeviceIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := newSite(t, broker.Dial)
	about, err := sdk.New(sdk.Config{ID: "doser-1", Kind: "Doser", Journal: "none"}).About().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	about = bytes.Replace(about, []byte(`"ldp:minor":3`), []byte(`"ldp:minor":2`), 1)
	bus, err := broker.Dial(t.Context(), devices.Session{ClientID: "doser-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	for leaf, payload := range map[devices.Leaf][]byte{devices.LeafAbout: about, devices.LeafConn: []byte(`{"state":"online","boot":1,"ts":"2026-01-02T03:04:05Z"}`)} {
		if err := bus.Publish(context.Background(), devices.Message{Topic: devices.Topic("lab", "doser-1", leaf), Payload: payload, QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
	}
	r, recalls := s.restored("doser-1")
	r.recalled(recalls)
}
