package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

// Options say what to run.
type Options struct {
	Data  string // a directory with the folders scifact, screening, synthesis-annotated, synthesis-textmined
	Seeds int    // simulated reviews to a screening set, default 15
	// Planner is what the experiments are counted with; nil leaves them out.
	Planner Proposer
	// Campaigns is how many to a material and kind of reading, default 2.
	Campaigns int
	// Tables are further tables to count experiments on.
	Tables []Lookup
	// Stored puts papers into a database and returns a search in it. A nil Stored, or
	// a nil search, leaves out the comparison with the index.
	Stored func(papers []literature.Paper) (search func(q index.Query, k int) ([]index.Hit, error), err error)
	// Million measures an index of 10⁶ made-up papers too, which takes minutes and
	// 3 GB.
	Million bool
	// Progress tells what is being measured; nil for silence.
	Progress func(format string, args ...any)
}

// Result is what was measured, ready for JSON. What has no data, or is measured
// with a planner, which this package does not know, is null.
type Result struct {
	Ranking          Ranking          `json:"scifact"`
	Screening        Screening        `json:"screening"`
	Extraction       Extraction       `json:"extraction"`
	TemperaturePrior TemperaturePrior `json:"temperature_prior"`
	Experiments      Experiments      `json:"experiments_to_top5"`
	Speed            []Speed          `json:"speed"`
}

func (o Options) withDefaults() Options {
	if o.Seeds <= 0 {
		o.Seeds = 15
	}
	if o.Campaigns <= 0 {
		o.Campaigns = 2
	}
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	return o
}

// Run measures everything that the data is there for, one thing after another, so
// that times mean something. The error is of kind [lab.Invalid] when the directory
// has none of the sets.
func Run(ctx context.Context, o Options) (Result, error) {
	o = o.withDefaults()
	var r Result
	found := 0
	for _, part := range []struct {
		folder string
		run    func(dir string) error
	}{
		{"scifact", func(dir string) (err error) { r.Ranking, err = rank(dir, o.Stored); return err }},
		{"screening", func(dir string) (err error) { r.Screening, err = screening(dir, o.Seeds, o.Progress); return err }},
		{"synthesis-annotated", func(dir string) (err error) { r.Extraction, err = extraction(dir); return err }},
		{"synthesis-textmined", func(dir string) (err error) { r.TemperaturePrior, err = thermal(dir); return err }},
		{"planner-lookup", func(dir string) (err error) { r.Experiments, err = o.count(ctx, dir); return err }},
	} {
		dir := filepath.Join(o.Data, part.folder)
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			continue
		}
		found++
		o.Progress("%s", part.folder)
		if err := part.run(dir); err != nil {
			return r, fmt.Errorf("measure %s: %w", part.folder, err)
		}
	}
	if found == 0 {
		return r, lab.Errorf(lab.Invalid, "measure %s: it has none of the folders scifact, screening, synthesis-annotated, synthesis-textmined, planner-lookup", o.Data)
	}
	o.Progress("made-up papers")
	r.Speed = []Speed{speed(5000)}
	if o.Million {
		r.Speed = append(r.Speed, speed(1_000_000))
	}
	return r, nil
}
