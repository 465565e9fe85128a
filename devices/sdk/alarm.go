package sdk

import (
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/devices"
)

// Raise says that something is wrong that a person should know: a code of the
// driver's own, a level of "info", "warning", "error" and "critical", and a
// text. It stays until [Device.Clear]; raising the same again says nothing new.
// An alarm does not refuse commands: see [Device.SetFaults] for that.
func (d *Device) Raise(code, level, text string) error {
	return d.raise(devices.Alarm{Code: code, Level: level, Text: devices.Clean(text)})
}

func (d *Device) raise(a devices.Alarm) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.raiseHeld(a)
}

// raiseHeld is raise for who holds d.mu.
func (d *Device) raiseHeld(a devices.Alarm) error {
	was, known := d.alarms[a.Code]
	if known && was.Level == a.Level && was.Text == a.Text {
		return nil
	}
	a.Boot, a.Since = max(d.boot, 1), d.now()
	if known {
		a.Since = was.Since
	}
	b, err := json.Marshal(a)
	if err == nil {
		_, err = devices.DecodeAlarm(b) // what the laboratory would not take is not said
	}
	if err != nil {
		return fmt.Errorf("raise alarm %q: %w", a.Code, err)
	}
	d.alarms[a.Code] = a
	d.out.alarm(a.Code)
	return nil
}

// Clear takes an alarm back.
func (d *Device) Clear(code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clearHeld(code)
}

func (d *Device) clearHeld(code string) {
	if _, ok := d.alarms[code]; ok {
		delete(d.alarms, code)
		d.out.alarm(code)
	}
}

// onAlarm hears what is retained of the device's own alarms. What a process
// that is gone left behind is cleared, and what was cleared by another is said
// again.
func (d *Device) onAlarm(code string, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mine, ok := d.alarms[code]
	if len(b) == 0 {
		if ok {
			d.out.alarm(code)
		}
		return
	}
	a, err := devices.DecodeAlarm(b)
	same := err == nil && ok && a.Boot == mine.Boot && a.Level == mine.Level && a.Text == mine.Text
	if !same && (err != nil || a.Boot <= d.boot) {
		d.out.alarm(code)
	}
}

// alarmMessage returns what is to be retained for a code.
func (d *Device) alarmMessage(code string) devices.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := devices.Message{Topic: devices.SubTopic(d.cfg.Lab, d.cfg.ID, devices.LeafAlarm, code), QoS: 1, Retain: true}
	if a, ok := d.alarms[code]; ok {
		b, err := json.Marshal(a)
		if err != nil {
			d.log.Error("alarm not written", "code", code, "err", err)
		}
		m.Payload = b
	}
	return m
}
