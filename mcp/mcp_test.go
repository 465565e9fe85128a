package mcp_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/mcp"
)

// record is an archive in memory, and a document that exists.
type record struct {
	*datasettest.Archive
	doc lab.Document
}

func (r record) Campaigns(context.Context) ([]mcp.Campaign, error) {
	return []mcp.Campaign{{ID: r.All[0].Campaign.ID.String(), Title: "Direct arylation 1", State: "completed", Experiments: len(r.All)}}, nil
}

func (r record) Each(ctx context.Context, c lab.CampaignID, e lab.ExperimentID, yield func(dataset.Experiment) error) error {
	sel := dataset.Selection{Experiment: e}
	if !c.IsZero() {
		sel.Campaigns = []lab.CampaignID{c}
	}
	return dataset.EachExperiment(ctx, r.Archive, sel, func(e dataset.Experiment, _ lab.Campaign) error { return yield(e) })
}

func (r record) Document(context.Context, lab.CampaignID) (lab.Document, error) { return r.doc, nil }

// connect returns a client's session with a server, as agents have one.
func connect(t *testing.T) (*sdk.ClientSession, record) {
	t.Helper()
	a, err := datasettest.NewArchive(1, 30)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("../examples/campaigns/01-reaction-yield.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, problems := campaign.Parse(src, "yaml")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := record{a, doc}
	l := &mcp.Lab{Source: r, Schema: campaign.Schema(), Version: "test", Check: func(_ context.Context, d string) ([]lab.Problem, []string, error) {
		_, problems, notes := campaign.Load([]byte(d), "yaml", nil)
		return problems, notes, nil
	}}
	here, there := sdk.NewInMemoryTransports()
	server, err := l.Server().Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() })
	session, err := sdk.NewClient(&sdk.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session, r
}

// call asks for a tool and reads its structured answer into out.
func call(t *testing.T, s *sdk.ClientSession, tool string, args map[string]any, out any) string {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	text := ""
	for _, c := range r.Content {
		if c, ok := c.(*sdk.TextContent); ok {
			text += c.Text
		}
	}
	if out == nil {
		if !r.IsError {
			t.Errorf("%s(%v) succeeded: %s", tool, args, text)
		}
		return text
	}
	if r.IsError {
		t.Fatalf("%s: %s", tool, text)
	}
	b, err := json.Marshal(r.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("%s: %v in %s", tool, err, b)
	}
	return text
}

// TestAgentReads walks from a search to an explanation, as an agent would.
func TestAgentReads(t *testing.T) {
	t.Parallel()
	s, r := connect(t)
	var best struct {
		Hits []struct {
			ID, Class, Card string
		}
		Total int
	}
	call(t, s, "search_experiments", map[string]any{"words": "KOAc", "class": "success", "sort": "-yield", "limit": 3}, &best)
	if len(best.Hits) != 3 || best.Total <= 3 || !strings.Contains(best.Hits[0].Card, "base KOAc") {
		t.Fatalf("the best with KOAc: %+v", best)
	}
	var failures struct{ Total int }
	call(t, s, "search_experiments", map[string]any{"class": "failure"}, &failures)
	if failures.Total != 4 {
		t.Errorf("%d failures of 30, want every seventh", failures.Total)
	}
	var one struct {
		Card       string
		Experiment dataset.Experiment
	}
	call(t, s, "read_experiment", map[string]any{"id": best.Hits[0].ID}, &one)
	if one.Card != best.Hits[0].Card || one.Experiment.Record.Commitment == nil {
		t.Errorf("read %q, found %q", one.Card, best.Hits[0].Card)
	}
	var why struct{ Text string }
	call(t, s, "explain_experiment", map[string]any{"id": best.Hits[0].ID}, &why)
	for _, part := range []string{"decision", "knew: brief", "read: W1", "before the run", "sha256", "sent "} {
		if !strings.Contains(why.Text, part) {
			t.Errorf("the explanation lacks %q:\n%s", part, why.Text)
		}
	}
	nobody := lab.ExperimentIDOf(r.All[0].Campaign.ID, 999).String()
	if text := call(t, s, "read_experiment", map[string]any{"id": nobody}, nil); !strings.Contains(text, nobody) {
		t.Errorf("reading what is not there: %s", text)
	}
	call(t, s, "read_experiment", map[string]any{"id": "exp_x"}, nil)
}

// TestAgentDrafts drafts a campaign after one that exists: it is good, wants
// every plan approved, and a bad one is told what would be right.
func TestAgentDrafts(t *testing.T) {
	t.Parallel()
	s, r := connect(t)
	var d struct {
		Document string
		Valid    bool
		Problems []string
		Next     string
	}
	args := map[string]any{"title": "Hotter", "like": r.All[0].Campaign.ID.String(), "experiments": 5, "ranges": map[string]any{"temperature": map[string]any{"min": 100, "max": 118}}}
	call(t, s, "draft_campaign", args, &d)
	if !d.Valid {
		t.Fatalf("the draft has problems: %v\n%s", d.Problems, d.Document)
	}
	doc, problems := campaign.Parse([]byte(d.Document), "yaml")
	if len(problems) > 0 || doc.Title != "Hotter" || doc.Safety.Approve != "every-batch" || !strings.Contains(d.Next, "person") {
		t.Errorf("draft %q approves %q, next %q, problems %v", doc.Title, doc.Safety.Approve, d.Next, problems)
	}
	args["ranges"] = map[string]any{"nonsense": map[string]any{"min": 1, "max": 2}}
	if text := call(t, s, "draft_campaign", args, nil); !strings.Contains(text, "nonsense") {
		t.Errorf("an unknown parameter: %s", text)
	}
	var bad struct {
		Valid    bool
		Problems []string
	}
	call(t, s, "check_campaign", map[string]any{"document": "athanor: campaign/1\ntitle: x\n"}, &bad)
	if bad.Valid || len(bad.Problems) == 0 {
		t.Errorf("an empty campaign is said to be good: %+v", bad)
	}
}

// TestAgentCannotAct lists the tools and wants all of them to only read.
func TestAgentCannotAct(t *testing.T) {
	t.Parallel()
	s, _ := connect(t)
	tools, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if tool.Annotations == nil || !tool.Annotations.ReadOnlyHint {
			t.Errorf("%s does not say that it only reads", tool.Name)
		}
	}
	slices.Sort(names)
	if want := []string{"check_campaign", "draft_campaign", "explain_experiment", "list_campaigns", "read_experiment", "search_experiments"}; !slices.Equal(names, want) {
		t.Errorf("tools %v, want %v: an agent must not be able to act", names, want)
	}
	schema, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "athanor://campaign.schema.json"})
	if err != nil || !json.Valid([]byte(schema.Contents[0].Text)) {
		t.Errorf("the schema of documents: %v", err)
	}
}
