package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/bench"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/index"
)

type literatureCmd struct {
	Rank rankCmd `cmd:"" help:"Rank papers from files for a question."`
}

type rankCmd struct {
	Query string   `arg:"" help:"The question; words, \"phrases\", title:word, -word."`
	Files []string `arg:"" help:"Papers: BibTeX, RIS, CSV, JSON Lines, or answers of OpenAlex, Europe PMC, Semantic Scholar and Crossref."`
	N     int      `short:"n" default:"10" help:"How many to show."`
	JSON  bool     `name:"json" help:"Print JSON."`
}

// ranked is a paper in its place.
type ranked struct {
	Rank    int           `json:"rank"`
	ID      string        `json:"id"`
	Title   string        `json:"title"`
	Score   float64       `json:"score"`
	Signals index.Signals `json:"signals"`
}

func (c *rankCmd) Run(t *terminal) error {
	if c.N < 1 {
		return lab.Errorf(lab.Invalid, "-n %d: ask for at least one", c.N)
	}
	library, err := c.read(t)
	if err != nil {
		return err
	}
	b := index.NewBuilder(index.BM25{})
	for _, p := range library.Papers() {
		b.Add(index.Of(p))
	}
	x := b.Build()
	r := index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{}), Weights: index.DefaultWeights}
	list := []ranked{}
	for i, hit := range r.Rank(index.Parse(c.Query), c.N) {
		p, _ := library.Paper(hit.ID)
		list = append(list, ranked{Rank: i + 1, ID: hit.ID, Title: p.Title, Score: hit.Score, Signals: hit.Signals})
	}
	if c.JSON {
		return printJSON(t.out, list)
	}
	for _, l := range list {
		fmt.Fprintf(t.out, "%3d. %s\n     %s\n", l.Rank, printable(l.Title), printable(l.ID))
	}
	return nil
}

// read brings the files together; records that could not be read are told.
func (c *rankCmd) read(t *terminal) (*corpus.Library, error) {
	library := new(corpus.Library)
	for _, file := range c.Files {
		f, err := os.Open(file)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "read papers: %w", err)
		}
		got, err := corpus.Read(file, f, corpus.Limits{})
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, q := range got.Quarantined {
			fmt.Fprintf(t.err, "%s: held back: %s\n", file, q.Reason)
		}
		library.Add(got.Papers...)
	}
	if library.Len() == 0 {
		return nil, lab.Errorf(lab.Invalid, "the files hold no papers")
	}
	return library, nil
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
