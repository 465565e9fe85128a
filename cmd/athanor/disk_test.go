package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/athanor-lab/athanor/lab"
)

// TestDiskRunsFull wants a laboratory told before the last room is gone, with
// the numbers and what to do.
func TestDiskRunsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := 1000.0
		d := disk{dir: "/data", free: func(string) (float64, error) {
			room -= 100
			return room, nil
		}}
		err := d.watch(t.Context())
		if lab.KindOf(err) != lab.Unavailable || room < 0 || room >= roomToRunMB {
			t.Fatalf("with %.0f MB free: %v", room, err)
		}
		for _, want := range []string{"/data", "100 MB free", "128 MB", "--data", "nothing is lost"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the message does not say %q: %v", want, err)
			}
		}
	})
}
