package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/mcp"
)

type mcpCmd struct {
	record
	Snapshot string `help:"Read a snapshot (its folder) and not the laboratory's record."`
	HTTP     string `name:"http" placeholder:"ADDRESS" help:"Speak streamable HTTP on a loopback address, as 127.0.0.1:8090, and not over standard input and output."`
}

func (c *mcpCmd) Run(ctx context.Context, t *terminal) error {
	l := &mcp.Lab{Schema: campaign.Schema(), Version: version}
	offers := func(context.Context) ([]lab.Capability, error) { return nil, nil }
	if c.Snapshot != "" {
		s, err := snapshot.Verify(c.Snapshot)
		if err != nil {
			return err
		}
		l.Source = frozen{s}
	} else {
		db, err := c.open(ctx, t)
		if err != nil {
			return err
		}
		defer db.Close()
		l.Source = living{db}
		offers = (&fleet{list: db.Devices, now: time.Now}).capabilities
	}
	l.Check = func(ctx context.Context, document string) ([]lab.Problem, []string, error) {
		capabilities, err := offers(ctx)
		if err != nil {
			return nil, nil, err
		}
		format := "yaml"
		if strings.HasPrefix(strings.TrimSpace(document), "{") {
			format = "json"
		}
		_, problems, notes := campaign.Load([]byte(document), format, capabilities)
		return problems, notes, nil
	}
	server := l.Server()
	if c.HTTP == "" {
		err := server.Run(ctx, &sdk.StdioTransport{})
		if ctx.Err() != nil {
			return nil // told to end
		}
		return err
	}
	listener, err := api.Listen(ctx, c.HTTP)
	if err != nil {
		return err
	}
	fmt.Fprintln(t.err, "athanor: agents are answered on http://"+listener.Addr().String())
	h := &http.Server{Handler: sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, nil), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = h.Close() })
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// asks tells what a campaign asks, on a line.
func asks(d lab.Document) string {
	var wants, over []string
	for _, o := range d.Objectives {
		wants = append(wants, fmt.Sprintf("%s %s [%s]", o.Direction, o.Name, o.Unit))
	}
	for _, p := range d.Space.Parameters {
		s := p.Name
		if p.Unit != "" {
			s += " [" + string(p.Unit) + "]"
		}
		over = append(over, s)
	}
	return strings.Join(wants, ", ") + " over " + strings.Join(over, ", ")
}

// living is the record of a laboratory.
type living struct{ db *postgres.DB }

// Campaigns implements [mcp.Source].
func (l living) Campaigns(ctx context.Context) ([]mcp.Campaign, error) {
	var all []mcp.Campaign
	for cursor := (*lab.CampaignID)(nil); ; {
		rows, next, err := l.db.ListCampaigns(ctx, cursor, 1000)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all = append(all, mcp.Campaign{ID: r.Campaign.ID.String(), Title: r.Campaign.Document.Title, State: string(r.Progress.State), Experiments: r.Progress.Done, Question: asks(r.Campaign.Document)})
		}
		if cursor = next; next == nil {
			return all, nil
		}
	}
}

// Each implements [mcp.Source].
func (l living) Each(ctx context.Context, c lab.CampaignID, e lab.ExperimentID, yield func(dataset.Experiment) error) error {
	sel := dataset.Selection{Experiment: e}
	if !e.IsZero() {
		o, err := l.db.Outcome(ctx, e)
		if err != nil {
			return err
		}
		c = o.Proposal.CampaignID
	}
	if !c.IsZero() {
		sel.Campaigns = []lab.CampaignID{c}
	}
	return dataset.EachExperiment(ctx, l.db, sel, func(e dataset.Experiment, _ lab.Campaign) error { return yield(e) })
}

// Document implements [mcp.Drafter].
func (l living) Document(ctx context.Context, id lab.CampaignID) (lab.Document, error) {
	row, err := l.db.Campaign(ctx, id)
	return row.Campaign.Document, err
}

// frozen is a snapshot.
type frozen struct{ snapshot.Snapshot }

// Campaigns implements [mcp.Source].
func (f frozen) Campaigns(context.Context) ([]mcp.Campaign, error) {
	lines, err := f.Snapshot.Campaigns()
	var all []mcp.Campaign
	for _, l := range lines {
		all = append([]mcp.Campaign{{ID: l.Campaign.ID.String(), Title: l.Campaign.Document.Title, State: "frozen", Experiments: l.Rows, Question: asks(l.Campaign.Document)}}, all...)
	}
	return all, err
}

// Each implements [mcp.Source].
func (f frozen) Each(ctx context.Context, c lab.CampaignID, id lab.ExperimentID, yield func(dataset.Experiment) error) error {
	if f.Rows != snapshot.ExperimentRows {
		return lab.Errorf(lab.Invalid, "%s is of files; agents read snapshots of a laboratory's record", f.Dir)
	}
	return f.EachRow(func(line []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		var e dataset.Experiment
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s: %w", f.Dir, err)
		}
		if !c.IsZero() && e.IDs.CampaignID != c || !id.IsZero() && e.IDs.ExperimentID != id {
			return nil
		}
		return yield(e)
	})
}

// Document implements [mcp.Drafter].
func (f frozen) Document(_ context.Context, id lab.CampaignID) (lab.Document, error) {
	lines, err := f.Snapshot.Campaigns()
	for _, l := range lines {
		if l.Campaign.ID == id {
			return l.Campaign.Document, nil
		}
	}
	if err == nil {
		err = lab.Errorf(lab.NotFound, "the snapshot has no campaign %s", id)
	}
	return lab.Document{}, err
}
