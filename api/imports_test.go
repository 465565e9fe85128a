package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
)

func upload(b *bundle, text string) importer.Offered {
	b.t.Helper()
	return want[importer.Offered](b, 200, "POST", "/api/v1/imports/files?name=runs.csv", text, "Content-Type", "application/octet-stream")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// importRuns imports a table after answering its question.
func importRuns(b *bundle) api.ImportInfo {
	b.t.Helper()
	o := upload(b, importtest.Runs)
	m := want[importer.Trial](b, 200, "POST", "/api/v1/imports/try", asJSON(b.t, o)).Mapping
	if err := m.Answer(importer.Answers{Units: []string{"yield=%"}}); err != nil {
		b.t.Fatal(err)
	}
	return want[api.ImportInfo](b, 202, "POST", "/api/v1/imports", asJSON(b.t, api.ImportRequest{Offered: o, Mapping: m}))
}

// TestImportOverHTTP takes a table from its upload to a corrected row.
func TestImportOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	info := importRuns(b)
	if info.State != "done" || info.Summary.Rows.Imported != 4 || info.Held != 2 {
		t.Fatalf("it is %s with %+v and %d held, want 4 imported and 2 held", info.State, info.Summary.Rows, info.Held)
	}
	type page struct {
		Items []importer.Held
		Next  string
	}
	first := want[page](b, 200, "GET", "/api/v1/imports/"+info.ID+"/held?limit=1", "")
	second := want[page](b, 200, "GET", "/api/v1/imports/"+info.ID+"/held?limit=1&cursor="+first.Next, "")
	if len(first.Items) != 1 || len(second.Items) != 1 || second.Next != "" || first.Items[0].Source.Row >= second.Items[0].Source.Row {
		t.Fatalf("pages of held rows: %+v, then %+v", first, second)
	}
	row := first.Items[0]
	row.Texts[3] = "58.5"
	r := want[importer.Replays](b, 200, "POST", "/api/v1/imports/"+info.ID+"/replay", asJSON(t, api.ReplayRequest{Rows: []importer.Edit{{Row: row.Source.Row, Texts: row.Texts}}}))
	if len(r.Imported) != 1 || len(r.Held) != 0 {
		t.Errorf("a corrected row gave %+v", r)
	}
	after := want[api.ImportInfo](b, 200, "GET", "/api/v1/imports/"+info.ID, "")
	if c := after.Cells; after.Settled != 1 || c.All != c.Mapped+c.Attributes+c.Quarantined+c.Blank+c.Ignored+c.Structure || c.Quarantined != 3 {
		t.Errorf("after it %d are settled and the ledger is %+v, want 1 and 3 cells held", after.Settled, c)
	}
	_, yaml := b.ask("GET", "/api/v1/imports/"+info.ID+"/mapping", "")
	if m, err := importer.ParseMapping(string(yaml)); err != nil || m.Hash() != info.Mapping.Hash() {
		t.Errorf("the mapping that is downloaded is another: %v", err)
	}
	o := importer.Offered{SHA256: info.SHA256, Source: info.Source}
	if again := want[importer.Trial](b, 200, "POST", "/api/v1/imports/try", asJSON(t, api.ImportTry{Offered: o, YAML: string(yaml)})); !again.OnRecord || again.Import != info.ID {
		t.Errorf("the same mapping is the import %s, want %s", again.Import, info.ID)
	}
}

// TestImportRefusals wants what cannot be imported refused with a reason.
func TestImportRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := upload(b, importtest.Runs)
	for name, ask := range map[string]struct {
		status             int
		method, path, body string
	}{
		"NoSuchFile":  {404, "POST", "/imports/try", asJSON(t, importer.Offered{SHA256: strings.Repeat("0", 64), Source: "x.csv"})},
		"NoHash":      {422, "POST", "/imports/try", `{"sha256":"../x","source":"x.csv"}`},
		"BadYAML":     {422, "POST", "/imports/try", asJSON(t, api.ImportTry{Offered: o, YAML: "athanor: import-mapping/1\nwhat: 3"})},
		"Empty":       {422, "POST", "/imports/files?name=a.csv", ""},
		"NoInbox":     {404, "POST", "/imports/inbox", `{"name":"a.csv"}`},
		"NoSuchHeld":  {404, "GET", "/imports/" + strings.Repeat("0", 64) + "/held", ""},
		"OtherFile":   {422, "POST", "/imports", asJSON(t, api.ImportRequest{Offered: upload(b, "a,b\n1,2\n"), Mapping: want[importer.Trial](b, 200, "POST", "/api/v1/imports/try", asJSON(t, o)).Mapping})},
		"NoWords":     {422, "POST", "/imports/try", "{}"},
		"NotAnImport": {422, "GET", "/imports/nonsense", ""},
	} {
		if res, body := b.ask(ask.method, "/api/v1"+ask.path, ask.body); res.StatusCode != ask.status || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s, want %d as a problem: %.200s", name, res.StatusCode, res.Header.Get("Content-Type"), ask.status, body)
		}
	}
}
