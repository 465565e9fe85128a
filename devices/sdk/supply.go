package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/devices"
)

// SetCalibration says how a calibration stands. Commands that [NeedCalibration]
// are refused while it does not hold.
func (d *Device) SetCalibration(c devices.CalibrationState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !devices.ValidID(c.Name) || !slices.Contains([]string{devices.CalibrationValid, devices.CalibrationDue, devices.CalibrationInvalid}, c.Status) {
		d.misuse(fmt.Errorf("calibration %q has no name, or status %q is not valid, due or invalid", c.Name, c.Status))
		return
	}
	d.calibrations = replaced(d.calibrations, c, func(x devices.CalibrationState) string { return x.Name })
	d.out.changed()
}

// Supply says how much of a consumable there is. Before Run it is what a new
// device begins with: a level that the journal remembers of the same lot counts
// more. While the device runs it is a refill.
func (d *Device) Supply(s devices.Supply) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !devices.ValidID(s.Name) || s.Level < 0 || math.IsNaN(s.Level) || math.IsInf(s.Level, 0) {
		d.misuse(fmt.Errorf("consumable %q has no name, or level %g is not a number from 0", s.Name, s.Level))
		return
	}
	d.supplies = replaced(d.supplies, s, func(x devices.Supply) string { return x.Name })
	if d.journal != nil {
		d.noteSupply(s)
	}
	d.out.changed()
}

// Use takes an amount of a consumable, in its unit; the level does not fall
// below 0. It is on the disk before the end of the command is.
func (c *Ctx) Use(name string, amount float64) error {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.supplies, func(s devices.Supply) bool { return s.Name == name })
	if i < 0 || amount < 0 || math.IsNaN(amount) {
		return fmt.Errorf("use %g of %q: there is no such consumable, or the amount is below 0", amount, name)
	}
	d.supplies = slices.Clone(d.supplies)
	d.supplies[i].Level = max(0, d.supplies[i].Level-amount)
	d.noteSupply(d.supplies[i])
	d.out.changed()
	return nil
}

func (d *Device) noteSupply(s devices.Supply) {
	b, err := json.Marshal(s)
	if err != nil {
		d.log.Error("level not written down", "consumable", s.Name, "err", err)
		return
	}
	d.journal.append(record{T: recSupply, ID: s.Name, V: b})
}

// loadSupply takes a level from the journal, when it is of the same lot as what
// the driver begins with.
func (d *Device) loadSupply(r record) error {
	var s devices.Supply
	if err := json.Unmarshal(r.V, &s); err != nil {
		return err
	}
	i := slices.IndexFunc(d.supplies, func(x devices.Supply) bool { return x.Name == r.ID && x.Lot == s.Lot && x.Unit == s.Unit })
	if i >= 0 {
		d.supplies[i].Level = s.Level
	}
	return nil
}

func replaced[T any](all []T, x T, name func(T) string) []T {
	all = slices.Clone(all)
	if i := slices.IndexFunc(all, func(y T) bool { return name(y) == name(x) }); i >= 0 {
		all[i] = x
		return all
	}
	all = append(all, x)
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return all
}

// checkSupplies refuses what lacks a calibration or a consumable, before
// anything moves.
func (d *Device) checkSupplies(a *action) *refusal {
	now := d.labTime()
	for _, name := range a.Calibration {
		i := slices.IndexFunc(d.calibrations, func(c devices.CalibrationState) bool { return c.Name == name })
		switch {
		case i < 0:
			return refuse(devices.Calibration, "calibration %s has not been made", name)
		case d.calibrations[i].Status == devices.CalibrationInvalid:
			return refuse(devices.Calibration, "calibration %s does not hold: it is invalid", name)
		case !d.calibrations[i].Holds(now):
			return refuse(devices.Calibration, "calibration %s does not hold: it was due at %s", name, stamp(d.calibrations[i].Due))
		}
	}
	for _, n := range a.Consumables {
		i := slices.IndexFunc(d.supplies, func(s devices.Supply) bool { return s.Name == n.Name })
		switch {
		case i < 0:
			return refuse(devices.Consumable, "there is no %s", n.Name)
		case d.supplies[i].Level <= 0 || d.supplies[i].Level < n.Amount:
			return refuse(devices.Consumable, "%g %s of %s are left, and %g are needed", d.supplies[i].Level, d.supplies[i].Unit, n.Name, n.Amount)
		}
	}
	return nil
}

// inForce returns the calibrations that a command relies upon, by certificate
// or name.
func (d *Device) inForce(a *action) []string {
	var all []string
	for _, c := range d.calibrations {
		if slices.Contains(a.Calibration, c.Name) {
			if c.Certificate != "" {
				all = append(all, c.Certificate)
			} else {
				all = append(all, c.Name)
			}
		}
	}
	return all
}

// labTime is the laboratory's time, or the machine's while that is not known.
func (d *Device) labTime() time.Time {
	now, _ := d.clock.now()
	return now
}
