package main

import (
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/literature/bench"
)

type literatureCmd struct {
	Import   litImportCmd `cmd:"" help:"Read papers into a corpus, from files or from a source."`
	Rank     rankCmd      `cmd:"" help:"Rank the papers of a corpus, or of files, for a question."`
	Screen   screenCmd    `cmd:"" help:"Say yes or no to papers, the likeliest first, until enough is read."`
	Findings findingsCmd  `cmd:"" help:"Show quantities that were found, and correct them."`
}

type benchLiteratureCmd struct {
	Data  string `required:"" help:"Folder of sets of papers."`
	Seeds int    `default:"15" help:"Simulated reviews to a screening set."`
	JSON  bool   `name:"json" help:"Print one JSON object."`
}

func (c *benchLiteratureCmd) Run(t *terminal) error {
	at := conditionsNow(0)
	r, err := bench.Run(bench.Options{Data: c.Data, Seeds: c.Seeds, Progress: func(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }})
	if err != nil {
		return err
	}
	at.LoadAfter = load()
	out := struct {
		bench.Result
		Conditions conditions `json:"conditions"`
	}{r, at}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(out)
	}
	return printJSON(t.out, out)
}
