package datasettest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

// Exercise runs the suite that every implementation of [dataset.Store] passes.
// newStore returns one that knows the campaigns of [Campaign] 1 and 2 and has
// no outcomes.
func Exercise(t *testing.T, newStore func(t *testing.T) dataset.Store) {
	t.Helper()
	one, two := Campaign(1).ID, Campaign(2).ID
	run := func(name string, f func(t *testing.T, s dataset.Store)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newStore(t))
		})
	}
	put := func(t *testing.T, s dataset.Store, o lab.Outcome, want bool) {
		t.Helper()
		if stored, err := s.PutOutcome(t.Context(), o); err != nil || stored != want {
			t.Fatalf("put %d: stored %v, %v; want %v", o.Proposal.Number, stored, err, want)
		}
	}
	all := func(t *testing.T, s dataset.Store, id lab.CampaignID) []lab.Outcome {
		t.Helper()
		out, err := dataset.New(s).Outcomes(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}

	run("OutcomesComeBackWhole", func(t *testing.T, s dataset.Store) {
		var want []lab.Outcome
		for n := 1; n <= 4; n++ {
			o := Outcome(one, n)
			put(t, s, o, true)
			want = append(want, o)
		}
		if diff := cmp.Diff(want, all(t, s, one), equal...); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})

	run("TheFirstStays", func(t *testing.T, s dataset.Store) {
		first := Outcome(one, 1)
		put(t, s, first, true)
		second := first
		second.Proposal.Reason = "another reason"
		put(t, s, first, false)
		put(t, s, second, false)
		if diff := cmp.Diff([]lab.Outcome{first}, all(t, s, one), equal...); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})

	run("ByNumberAndCampaign", func(t *testing.T, s dataset.Store) {
		for _, n := range []int{11, 2, 10, 1, 3} {
			put(t, s, Outcome(one, n), true)
		}
		put(t, s, Outcome(two, 4), true)
		var got []int
		for _, o := range all(t, s, one) {
			got = append(got, o.Proposal.Number)
		}
		if diff := cmp.Diff([]int{1, 2, 3, 10, 11}, got); diff != "" {
			t.Errorf("numbers (-want +got):\n%s", diff)
		}
	})

	run("ANumberIsTakenOnce", func(t *testing.T, s dataset.Store) {
		put(t, s, Outcome(one, 1), true)
		o := Outcome(one, 1)
		o.Proposal.ExperimentID[0]++
		if stored, err := s.PutOutcome(t.Context(), o); stored || lab.KindOf(err) != lab.Conflict {
			t.Errorf("another experiment of number 1: stored %v, %v; want a conflict", stored, err)
		}
	})

	run("YieldStops", func(t *testing.T, s dataset.Store) {
		put(t, s, Outcome(one, 1), true)
		put(t, s, Outcome(one, 2), true)
		stop, calls := errors.New("enough"), 0
		err := s.EachOutcome(t.Context(), one, func(lab.Outcome) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("each: %v after %d calls, want %v after 1", err, calls, stop)
		}
	})

	run("AwkwardTexts", func(t *testing.T, s dataset.Store) {
		o := Outcome(one, 3)
		o.Failure.Message = "NUL \x00, quote \", back\\slash, back\\u0000slash, snow ☃, <b>"
		o.Steps[0].Values = json.RawMessage(`{"half":"\ud800","whole":"\ud83d\ude00","nul":"\u0000"}`)
		put(t, s, o, true)
		got := all(t, s, one)
		if len(got) != 1 || !strings.Contains(got[0].Failure.Message, `back\slash, back\u0000slash, snow ☃, <b>`) {
			t.Errorf("outcome came back as %+v", got)
		}
	})

	run("ManyAtOnce", func(t *testing.T, s dataset.Store) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		stored := 0
		for range 4 {
			wg.Go(func() {
				for n := 1; n <= 10; n++ {
					ok, err := s.PutOutcome(t.Context(), Outcome(one, n))
					if err != nil {
						t.Error(err)
					}
					if ok {
						mu.Lock()
						stored++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		if got := len(all(t, s, one)); stored != 10 || got != 10 {
			t.Errorf("%d puts were new and %d outcomes are stored, want 10 and 10", stored, got)
		}
	})

	run("ExportsAreEqual", func(t *testing.T, s dataset.Store) {
		var memory Store
		for n := 1; n <= 3; n++ {
			put(t, s, Outcome(one, n), true)
			put(t, &memory, Outcome(one, n), true)
		}
		for name, export := range map[string]func(dataset.Each, *bytes.Buffer) error{
			"csv": func(e dataset.Each, w *bytes.Buffer) error { return dataset.ExportCSV(t.Context(), Campaign(1), e, w) },
			"jsonl": func(e dataset.Each, w *bytes.Buffer) error {
				return dataset.ExportJSONL(t.Context(), Campaign(1), e, w)
			},
		} {
			var got, want bytes.Buffer
			if err := errors.Join(export(s.EachOutcome, &got), export(memory.EachOutcome, &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("%s (-memory +this):\n%s", name, diff)
			}
		}
	})
}

// equal compares outcomes as JSON does: absent and empty lists are equal, and so
// are two writings of one object.
var equal = []cmp.Option{
	cmpopts.EquateEmpty(),
	cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 || len(b) > 0 },
		cmp.Comparer(func(a, b json.RawMessage) bool { return fmt.Sprint(decoded(a)) == fmt.Sprint(decoded(b)) })),
}

func decoded(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return v
}
