package scheduletest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

// Laboratory is a random laboratory with experiments to do, equal for equal
// seeds.
type Laboratory struct {
	Devices   []lab.Device
	Protocols []lab.Protocol // of the campaigns
	InFlight  int            // experiments of all campaigns at once
	Total     int            // experiments to do
	rand      *rand.Rand
}

// NewLaboratory draws a laboratory: a few capabilities with one to three
// devices each, some that offer two, and protocols with one or two samples
// whose routes run in any direction and come back.
func NewLaboratory(seed uint64) *Laboratory {
	l := &Laboratory{rand: rand.New(rand.NewPCG(seed, 0))}
	stations := []string{"doser", "heater", "hplc", "mixer"}[:2+l.rand.IntN(3)]
	carriers := []string{"robot", "arm"}[:1+l.rand.IntN(2)]
	for _, c := range append(slices.Clone(stations), carriers...) {
		for i := range 1 + l.rand.IntN(3) {
			l.Devices = append(l.Devices, Device(fmt.Sprintf("%s-%d", c, i), c))
		}
	}
	if l.rand.IntN(2) == 0 { // one that offers two
		a, b := stations[l.rand.IntN(len(stations))], stations[l.rand.IntN(len(stations))]
		if a != b {
			if l.rand.IntN(2) == 0 { // and is the only one for the first
				l.Devices = slices.DeleteFunc(l.Devices, func(d lab.Device) bool { return d.Capabilities[0].Name == a })
			}
			l.Devices = append(l.Devices, Device("both-0", a, b))
		}
	}
	for range 1 + l.rand.IntN(4) {
		l.Protocols = append(l.Protocols, l.protocol(stations, carriers))
	}
	l.InFlight, l.Total = 1+l.rand.IntN(10), 12
	return l
}

func (l *Laboratory) protocol(stations, carriers []string) lab.Protocol {
	var p lab.Protocol
	add := func(s lab.Step, after string) string {
		s.ID = fmt.Sprintf("s%d", len(p.Steps))
		if after != "" {
			s.After = []string{after}
		}
		if len(p.Steps) > 0 && l.rand.IntN(5) == 0 { // waits for another sample, too
			s.After = append(s.After, p.Steps[l.rand.IntN(len(p.Steps))].ID)
		}
		p.Steps = append(p.Steps, s)
		return s.ID
	}
	for i := range 1 + l.rand.IntN(2) {
		sample := fmt.Sprintf("vial-%d", i)
		at := stations[l.rand.IntN(len(stations))]
		last := add(lab.Step{Capability: at, Sample: sample}, "")
		for range l.rand.IntN(4) {
			if l.rand.IntN(4) == 0 { // stays, and is worked on again
				last = add(lab.Step{Capability: at, Sample: sample}, last)
				continue
			}
			at = stations[l.rand.IntN(len(stations))]
			to := fmt.Sprintf("s%d", len(p.Steps)+1)
			way := add(lab.Step{Capability: carriers[l.rand.IntN(len(carriers))], Sample: sample, From: last, To: to}, last)
			last = add(lab.Step{Capability: at, Sample: sample}, way)
		}
		if l.rand.IntN(3) == 0 {
			add(lab.Step{Capability: stations[l.rand.IntN(len(stations))]}, "") // touches no sample
		}
	}
	return p
}

// experiment is one that is being carried out.
type experiment struct {
	id        lab.ExperimentID
	campaign  lab.CampaignID
	number    int
	protocol  lab.Protocol
	itinerary *schedule.Itinerary
	asked     map[string]bool
	done      map[string]bool
}

// running is a step whose devices are at work.
type running struct {
	e    *experiment
	step string
}

// Run carries out the experiments on b in a random order of finishing, and
// returns how many were done. It fails when two experiments have one device,
// when a grant is in parts, or when nothing runs while something waits.
// Protocols that the laboratory could never carry out are left out.
func (l *Laboratory) Run(ctx context.Context, b Fixture) (int, error) {
	for _, d := range l.Devices {
		if err := b.Save(ctx, d); err != nil {
			return 0, err
		}
	}
	protocols, err := l.feasible(ctx)
	if err != nil || len(protocols) == 0 {
		return 0, err
	}
	w := &world{lab: l, book: b, hands: make(map[lab.ExperimentID]map[string]string), asked: make(map[string]running)}
	begun := 0
	for w.done < l.Total {
		for begun < l.Total && begun-w.done < l.InFlight {
			i := l.rand.IntN(len(protocols))
			begun++
			if err := w.begin(ctx, lab.CampaignID{byte(i + 1)}, begun, protocols[i]); err != nil {
				return w.done, err
			}
		}
		if len(w.running) == 0 {
			if err := w.sweep(ctx); err != nil {
				return w.done, err
			}
		}
		if len(w.running) == 0 {
			return w.done, w.stuck(ctx)
		}
		if err := w.finish(ctx, l.rand.IntN(len(w.running))); err != nil {
			return w.done, err
		}
	}
	return w.done, nil
}

