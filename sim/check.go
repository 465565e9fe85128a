package sim

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
)

// Limits of a description.
const (
	maxDevices = 10000
	maxSpeed   = 1e6
)

var deviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// Check returns all that is wrong with a description whose defaults are filled
// in, each with its path.
func (d Description) Check() []lab.Problem {
	var all []lab.Problem
	add := func(path, right, wrong string, args ...any) {
		all = append(all, lab.Problem{Path: path, Wrong: fmt.Sprintf(wrong, args...), Right: right})
	}
	if d.Athanor != Version {
		add("athanor", "athanor: "+Version, "is %q", d.Athanor)
	}
	if !deviceName.MatchString(d.Lab) {
		add("lab", "letters, digits and -, at most 64", "is %q", d.Lab)
	}
	if !(d.Speed > 0 && d.Speed <= maxSpeed) {
		add("speed", fmt.Sprintf("a number above 0 and at most %g", maxSpeed), "is %g", d.Speed)
	}
	if !(d.HeartbeatS >= 1 && d.HeartbeatS <= 3600) {
		add("heartbeat_s", "from 1 to 3600 seconds", "is %g", d.HeartbeatS)
	}
	if len(d.Devices) == 0 {
		add("devices", "at least one device, as in {kind: heater}", "is empty")
	}
	seen, total := map[string]int{}, 0
	for i, v := range d.Devices {
		path := fmt.Sprintf("devices[%d]", i)
		for _, p := range v.check() {
			p.Path = path + "." + p.Path
			all = append(all, p)
		}
		if total += max(v.Count, 0); total > maxDevices || v.Count < 1 {
			add(path+".count", fmt.Sprintf("from 1, at most %d devices together", maxDevices), "is %d", v.Count)
			continue
		}
		for _, id := range v.IDs() {
			if j, taken := seen[id]; taken {
				add(path+".id", "another id", "%q is the name of a device of devices[%d] already", id, j)
			}
			seen[id] = i
		}
	}
	for i, w := range d.Travel {
		path := fmt.Sprintf("travel[%d]", i)
		for field, id := range map[string]string{"from": w.From, "to": w.To} {
			if _, ok := seen[id]; !ok {
				add(path+"."+field, "one of "+strings.Join(slices.Sorted(maps.Keys(seen)), ", "), "%q is no device", id)
			}
		}
		if !(w.TimeS >= 0) || math.IsInf(w.TimeS, 0) {
			add(path+".time_s", "a time of 0 seconds or more", "is %g", w.TimeS)
		}
	}
	for i, s := range d.Script {
		path := fmt.Sprintf("script[%d]", i)
		if _, ok := seen[s.Device]; !ok {
			add(path+".device", "one of "+strings.Join(slices.Sorted(maps.Keys(seen)), ", "), "%q is no device", s.Device)
		} else if k := kinds[d.Devices[seen[s.Device]].Kind]; !k.fails(s.Fault) {
			add(path+".fault", "one of "+strings.Join(k.failures(), ", "), "a %s cannot have the fault %q", d.Devices[seen[s.Device]].Kind, s.Fault)
		}
		if !(s.AtS >= 0) || !(s.ForS > 0) || math.IsInf(s.AtS+s.ForS, 0) {
			add(path+".at_s", "at_s of 0 or more, for_s above 0", "is %g for %g", s.AtS, s.ForS)
		}
	}
	slices.SortStableFunc(all, func(a, b lab.Problem) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// check returns what is wrong with a device by itself.
func (v Device) check() []lab.Problem {
	k, known := kinds[v.Kind]
	if !known {
		return []lab.Problem{{Path: "kind", Wrong: fmt.Sprintf("is %q", v.Kind), Right: "one of " + strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")}}
	}
	var all []lab.Problem
	if v.ID != "" && !deviceName.MatchString(v.ID) {
		all = append(all, lab.Problem{Path: "id", Wrong: fmt.Sprintf("is %q", v.ID), Right: "letters, digits and -, at most 64"})
	}
	if !deviceName.MatchString(v.Cell) {
		all = append(all, lab.Problem{Path: "cell", Wrong: fmt.Sprintf("is %q", v.Cell), Right: "letters, digits and -, at most 64"})
	}
	if v.Capacity < 0 {
		all = append(all, lab.Problem{Path: "capacity", Wrong: fmt.Sprintf("is %d", v.Capacity), Right: "a number of samples, or 0 for no limit"})
	}
	all = append(all, v.checkSlots()...)
	all = append(all, v.foreign(k)...)
	for _, name := range faultNames {
		all = append(all, rate("faults."+string(name), v.faults().Rate(name))...)
	}
	if k.check != nil {
		all = append(all, k.check(v)...)
	}
	return all
}

// maxSlots is how many slots a device may have: what a state can tell of.
const maxSlots = 256

// checkSlots complains of slots without a name of their own.
func (v Device) checkSlots() []lab.Problem {
	var all []lab.Problem
	for i, s := range v.Slots {
		if !deviceName.MatchString(s) || slices.Index(v.Slots, s) != i {
			all = append(all, lab.Problem{Path: fmt.Sprintf("slots[%d]", i), Wrong: fmt.Sprintf("is %q", s), Right: "a name of its own of letters, digits and -, at most 64"})
		}
	}
	most := maxSlots
	if v.Kind == instrument.MobileRobot {
		most = 1
	}
	if len(v.Slots) > most {
		all = append(all, lab.Problem{Path: "slots", Wrong: fmt.Sprintf("are %d", len(v.Slots)), Right: fmt.Sprintf("at most %d for a %s", most, v.Kind)})
	}
	return all
}

// foreign complains of fields that have no meaning for a device of the kind.
func (v Device) foreign(k kind) []lab.Problem {
	var all []lab.Problem
	complain := func(name string, own []string) {
		right := "leave it out"
		if len(own) > 0 {
			right = "its own fields are " + strings.Join(own, ", ")
		}
		all = append(all, lab.Problem{Path: name, Wrong: "has no meaning for a " + v.Kind, Right: right})
	}
	all = nil
	of := reflect.ValueOf(v)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("yaml"), ",")
		if slices.Contains(special, name) && !slices.Contains(k.fields, name) && !of.Field(i).IsZero() {
			complain(name, k.fields)
		}
	}
	for _, name := range faultNames {
		if v.faults().Rate(name) != 0 && !k.fails(string(name)) {
			complain("faults."+string(name), nil)
		}
	}
	return all
}

// faults returns the faults in the words of the instruments.
func (v Device) faults() instrument.Faults { return instrument.Faults(v.Faults) }

// faultNames are all faults, in the order of a description.
var faultNames = []instrument.Fault{
	instrument.Grasp, instrument.Drop, instrument.Slow, instrument.Clog, instrument.Stuck, instrument.Stale,
	instrument.Lying, instrument.PowerCut, instrument.Flap, instrument.Duplicate,
}

// common are the faults that every kind can have.
var common = []string{string(instrument.Slow), string(instrument.Lying), string(instrument.PowerCut), string(instrument.Flap), string(instrument.Duplicate)}

// failures returns the faults that a kind can have.
func (k kind) failures() []string { return slices.Concat(k.faults, common) }

func (k kind) fails(fault string) bool { return slices.Contains(k.failures(), fault) }

// special lists the fields that only some kinds have.
var special = func() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.fields...)
	}
	return names
}()
