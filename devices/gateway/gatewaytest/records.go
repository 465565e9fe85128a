package gatewaytest

import (
	"context"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
)

var (
	_ gateway.Alarms     = (*Records)(nil)
	_ gateway.Telemetry  = (*Records)(nil)
	_ gateway.Quarantine = (*Records)(nil)
)

// Records keeps in memory what devices say beside the course of commands. The
// zero value is empty.
type Records struct {
	mu         sync.Mutex
	alarms     map[string]devices.Alarm // by device, source and code
	batches    []gateway.TelemetryBatch
	quarantine []gateway.Quarantined
	changed    chan struct{}
}

func key(device string, by gateway.AlarmSource, code string) string {
	return device + " " + string(by) + " " + code
}

func (r *Records) change(f func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.alarms == nil {
		r.alarms = map[string]devices.Alarm{}
	}
	f()
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
	return nil
}

// RaiseAlarm implements [gateway.Alarms].
func (r *Records) RaiseAlarm(_ context.Context, device string, by gateway.AlarmSource, a devices.Alarm) error {
	return r.change(func() { r.alarms[key(device, by, a.Code)] = a })
}

// ClearAlarm implements [gateway.Alarms].
func (r *Records) ClearAlarm(_ context.Context, device string, by gateway.AlarmSource, code string) error {
	return r.change(func() { delete(r.alarms, key(device, by, code)) })
}

// KeepAlarms implements [gateway.Alarms].
func (r *Records) KeepAlarms(_ context.Context, device string, codes []string) error {
	return r.change(func() {
		for k, a := range r.alarms {
			if k == key(device, gateway.ByDevice, a.Code) && !slices.Contains(codes, a.Code) {
				delete(r.alarms, k)
			}
		}
	})
}

// SaveBatches implements [gateway.Telemetry].
func (r *Records) SaveBatches(_ context.Context, batches []gateway.TelemetryBatch) error {
	return r.change(func() { r.batches = append(r.batches, batches...) })
}

// Quarantine implements [gateway.Quarantine].
func (r *Records) Quarantine(_ context.Context, q gateway.Quarantined) error {
	return r.change(func() { r.quarantine = append(r.quarantine, q) })
}

// Await returns once ok holds of all that is kept: the alarms that stand as
// "device source code", the batches and the quarantine.
func (r *Records) Await(ctx context.Context, ok func(alarms []string, batches []gateway.TelemetryBatch, quarantine []gateway.Quarantined) bool) error {
	for {
		r.mu.Lock()
		var alarms []string
		for k := range r.alarms {
			alarms = append(alarms, k)
		}
		slices.Sort(alarms)
		if ok(alarms, r.batches, r.quarantine) {
			r.mu.Unlock()
			return nil
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