// feasible returns the protocols whose experiment, alone in the laboratory, is
// admitted. What is admitted alone must then end in any company.
func (l *Laboratory) feasible(ctx context.Context) ([]lab.Protocol, error) {
	var out []lab.Protocol
	for i, p := range l.Protocols {
		it, err := schedule.NewItinerary(p)
		if err != nil {
			return nil, err
		}
		alone := new(Book)
		for _, d := range l.Devices {
			if err := alone.Save(ctx, d); err != nil {
				return nil, err
			}
		}
		r, err := it.Request(p.Steps[0].ID)
		if err != nil {
			return nil, err
		}
		r.ID, r.Campaign, r.Number = "alone", lab.CampaignID{byte(i + 1)}, 1
		r.Experiment = lab.ExperimentIDOf(r.Campaign, 1)
		if _, ok, err := alone.Reserve(ctx, r); err != nil {
			return nil, err
		} else if ok {
			out = append(out, p)
		}
	}
	return out, nil
}

type world struct {
	lab     *Laboratory
	book    Fixture
	hands   map[lab.ExperimentID]map[string]string // role → device
	asked   map[string]running                     // by request
	running []running
	done    int
}

func (w *world) begin(ctx context.Context, c lab.CampaignID, number int, p lab.Protocol) error {
	it, err := schedule.NewItinerary(p)
	if err != nil {
		return err
	}
	e := &experiment{
		id: lab.ExperimentIDOf(c, number), campaign: c, number: number, protocol: p, itinerary: it,
		asked: make(map[string]bool), done: make(map[string]bool),
	}
	return w.advance(ctx, e)
}

// advance asks for the devices of every step whose time has come.
func (w *world) advance(ctx context.Context, e *experiment) error {
	for _, s := range e.protocol.Steps {
		if e.asked[s.ID] || slices.ContainsFunc(s.After, func(a string) bool { return !e.done[a] }) {
			continue
		}
		e.asked[s.ID] = true
		r, err := e.itinerary.Request(s.ID)
		if err != nil {
			return err
		}
		r.ID, r.Campaign, r.Experiment, r.Number = fmt.Sprintf("%d/%s", e.number, s.ID), e.campaign, e.id, e.number
		w.asked[r.ID] = running{e, s.ID}
		g, ok, err := w.book.Reserve(ctx, r)
		if err != nil {
			return err
		}
		if ok {
			if err := w.start(ctx, g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) start(ctx context.Context, gs ...schedule.Grant) error {
	for _, g := range gs {
		r, ok := w.asked[g.Request]
		if !ok {
			continue // told before
		}
		delete(w.asked, g.Request)
		want, err := r.e.itinerary.Request(r.step)
		if err != nil {
			return err
		}
		if len(g.Holds) != len(want.Needs) {
			return fmt.Errorf("%s was granted %d of %d devices", g.Request, len(g.Holds), len(want.Needs))
		}
		for _, h := range g.Holds {
			for other, roles := range w.hands {
				for role, device := range roles {
					if device == h.Device && other != r.e.id {
						return fmt.Errorf("%s was granted %s, which another experiment holds as %s", g.Request, h.Device, role)
					}
				}
			}
			if w.hands[r.e.id] == nil {
				w.hands[r.e.id] = make(map[string]string)
			}
			w.hands[r.e.id][h.Role] = h.Device
		}
		if err := w.book.Told(ctx, g.Request); err != nil {
			return err
		}
		w.running = append(w.running, r)
	}
	return nil
}

// finish ends a running step and lets go of what it frees.
func (w *world) finish(ctx context.Context, i int) error {
	r := w.running[i]
	w.running = slices.Delete(w.running, i, i+1)
	r.e.done[r.step] = true
	roles, err := r.e.itinerary.Release(r.step)
	if err != nil {
		return err
	}
	if len(r.e.done) == len(r.e.protocol.Steps) {
		w.done++
		delete(w.hands, r.e.id)
		gs, err := w.book.End(ctx, r.e.id)
		if err != nil {
			return err
		}
		return w.start(ctx, gs...)
	}
	if len(roles) == 0 {
		return w.advance(ctx, r.e)
	}
	for _, role := range roles {
		delete(w.hands[r.e.id], role)
	}
	gs, err := w.book.Release(ctx, r.e.id, roles)
	if err != nil {
		return err
	}
	if err := w.start(ctx, gs...); err != nil {
		return err
	}
	if err := w.advance(ctx, r.e); err != nil {
		return err
	}
	return w.sweep(ctx)
}

func (w *world) sweep(ctx context.Context) error {
	gs, err := w.book.Sweep(ctx)
	if err != nil {
		return err
	}
	return w.start(ctx, gs...)
}

func (w *world) stuck(ctx context.Context) error {
	err := fmt.Errorf("%d experiments done, nothing runs, and %d requests wait", w.done, len(w.asked))
	for id := range w.asked {
		why, whyErr := w.book.Why(ctx, id)
		err = fmt.Errorf("%w\n%s: %s", errors.Join(err, whyErr), id, why)
	}
	return err
}
