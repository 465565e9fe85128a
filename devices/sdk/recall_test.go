package sdk_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// TestRecall wants the device to say what it was told, byte by byte and in order,
// whatever became of it and over a restart: what was done, what was refused and
// written down, what is under way; and from after a command on.
func TestRecall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pages := make(chan devices.Message, 10)
	bus, err := b.broker.Dial(t.Context(), devices.Session{ClientID: "recall", Subscriptions: []devices.Subscription{{
		Filters: []string{devices.Topic("lab", "dut", devices.LeafRecall)},
		Handle:  func(_ context.Context, m devices.Message) { pages <- m },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	b.start()
	b.lease(1)
	done := b.do("done", "move", `{"x":1}`)
	b.event("done", lab.CommandDone, 1)
	refused := b.do("refused", "fly", `{"to":"<moon>"}`)
	b.event("refused", lab.CommandRejected, 1)
	b.ctl(`{"id":"c","op":"cancel","target":"never-came"}`)
	b.event("never-came", lab.CommandCancelled, 1)
	under := b.do("under-way", "wait", `{}`)
	b.event("under-way", lab.CommandRunning, 1)
	asks := func(id, more string, want ...string) {
		t.Helper()
		b.ctl(`{"id":"` + id + `","op":"recall"` + more + `}`)
		m := next(t, pages, "a page")
		page, _, err := devices.DecodeRecall(m.Payload)
		if err != nil || page.ID != id || page.More || m.Retain {
			t.Errorf("page = %+v, %v; want the last, in answer to %s", page, err, id)
		}
		if diff := cmp.Diff(want, page.Commands); diff != "" {
			t.Errorf("recalled (-want +got):\n%s", diff)
		}
	}
	asks("r-1", "", done, refused, under)
	asks("r-2", `,"target":"done"`, refused, under)
	asks("r-3", `,"target":"nobody-knows"`, done, refused, under)
	b.restart()
	b.event("under-way", lab.CommandInDoubt, 1)
	asks("r-4", "", done, refused, under)
}
