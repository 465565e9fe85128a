package gatewaytest

import (
	"context"
	"sync"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var _ gateway.Samples = (*Samples)(nil)

// Samples is a [gateway.Samples] in memory. The zero value is empty.
type Samples struct {
	mu        sync.Mutex
	at        map[string]gateway.Placement
	handovers map[string]gateway.Handover
	resolved  map[string]bool
}

// PlaceSample implements [gateway.Samples].
func (s *Samples) PlaceSample(_ context.Context, sample string, at gateway.Place, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at, s.handovers, s.resolved = map[string]gateway.Placement{}, map[string]gateway.Handover{}, map[string]bool{}
	}
	if _, known := s.at[sample]; known || s.holds(at) || s.blocked(at, "") {
		return lab.Errorf(lab.Conflict, "place sample %s at %s: it is somewhere already, or the slot is not free", sample, at)
	}
	s.at[sample] = gateway.Placement{Sample: sample, Place: at, Certain: true}
	return nil
}

func (s *Samples) holds(at gateway.Place) bool {
	for _, p := range s.at {
		if p.Place == at {
			return true
		}
	}
	return false
}

// blocked reports whether a handover that is not settled has a place or a sample.
func (s *Samples) blocked(at gateway.Place, sample string) bool {
	for _, h := range s.handovers {
		if (h.State == gateway.HandoverOpen || h.State == gateway.HandoverUncertain) && (h.From == at || h.To == at || h.Sample == sample) {
			return true
		}
	}
	return false
}

// Whereabouts implements [gateway.Samples].
func (s *Samples) Whereabouts(_ context.Context, sample string) (gateway.Placement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.at[sample]
	if !ok {
		return p, lab.Errorf(lab.NotFound, "sample %s is nowhere", sample)
	}
	return p, nil
}

// OpenHandover implements [gateway.Samples].
func (s *Samples) OpenHandover(_ context.Context, h gateway.Handover) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, known := s.handovers[h.Token]; known {
		if was.Sample == h.Sample && was.From == h.From && was.To == h.To && was.Give.ID == h.Give.ID && was.Take.ID == h.Take.ID {
			return nil
		}
		return lab.Errorf(lab.Conflict, "open handover %s: the token is another's", h.Token)
	}
	p, ok := s.at[h.Sample]
	if !ok || p.Place != h.From || !p.Certain || s.holds(h.To) || s.blocked(h.From, h.Sample) || s.blocked(h.To, h.Sample) {
		return lab.Errorf(lab.Conflict, "open handover %s: sample %s is not certainly at %s, or a slot is not free", h.Token, h.Sample, h.From)
	}
	h.State = gateway.HandoverOpen
	s.handovers[h.Token] = h
	return nil
}

// EndHand implements [gateway.Samples].
func (s *Samples) EndHand(_ context.Context, command lab.CommandID, end gateway.Hand) (gateway.Handover, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, h := range s.handovers {
		switch command {
		case h.Give.ID:
			h.Gave = end
		case h.Take.ID:
			h.Took = end
		default:
			continue
		}
		return s.settle(token, h, gateway.Judge(h.Gave, h.Took)), nil
	}
	return gateway.Handover{}, lab.Errorf(lab.NotFound, "command %s is of no handover", command)
}

// settle writes a handover that is not settled yet, and moves its sample.
func (s *Samples) settle(token string, h gateway.Handover, state gateway.HandoverState) gateway.Handover {
	if was := s.handovers[token]; was.State.Settled() {
		return was
	}
	h.State = state
	s.handovers[token] = h
	p := gateway.Placement{Sample: h.Sample, Place: h.From, Certain: true}
	switch state {
	case gateway.HandoverMoved:
		p.Place = h.To
	case gateway.HandoverLost:
		p.Place = outside(h.Sample)
	case gateway.HandoverUncertain:
		p.Certain = false
	case gateway.HandoverOpen, gateway.HandoverStayed:
	}
	s.at[h.Sample] = p
	return h
}

// ResolveHandover implements [gateway.Samples].
func (s *Samples) ResolveHandover(_ context.Context, token string, at gateway.Place, _, _ string) (gateway.Handover, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.handovers[token]
	word := gateway.HandoverStayed
	switch at {
	case h.To:
		word = gateway.HandoverMoved
	case gateway.Place{}:
		word = gateway.HandoverLost
	}
	switch {
	case !ok:
		return h, lab.Errorf(lab.NotFound, "resolve handover %s: there is none", token)
	case at != h.From && at != h.To && word != gateway.HandoverLost:
		return h, lab.Errorf(lab.Invalid, "resolve handover %s: %s is neither %s nor %s", token, at, h.From, h.To)
	case s.resolved[token] && h.State == word:
		return h, nil
	case h.State != gateway.HandoverUncertain:
		return h, lab.Errorf(lab.Conflict, "resolve handover %s: it is not uncertain but %s", token, h.State)
	}
	s.resolved[token] = true
	return s.settle(token, h, word), nil
}

func outside(sample string) gateway.Place {
	return gateway.Place{Device: lab.Outside, Slot: sample}
}

// Handover implements [gateway.Samples].
func (s *Samples) Handover(_ context.Context, token string) (gateway.Handover, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.handovers[token]
	if !ok {
		return h, lab.Errorf(lab.NotFound, "there is no handover %s", token)
	}
	return h, nil
}

// RemoveSample implements [gateway.Samples].
func (s *Samples) RemoveSample(_ context.Context, sample, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.at[sample]
	switch {
	case !ok:
		return lab.Errorf(lab.NotFound, "remove sample %s: it is nowhere", sample)
	case p.Place == outside(sample):
		return nil
	case s.blocked(gateway.Place{}, sample):
		return lab.Errorf(lab.Conflict, "remove sample %s: it is at a handover that is not settled", sample)
	}
	s.at[sample] = gateway.Placement{Sample: sample, Place: outside(sample), Certain: true}
	return nil
}
