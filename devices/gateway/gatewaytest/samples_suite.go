package gatewaytest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

// NewHandover returns a handover of a sample. Those of different seeds are
// different.
func NewHandover(sample string, from, to gateway.Place, seed int) gateway.Handover {
	give, take := NewEntry(from.Device, 2*seed).Command, NewEntry(to.Device, 2*seed+1).Command
	give.Device, take.Device = from.Device, to.Device
	return gateway.Handover{Token: give.ID.UUID(), Sample: sample, From: from, To: to, Give: give, Take: take, State: gateway.HandoverOpen}
}

var (
	furnaceA1 = gateway.Place{Device: "furnace", Slot: "A1"}
	furnaceA2 = gateway.Place{Device: "furnace", Slot: "A2"}
	gripper   = gateway.Place{Device: "robot", Slot: "gripper"}
	doneHand  = gateway.Hand{State: lab.CommandDone, Effect: lab.EffectComplete}
	noneHand  = gateway.Hand{State: lab.CommandRejected, Effect: lab.EffectNone}
	doubtHand = gateway.Hand{State: lab.CommandInDoubt, Effect: lab.EffectUnknown}
)

// ExerciseSamples runs the suite of every ledger of samples. newSamples returns
// an empty one.
func ExerciseSamples(t *testing.T, newSamples func(*testing.T) gateway.Samples) {
	t.Helper()
	run := func(name string, f func(*testing.T, gateway.Samples)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSamples(t)
			for sample, at := range map[string]gateway.Place{"S-1": furnaceA1, "S-2": furnaceA2} {
				if err := s.PlaceSample(t.Context(), sample, at, "ada"); err != nil {
					t.Fatal(err)
				}
			}
			f(t, s)
		})
	}
	run("OneSlotEach", func(t *testing.T, s gateway.Samples) {
		for _, c := range []struct {
			sample string
			at     gateway.Place
		}{{"S-1", gripper}, {"S-3", furnaceA1}} {
			if err := s.PlaceSample(t.Context(), c.sample, c.at, "ada"); lab.KindOf(err) != lab.Conflict {
				t.Errorf("place %s at %s: %v; want a conflict", c.sample, c.at, err)
			}
		}
		if _, err := s.Whereabouts(t.Context(), "S-9"); lab.KindOf(err) != lab.NotFound {
			t.Errorf("an unknown sample: %v; want not found", err)
		}
		at(t, s, "S-1", furnaceA1, true)
	})
	run("BothSidesMoveIt", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		openHandover(t, s, "S-1", furnaceA1, gripper, 1) // again
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverOpen)
		at(t, s, "S-1", furnaceA1, true)
		endHand(t, s, h.Take.ID, doneHand, gateway.HandoverMoved)
		at(t, s, "S-1", gripper, true)
		endHand(t, s, h.Take.ID, doneHand, gateway.HandoverMoved)
		openHandover(t, s, "S-1", gripper, furnaceA1, 2)
	})
	run("NothingMovedStays", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		endHand(t, s, h.Take.ID, noneHand, gateway.HandoverOpen)
		endHand(t, s, h.Give.ID, gateway.Hand{State: lab.CommandCancelled, Effect: lab.EffectNone}, gateway.HandoverStayed)
		at(t, s, "S-1", furnaceA1, true)
		openHandover(t, s, "S-1", furnaceA1, gripper, 2)
	})
	run("DisagreementBlocks", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverOpen)
		endHand(t, s, h.Take.ID, noneHand, gateway.HandoverUncertain)
		at(t, s, "S-1", furnaceA1, false)
		for seed, again := range []gateway.Handover{NewHandover("S-1", furnaceA1, gripper, 2), NewHandover("S-2", furnaceA2, gripper, 3), NewHandover("S-2", furnaceA2, furnaceA1, 4)} {
			if err := s.OpenHandover(t.Context(), again); lab.KindOf(err) != lab.Conflict {
				t.Errorf("handover %d beside a doubt: %v; want a conflict", seed, err)
			}
		}
		if _, err := s.ResolveHandover(t.Context(), h.Token, furnaceA2, "ada", "seen"); lab.KindOf(err) != lab.Invalid {
			t.Errorf("resolve to a third place: %v; want invalid", err)
		}
		for range 2 {
			if got, err := s.ResolveHandover(t.Context(), h.Token, gripper, "ada", "seen"); err != nil || got.State != gateway.HandoverMoved {
				t.Errorf("resolve = %s, %v; want moved", got.State, err)
			}
		}
		if _, err := s.ResolveHandover(t.Context(), h.Token, furnaceA1, "bob", "no"); lab.KindOf(err) != lab.Conflict {
			t.Errorf("resolve otherwise: %v; want a conflict", err)
		}
		at(t, s, "S-1", gripper, true)
		openHandover(t, s, "S-2", furnaceA2, furnaceA1, 5)
	})
	run("LateAnswerEndsTheDoubt", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		endHand(t, s, h.Give.ID, doubtHand, gateway.HandoverOpen)
		endHand(t, s, h.Take.ID, doneHand, gateway.HandoverUncertain)
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverMoved)
		at(t, s, "S-1", gripper, true)
	})
	run("OldAnswersMoveNothing", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		endHand(t, s, h.Give.ID, doubtHand, gateway.HandoverOpen)
		endHand(t, s, h.Take.ID, doneHand, gateway.HandoverUncertain)
		if _, err := s.ResolveHandover(t.Context(), h.Token, furnaceA1, "ada", "it fell back"); err != nil {
			t.Fatal(err)
		}
		next := openHandover(t, s, "S-1", furnaceA1, gateway.Place{Device: "xrd", Slot: "stage"}, 2)
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverStayed)
		endHand(t, s, next.Give.ID, doneHand, gateway.HandoverOpen)
		endHand(t, s, next.Take.ID, doneHand, gateway.HandoverMoved)
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverStayed)
		at(t, s, "S-1", gateway.Place{Device: "xrd", Slot: "stage"}, true)
	})
	run("WhatIsGoneIsOutside", func(t *testing.T, s gateway.Samples) {
		h := openHandover(t, s, "S-1", furnaceA1, gripper, 1)
		if err := s.RemoveSample(t.Context(), "S-1", "ada"); lab.KindOf(err) != lab.Conflict {
			t.Errorf("remove a sample on its way: %v; want a conflict", err)
		}
		endHand(t, s, h.Give.ID, doneHand, gateway.HandoverOpen)
		endHand(t, s, h.Take.ID, doubtHand, gateway.HandoverUncertain)
		for range 2 {
			if got, err := s.ResolveHandover(t.Context(), h.Token, gateway.Place{}, "ada", "it fell"); err != nil || got.State != gateway.HandoverLost {
				t.Errorf("resolve = %s, %v; want lost", got.State, err)
			}
			if err := s.RemoveSample(t.Context(), "S-2", "ada"); err != nil {
				t.Errorf("remove S-2: %v", err)
			}
		}
		for _, sample := range []string{"S-1", "S-2"} {
			at(t, s, sample, gateway.Place{Device: lab.Outside, Slot: sample}, true)
		}
		if got, err := s.Handover(t.Context(), h.Token); err != nil || got.State != gateway.HandoverLost || got.Sample != "S-1" {
			t.Errorf("the handover is %s of %s, %v; want lost, of S-1", got.State, got.Sample, err)
		}
		for sample, place := range map[string]gateway.Place{"S-3": furnaceA1, "S-4": furnaceA2, "S-5": gripper} { // all free again
			if err := s.PlaceSample(t.Context(), sample, place, "ada"); err != nil {
				t.Errorf("place %s: %v", sample, err)
			}
		}
		if err := s.RemoveSample(t.Context(), "S-9", "ada"); lab.KindOf(err) != lab.NotFound {
			t.Errorf("remove an unknown sample: %v; want not found", err)
		}
	})
	run("Strangers", func(t *testing.T, s gateway.Samples) {
		if _, err := s.EndHand(t.Context(), NewEntry("furnace", 99).Command.ID, doneHand); lab.KindOf(err) != lab.NotFound {
			t.Errorf("a command of no handover: %v; want not found", err)
		}
		if err := s.OpenHandover(t.Context(), NewHandover("S-1", furnaceA2, gripper, 1)); lab.KindOf(err) != lab.Conflict {
			t.Errorf("from where it is not: %v; want a conflict", err)
		}
		if err := s.OpenHandover(t.Context(), NewHandover("S-1", furnaceA1, furnaceA2, 1)); lab.KindOf(err) != lab.Conflict {
			t.Errorf("to where another is: %v; want a conflict", err)
		}
	})
	run("OneWinsOfMany", exerciseRace)
}

