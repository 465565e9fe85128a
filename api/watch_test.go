package api_test

import (
	"net/http"
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

type list[T any] struct{ Items []T }

// TestDevicesArePausedAndWatched pauses a device, reads what it measured and what
// was not believed, and wants mistakes told.
func TestDevicesArePausedAndWatched(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want[any](b, http.StatusAccepted, "POST", "/api/v1/devices/heater-1/pause", `{"by":"ana"}`)
	if d := want[lab.Device](b, http.StatusOK, "GET", "/api/v1/devices/heater-1", ""); d.Op != "paused" || len(d.Slots) != 1 || d.Slots[0].Sample != "vial-5" {
		t.Errorf("the device is %s with slots %+v; want paused, with vial-5", d.Op, d.Slots)
	}
	want[any](b, http.StatusAccepted, "POST", "/api/v1/devices/heater-1/resume", `{}`)
	s := want[list[lab.Series]](b, http.StatusOK, "GET", "/api/v1/devices/heater-1/telemetry?points=50", "").Items
	if len(s) != 1 || len(s[0].Points) != 50 || s[0].Unit != "Cel" {
		t.Errorf("telemetry %+v, want 50 points in Cel", s)
	}
	if q := want[list[lab.Quarantined]](b, http.StatusOK, "GET", "/api/v1/quarantine?device=xrd-1&limit=1", "").Items; len(q) != 1 || q[0].Reason == "" {
		t.Errorf("quarantine %+v, want one message with its reason", q)
	}
	for path, status := range map[string]int{
		"/api/v1/devices/nobody/telemetry":                                                     http.StatusNotFound,
		"/api/v1/devices/heater-1/telemetry?points=0":                                          http.StatusUnprocessableEntity,
		"/api/v1/devices/heater-1/telemetry?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z": http.StatusUnprocessableEntity,
		"/api/v1/devices/heater-1/telemetry?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z": http.StatusUnprocessableEntity,
		"/api/v1/quarantine?limit=5000":                                                        http.StatusUnprocessableEntity,
	} {
		if res, body := b.ask("GET", path, ""); res.StatusCode != status {
			t.Errorf("GET %s = %d %s, want %d", path, res.StatusCode, body, status)
		}
	}
}

// TestPersonSettlesAHandover lists the one in dispute, refuses who does not say
// what they saw, and takes a word once.
func TestPersonSettlesAHandover(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := want[list[lab.Dispute]](b, http.StatusOK, "GET", "/api/v1/handovers", "").Items
	if len(all) != 1 || all[0].State != lab.HandoverUncertain {
		t.Fatalf("handovers %+v, want one in dispute", all)
	}
	path := "/api/v1/handovers/" + all[0].Token + "/resolve"
	want[any](b, http.StatusUnprocessableEntity, "POST", path, `{"where":"to","by":"ana"}`)
	want[any](b, http.StatusUnprocessableEntity, "POST", path, `{"where":"elsewhere","by":"ana","reason":"seen"}`)
	want[any](b, http.StatusNoContent, "POST", path, `{"where":"to","by":"ana","reason":"it is in the gripper"}`)
	want[any](b, http.StatusConflict, "POST", path, `{"where":"from","by":"ana","reason":"no"}`)
	want[any](b, http.StatusNotFound, "POST", "/api/v1/handovers/x/resolve", `{"where":"to","by":"ana","reason":"seen"}`)
	if all := want[list[lab.Dispute]](b, http.StatusOK, "GET", "/api/v1/handovers", "").Items; len(all) != 0 {
		t.Errorf("%d handovers are in dispute, want none", len(all))
	}
	want[any](b, http.StatusNoContent, "POST", "/api/v1/samples/vial-7/remove", `{"by":"ana"}`)
	want[any](b, http.StatusNotFound, "POST", "/api/v1/samples/vial-9/remove", `{"by":"ana"}`)
	if w := want[list[lab.Wait]](b, http.StatusOK, "GET", "/api/v1/waits", "").Items; len(w) != 0 {
		t.Errorf("nothing runs, and what waits is %+v", w)
	}
	id := b.campaign().String()
	for campaign, n := range map[string]int{id: 1, "": 1, lab.CampaignID{1}.String(): 0} {
		if w := want[list[lab.Wait]](b, http.StatusOK, "GET", "/api/v1/waits?campaign="+campaign, "").Items; len(w) != n || n > 0 && (w[0].CampaignID.String() != id || w[0].Why == "") {
			t.Errorf("of %q waits %+v, want %d", campaign, w, n)
		}
	}
	want[any](b, http.StatusNotFound, "GET", "/api/v1/waits?campaign=cmp_another", "")
	if s := want[list[lab.Placement]](b, http.StatusOK, "GET", "/api/v1/samples", "").Items; len(s) != 2 {
		t.Errorf("samples %+v, want two", s)
	}
}
