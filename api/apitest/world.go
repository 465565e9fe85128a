package apitest

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

func fleet(now time.Time) []*lab.Device {
	num := func(x float64) *float64 { return &x }
	devices := []*lab.Device{
		{ID: "doser-1", Kind: "liquid-handler", Title: "Liquid handler", Capabilities: []lab.Capability{{Name: "liquid-handler", Commands: []lab.CommandSpec{
			{Name: "dispense", TypicalS: 40, Params: []lab.ParamSpec{{Name: "substance", Type: "string", Enum: []string{"KOAc", "KOPiv", "CsOAc", "CsOPiv"}, Required: true}, {Name: "volume", Type: "number", Unit: "mL", Min: num(0.01), Max: num(20), Required: true}}},
		}}}},
		{ID: "carrier-1", Kind: "mobile-robot", Title: "Mobile humanoid", Capabilities: []lab.Capability{{Name: "mobile-robot", Commands: []lab.CommandSpec{
			{Name: "transfer", TypicalS: 90, Params: []lab.ParamSpec{{Name: "from", Type: "string", Required: true}, {Name: "to", Type: "string", Required: true}, {Name: "sample", Type: "string"}}},
		}}}},
		{ID: "heater-1", Kind: "heater", Title: "Block heater", Capabilities: []lab.Capability{{Name: "heater", Commands: []lab.CommandSpec{
			{Name: "hold", TypicalS: 3600, Params: []lab.ParamSpec{{Name: "target", Type: "number", Unit: "Cel", Min: num(20), Max: num(180), Required: true}, {Name: "time", Type: "number", Unit: "s", Min: num(1), Max: num(86400), Required: true}}},
		}}}},
		{ID: "hplc-1", Kind: "hplc", Title: "Liquid chromatograph", Capabilities: []lab.Capability{{Name: "hplc", Commands: []lab.CommandSpec{
			{Name: "measure", TypicalS: 720, Results: []lab.ParamSpec{{Name: "area", Type: "number", Unit: "1"}, {Name: "standard_area", Type: "number", Unit: "1"}}},
		}}}},
		{ID: "xrd-1", Kind: "diffractometer", Title: "Powder diffractometer", Capabilities: []lab.Capability{{Name: "xrd", Commands: []lab.CommandSpec{{Name: "scan", TypicalS: 900}}}}},
	}
	for i, d := range devices {
		d.Conn, d.Op, d.Mode, d.Boot, d.Epoch, d.Simulated, d.SeenAt = "online", "idle", "remote", int64(i+1), 4, true, now.UTC()
	}
	devices[1].Faults = []lab.Fault{{Code: "link", Level: "warning", Text: "it does not take the lease that it is sent: may its account hear cmd and ctl?"}}
	devices[0].Supplies = []lab.Supply{{Name: "tips", Unit: "{tip}", Level: 40, Low: 96, Lot: "T-2291"}}
	devices[0].Slots = []lab.DeviceSlot{{Slot: "a1"}, {Slot: "a2", Sample: "vial-7", Sensed: true}}
	devices[1].Slots = []lab.DeviceSlot{{Slot: "gripper", Token: disputed}}
	devices[2].Slots, devices[2].Streams = []lab.DeviceSlot{{Slot: "a1", Sample: "vial-5", Token: disputed}}, []string{"block"}
	devices[3].Calibrations = []lab.Calibration{{Name: "detector", Status: "due", At: now.Add(-29 * 24 * time.Hour).UTC(), Due: now.Add(24 * time.Hour).UTC()}}
	devices[3].Slots = []lab.DeviceSlot{{Slot: "t1"}, {Slot: "t2"}}
	x := devices[4]
	x.Conn, x.Op, x.Faults = "lost", "fault", []lab.Fault{{Code: "calibration_expired", Level: "warning", Text: "last calibrated 2026-08-01"}}
	return devices
}

// Submit adds a campaign from a document, with an id that its title leads to,
// and lets it be at work.
func (l *Lab) Submit(src string, submitted time.Time) (lab.CampaignID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	doc, problems := check([]byte(src), api.YAML)
	if len(problems) > 0 {
		return lab.CampaignID{}, lab.Errorf(lab.Invalid, "%s", problems[0])
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[8:], uint64(len(l.campaigns)+1))
	id, err := lab.MintCampaignID(submitted, strings.NewReader(string(b[:])+string(b[:])))
	if err != nil {
		return id, fmt.Errorf("mint campaign: %w", err)
	}
	return l.add(api.Submission{ID: id, At: submitted.UTC(), Source: []byte(src), Format: api.YAML}, *doc).ID, nil
}

