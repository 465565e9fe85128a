package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	literature "github.com/athanor-lab/athanor/literature/bench"
	"github.com/athanor-lab/athanor/planner/bench"
)

// benchLiteratureCmd measures ranking, screening, extraction and what reading
// saves in experiments.
type benchLiteratureCmd struct {
	Data      string `required:"" help:"Folder of sets of papers."`
	Tables    string `help:"Folder of tables of experiments to count on besides those of the data; by default the folder optimisation beside it, where there is one."`
	Seeds     int    `default:"15" help:"Simulated reviews to a screening set."`
	Campaigns int    `default:"8" help:"Campaigns to a material and kind of reading."`
	Database  bool   `default:"true" negatable:"" help:"Compare with PostgreSQL, which is started for it."`
	Million   bool   `help:"Measure an index of 10⁶ made-up papers too; minutes, and 3 GB."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

func (c *benchLiteratureCmd) Run(ctx context.Context, t *terminal) error {
	at := conditionsNow(0)
	more, err := c.lookups()
	if err != nil {
		return err
	}
	o := literature.Options{
		Data: c.Data, Seeds: c.Seeds, Campaigns: c.Campaigns, Tables: more, Million: c.Million,
		Planner:  builtIn(),
		Progress: func(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) },
	}
	if c.Database {
		db := &benchDatabase{t: t, ctx: ctx}
		defer db.close()
		o.Stored = db.stored
	}
	r, err := literature.Run(ctx, o)
	if err != nil {
		return err
	}
	at.LoadAfter = load()
	out := struct {
		literature.Result
		Conditions conditions `json:"conditions"`
	}{r, at}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(out)
	}
	return printJSON(t.out, out)
}

// lookups are the tables of reactions: those whose parameters, but for the first
// choice, are few enough levels to be conditions.
func (c *benchLiteratureCmd) lookups() ([]literature.Lookup, error) {
	dir := c.Tables
	if dir == "" {
		dir = filepath.Join(filepath.Dir(filepath.Clean(c.Data)), "optimisation")
		if _, err := os.Stat(dir); err != nil {
			return nil, nil //nolint:nilerr // there are none, and what needs them says so
		}
	}
	tables, err := bench.Tables(dir, nil)
	if err != nil {
		return nil, err
	}
	var out []literature.Lookup
	for _, t := range tables {
		if l, ok := literature.ByFirstChoice(t.Name, t.Space, t.Objectives[0], t.Settings, t.Value); ok {
			out = append(out, l)
		}
	}
	return out, nil
}

// benchKnowledgeCmd measures what a ranking from outside is worth to the planner.
type benchKnowledgeCmd struct {
	Data  string   `required:"" env:"ATHANOR_TABLES" help:"Folder of tables: a folder to a set, with table.csv and space.json."`
	Seeds int      `default:"16" help:"Campaigns to a table and ranking; fewer tell little."`
	Sets  []string `help:"The sets to run; all by default, of which those with few levels to each parameter count."`
	JSON  bool     `name:"json" help:"Print one JSON object."`
}

func (c *benchKnowledgeCmd) Run(ctx context.Context, t *terminal) error {
	at := conditionsNow(0)
	k, err := bench.RunKnowledge(ctx, builtIn(), bench.Options{
		Data: c.Data, Seeds: c.Seeds, Sets: c.Sets, Progress: func(format string, args ...any) { fmt.Fprintf(t.err, format, args...) },
	})
	if err != nil {
		return err
	}
	at.LoadAfter = load()
	out := struct {
		bench.Knowledge
		Conditions conditions `json:"conditions"`
	}{k, at}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(out)
	}
	return printJSON(t.out, out)
}
