package gateway_test

import (
	"context"
	"slices"
	"testing"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/lab"
)

// TestDeafDeviceIsTold has a device that a broker lets speak and not hear, as a
// wrong rule does, and wants the laboratory to say so, and no more when it hears.
func TestDeafDeviceIsTold(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := newSite(t, broker.Dial)
	deaf := func(dial devices.Dialer) devices.Dialer {
		return func(ctx context.Context, session devices.Session) (devices.Bus, error) {
			session.Subscriptions = nil
			return dial(ctx, session)
		}
	}
	s.dial = deaf(broker.Dial)
	p := s.device("doser-1", nil, nil)
	c := s.command("doser-1", "probe", 1)
	s.dispatch(c)
	told := func(d lab.Device) bool {
		return slices.ContainsFunc(d.Faults, func(f lab.Fault) bool { return f.Code == "link" })
	}
	if d, err := s.fleet.Await(s.patience(), "doser-1", told); err != nil {
		t.Fatalf("nobody says that the device does not hear: %+v", d)
	}
	p.end()
	devicestest.Wait(t, p.done, "the end of the device")
	s.dial = broker.Dial
	s.device("doser-1", nil, nil)
	s.ended(c, lab.CommandDone)
	if d, err := s.fleet.Await(s.patience(), "doser-1", func(d lab.Device) bool { return d.Boot == 2 && !told(d) }); err != nil {
		t.Errorf("it hears, and the laboratory still says that it does not: %+v", d)
	}
}