// Settle ticks until a campaign no longer moves, or n times.
func (l *Lab) Settle(id lab.CampaignID, n int) {
	for range n {
		l.mu.Lock()
		c, err := l.find(id)
		moves := err == nil && c.progress.State == lab.Running
		l.mu.Unlock()
		if !moves {
			return
		}
		l.pass(40 * time.Second)
		l.Tick()
	}
}

// pass lets time go by while a past is made up.
func (l *Lab) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shift < 0 {
		l.shift = min(0, l.shift+d)
	}
}

// Work submits campaigns and lets time pass until the log has so many events.
func (l *Lab) Work(events int) error {
	idle := true
	for {
		if idle {
			if _, err := l.Submit(Examples()[0].Source, l.now()); err != nil {
				return err
			}
		}
		l.mu.Lock()
		before := len(l.events)
		l.mu.Unlock()
		if before >= events {
			return nil
		}
		l.Tick()
		l.mu.Lock()
		idle = len(l.events) == before
		l.mu.Unlock()
	}
}

// Furnish fills the laboratory with campaigns in every state that a page must
// show: one complete, one with two objectives, one paused, one waiting for
// approval, one aborted, and one that runs.
func Furnish(ctx context.Context, l *Lab) error {
	at := l.now().Add(-30 * time.Hour)
	one, two := Examples()[0].Source, Examples()[1].Source
	titled := func(src, title string) string {
		return strings.Replace(src, "title: Direct arylation", "title: "+title, 1)
	}
	var ids []lab.CampaignID
	for i, src := range []string{
		titled(one, "Suzuki coupling, base screen"),
		titled(two, "Ligand exchange"),
		titled(one, "Calcination of LFP"),
		strings.Replace(titled(one, "High temperature route"), "approve: never", "approve: first-batch", 1),
		titled(one, "Photoredox pilot"),
		strings.Replace(one, "experiments: 24", "experiments: 400", 1),
	} {
		l.mu.Lock()
		l.shift = at.Add(time.Duration(i) * 5 * time.Hour).Sub(l.now())
		l.mu.Unlock()
		id, err := l.Submit(src, l.clock())
		if err != nil {
			return err
		}
		ids = append(ids, id)
		switch i {
		case 0, 1:
			l.Settle(id, 2000)
		case 2, 4:
			l.Settle(id, 60)
		case 3:
			l.Settle(id, 3)
		}
		if i == 2 {
			if _, err := (controlPort{l}).Pause(ctx, id, api.Act{By: "ana", Reason: "the furnace is being cleaned"}); err != nil {
				return err
			}
		}
		if i == 4 {
			if _, err := (controlPort{l}).Abort(ctx, id, api.Act{By: "ben", Reason: "wrong lamp"}); err != nil {
				return err
			}
		}
	}
	l.mu.Lock()
	l.shift = -30 * time.Minute
	l.mu.Unlock()
	for range 120 {
		l.pass(15 * time.Second)
		l.Tick()
	}
	l.Doubt(ids[5])
	return nil
}

// FurnishReaders adds a campaign that has read, one whose papers people judge, and a
// snapshot. It returns the ids of the two.
func FurnishReaders(ctx context.Context, l *Lab) (ids [2]lab.CampaignID, err error) {
	for i, title := range []string{"Arylation after reading", "Arylation, papers to be judged"} {
		src := strings.Replace(Examples()[0].Source, "title: Direct arylation", "title: "+title, 1)
		src = strings.Replace(src, "budget: {experiments: 24}", fmt.Sprintf("budget: {experiments: 24}\nliterature: {query: bases in direct arylation, corpus: demo, screen: %d}", 3*i), 1)
		if ids[i], err = l.Submit(src, l.clock()); err != nil {
			return ids, err
		}
		if i == 0 {
			l.Settle(ids[i], 2000)
		}
	}
	_, err = snapshotsPort{l}.Begin(ctx, api.SnapshotRequest{Exports: []string{"csv"}})
	return ids, err
}
