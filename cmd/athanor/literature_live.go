package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/sources"
)

// liveFlags ask a service for papers.
type liveFlags struct {
	From    string `placeholder:"SERVICE" help:"Ask openalex, europepmc, semanticscholar or crossref."`
	Query   string `placeholder:"QUERY" help:"What to ask the service for, in its own language."`
	Most    int    `default:"10000" help:"Records at most, over all times the query was asked."`
	Again   bool   `help:"Ask from the beginning, for what is new, though the query was read to its end."`
	Key     string `env:"ATHANOR_LITERATURE_KEY" placeholder:"KEY" help:"The service's key; better in the environment than on the command line."`
	Mail    string `env:"ATHANOR_LITERATURE_MAIL" placeholder:"ADDRESS" help:"Who asks, where a service wants to know."`
	Service string `name:"service-url" placeholder:"URL" help:"A mirror of the service."`
}

func (f liveFlags) check() error {
	switch {
	case f.From == "" && f.Query != "":
		return lab.Errorf(lab.Invalid, "--query needs a service to ask: --from %s", strings.Join(sources.Names(), ", "))
	case f.From == "":
		return nil
	case !slices.Contains(sources.Names(), f.From):
		return lab.Errorf(lab.Invalid, "--from %s: the services are %s", f.From, strings.Join(sources.Names(), ", "))
	case strings.TrimSpace(f.Query) == "":
		return lab.Errorf(lab.Invalid, "--from %s needs a --query", f.From)
	}
	return nil
}

// run reads pages until the end, the bound or an error; what was read is kept with
// where to go on, page by page.
func (f liveFlags) run(ctx context.Context, t *terminal, o *opened) (importedFile, error) {
	q := sources.Query{Service: f.From, Text: f.Query, Mail: f.Mail, Rows: f.Most}
	out := importedFile{File: q.Source(), Format: f.From}
	fail := func(err error) (importedFile, error) { out.Error = err.Error(); return out, err }
	k, _, err := o.Checkpoint(ctx, o.name, q.Source())
	if err != nil {
		return fail(err)
	}
	var state sources.State
	if len(k.State) > 0 && !f.Again {
		if err := json.Unmarshal(k.State, &state); err != nil {
			return fail(lab.Errorf(lab.Invalid, "where %s stopped cannot be read: %w; begin anew with --again", q.Source(), err))
		}
		if k.Done {
			fmt.Fprintf(t.err, "%s was read to its end (%d records); --again asks for what is new\n", q.Source(), state.Records)
			return out, nil
		}
		if state.Pages > 0 {
			fmt.Fprintf(t.err, "%s: going on after %d of %d records\n", q.Source(), state.Records, state.Total)
		}
	}
	client := sources.Client{Base: f.Service, Key: f.Key}
	for state.Records < f.Most {
		var b literature.Batch
		if b, state, err = client.Page(ctx, q, state); err != nil {
			return fail(err)
		}
		r, err := o.Import(ctx, o.name, b)
		if err != nil {
			return fail(err)
		}
		out.Records += len(b.Papers)
		out.Held = append(out.Held, b.Quarantined...)
		out.Receipt.New, out.Receipt.Updated = out.Receipt.New+r.New, out.Receipt.Updated+r.Updated
		out.Receipt.Unchanged, out.Receipt.Quarantined = out.Receipt.Unchanged+r.Unchanged, out.Receipt.Quarantined+r.Quarantined
		fmt.Fprintf(t.err, "%s: %d of %d records\n", q.Source(), state.Records, state.Total)
		if b.Checkpoint.Done {
			break
		}
	}
	return out, nil
}
