package api_test

import (
	"encoding/json"
	"testing"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
)

// TestFindingsAreCorrected says of a finding what it should be, and wants it to count
// so from then on, beside what was found; what cannot be is refused before anything is
// kept.
func TestFindingsAreCorrected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	src := apitest.Examples()[0].Source + "\nliterature: {query: bases}\n"
	d := want[api.Detail](b, 201, "POST", "/api/v1/campaigns", src, "Content-Type", yamlType)
	at := "/api/v1/campaigns/" + d.ID.String() + "/literature"
	list := want[api.PaperFindings](b, 200, "GET", at+"/findings", "")
	f := list.Items[0]
	if list.Total != len(list.Items) || list.Checked != 0 || f.Status != "found" || len(f.Passage) == 0 {
		t.Fatalf("findings %+v", list)
	}
	say := func(status int, body map[string]any) {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if res, got := b.ask("POST", at+"/corrections", string(raw), "Content-Type", "application/json"); res.StatusCode != status {
			t.Errorf("%s = %d %s, want %d", raw, res.StatusCode, got, status)
		}
	}
	say(422, map[string]any{"paper": f.Paper, "finding": f.ID, "verdict": "maybe"})
	say(422, map[string]any{"paper": f.Paper, "finding": f.ID, "verdict": "corrected"})
	say(422, map[string]any{"paper": f.Paper, "finding": f.ID, "verdict": "accepted", "value": 3})
	say(422, map[string]any{"finding": f.ID, "verdict": "accepted"})
	say(404, map[string]any{"paper": f.Paper, "finding": "none", "verdict": "accepted"})
	say(204, map[string]any{"paper": f.Paper, "finding": f.ID, "verdict": "corrected", "value": 99, "by": "ana"})
	list = want[api.PaperFindings](b, 200, "GET", at+"/findings?paper="+f.Paper, "")
	if g := list.Items[0]; list.Checked != 1 || g.Value != 99 || g.Was == nil || g.Was.Value != f.Value || g.Words[0].By != "ana" {
		t.Errorf("after the correction: %+v", g)
	}
	plain := want[api.Detail](b, 201, "POST", "/api/v1/campaigns", apitest.Examples()[0].Source, "Content-Type", yamlType)
	want[api.Problem](b, 404, "GET", "/api/v1/campaigns/"+plain.ID.String()+"/literature/findings", "")
}
