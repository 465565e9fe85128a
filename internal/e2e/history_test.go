package e2e_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/athanor-lab/athanor/lab"
)

var record = flag.Bool("histories", false, "record histories of workflows into workflows/testdata/histories")

// TestRecordHistories records, when asked, what the replay test of package
// workflows replays: a campaign that was paused and resumed, one that was
// aborted, and experiments of both.
func TestRecordHistories(t *testing.T) {
	if !*record {
		t.Skip("not asked for: run with -histories after a change of the workflows that old histories cannot follow")
	}
	data := folder(t)
	l := run(t, nil, up(data)...)
	url := l.url()
	src, err := os.ReadFile("../../examples/campaigns/01-reaction-yield.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc := filepath.Join(t.TempDir(), "short.yaml")
	short := strings.NewReplacer("experiments: 24", "experiments: 6", "batch: 4, in_flight: 4", "batch: 2, in_flight: 3", "approve: never", "approve: first-batch").Replace(string(src))
	if err := os.WriteFile(doc, []byte(short), 0o600); err != nil {
		t.Fatal(err)
	}
	submit := func() string {
		var id string
		eventually(t, time.Minute, "the devices", func() bool {
			out, _, status := command(t, url, "campaign", "submit", doc)
			id = strings.TrimSpace(out)
			return status == 0
		})
		eventually(t, time.Minute, "the first plan", func() bool {
			p, ok := progress(t, url, id)
			return ok && p.State == lab.AwaitingApproval
		})
		mustCommand(t, url, "campaign", "approve", id, "--by", "ana")
		return id
	}
	done := submit()
	mustCommand(t, url, "campaign", "pause", done)
	mustCommand(t, url, "campaign", "resume", done)
	mustCommand(t, url, "campaign", "watch", done)
	aborted := submit()
	mustCommand(t, url, "campaign", "abort", aborted, "--by", "ana")
	eventually(t, time.Minute, "the abort", func() bool {
		p, ok := progress(t, url, aborted)
		return ok && p.State == lab.Aborted
	})

	c := temporalOf(t, data)
	save := func(name, workflow string) { saveHistory(t, c, name, workflow) }
	experiment := func(campaign string, n int) string {
		id, err := lab.ParseCampaignID(campaign)
		if err != nil {
			t.Fatal(err)
		}
		return lab.ExperimentIDOf(id, n).String()
	}
	save("campaign-paused-and-completed", done)
	save("campaign-aborted", aborted)
	save("experiment-succeeded", experiment(done, 1))
	save("experiment-waited-for-devices", experiment(done, 2))
	save("experiment-cancelled", experiment(aborted, 1))
}

// TestRecordSnapshotHistory records, when asked, the history of a snapshot.
func TestRecordSnapshotHistory(t *testing.T) {
	if !*record {
		t.Skip("not asked for: run with -histories after a change of the workflows that old histories cannot follow")
	}
	data := folder(t)
	l := run(t, nil, up(data, "--demo")...)
	eventually(t, 3*time.Minute, "the dataset", func() bool { return strings.Contains(l.said(), "dataset written") })
	resp, err := http.Post(l.url()+"/api/v1/snapshots", "application/json", strings.NewReader(`{"exports":["jsonl"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var work struct{ ID, State string }
	if err := json.NewDecoder(resp.Body).Decode(&work); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	eventually(t, time.Minute, "the snapshot", func() bool {
		return get(t, l.url()+"/api/v1/snapshots/work/"+work.ID, &work) && work.State == "done"
	})
	saveHistory(t, temporalOf(t, data), "snapshot", work.ID)
}

// temporalOf connects to the Temporal of a laboratory that runs in a directory.
func temporalOf(t *testing.T, data string) client.Client {
	t.Helper()
	port, err := os.ReadFile(filepath.Join(data, "temporal", "ports", "grpc"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{HostPort: "127.0.0.1:" + strings.TrimSpace(string(port)), Namespace: "athanor"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func saveHistory(t *testing.T, c client.Client, name, workflow string) {
	t.Helper()
	h := &historypb.History{}
	for it := c.GetWorkflowHistory(t.Context(), workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		e, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	b, err := protojson.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", "workflows", "testdata", "histories", name+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