// exerciseRace lets two samples go for one slot from several sides at once.
func exerciseRace(t *testing.T, s gateway.Samples) {
	var all sync.WaitGroup
	var mu sync.Mutex
	opened := 0
	for i := range 8 {
		all.Go(func() {
			from := []gateway.Place{furnaceA1, furnaceA2}[i%2]
			err := s.OpenHandover(t.Context(), NewHandover(fmt.Sprint("S-", i%2+1), from, gripper, i+1))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				opened++
			case lab.KindOf(err) != lab.Conflict:
				t.Errorf("open: %v; want a conflict", err)
			}
		})
	}
	all.Wait()
	if opened != 1 {
		t.Errorf("%d handovers into one slot are open; want 1", opened)
	}
}

func at(t *testing.T, s gateway.Samples, sample string, want gateway.Place, certain bool) {
	t.Helper()
	got, err := s.Whereabouts(t.Context(), sample)
	if err != nil || got.Place != want || got.Certain != certain {
		t.Errorf("%s is at %s, certain %t, %v; want %s, %t", sample, got.Place, got.Certain, err, want, certain)
	}
}

func openHandover(t *testing.T, s gateway.Samples, sample string, from, to gateway.Place, seed int) gateway.Handover {
	t.Helper()
	h := NewHandover(sample, from, to, seed)
	if err := s.OpenHandover(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return h
}

func endHand(t *testing.T, s gateway.Samples, c lab.CommandID, end gateway.Hand, want gateway.HandoverState) {
	t.Helper()
	h, err := s.EndHand(t.Context(), c, end)
	if err != nil || h.State != want {
		t.Errorf("end %s %s: the handover is %s, %v; want %s", end.State, end.Effect, h.State, err, want)
	}
}
