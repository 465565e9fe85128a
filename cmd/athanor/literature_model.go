package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/llm"
)

// modelFlags have a language model read the papers too.
type modelFlags struct {
	LLM     string `name:"llm" env:"ATHANOR_LLM_URL" placeholder:"URL" help:"Have a language model look for findings too: an endpoint with OpenAI's chat completions, as http://127.0.0.1:8000/v1."`
	Model   string `env:"ATHANOR_LLM_MODEL" placeholder:"NAME" help:"The model to ask for."`
	LLMKey  string `name:"llm-key" env:"ATHANOR_LLM_KEY" placeholder:"KEY" help:"The endpoint's key; better in the environment than on the command line."`
	LLMMost int    `name:"llm-most" default:"100" help:"Papers that the model reads at most, this time."`
}

// run has the model read what it has not read. What it read before an error is kept.
func (f modelFlags) run(ctx context.Context, t *terminal, o *opened, papers []literature.Paper) error {
	if f.LLM == "" {
		return nil
	}
	if f.Model == "" {
		return lab.Errorf(lab.Invalid, "--llm needs a --model to ask for")
	}
	client := &llm.Client{Base: f.LLM, Model: f.Model, Key: f.LLMKey}
	extracted, err := o.Extracted(ctx, o.name)
	if err != nil {
		return err
	}
	read := map[string]string{}
	for _, e := range extracted {
		if e.Extractor == client.Extractor() {
			read[e.Paper] = e.TextHash
		}
	}
	asked, kept, dropped := 0, 0, llm.Dropped{}
	for _, p := range papers {
		hash := p.TextHash()
		if p.Reading() == "" || p.Retracted || read[p.ID] == hash {
			continue
		}
		if asked == f.LLMMost {
			fmt.Fprintf(t.err, "%d papers were read by the model; the rest waits for the next time, or for a larger --llm-most\n", asked)
			break
		}
		asked++
		found, d, err := client.Extract(ctx, p)
		if err != nil {
			return err
		}
		kept += len(found)
		for why, n := range d {
			dropped[why] += n
		}
		e := literature.NewExtraction(p, client.Extractor(), found, time.Now().UTC())
		e.Dropped = d.Total()
		if err := o.PutFindings(ctx, o.name, e); err != nil {
			return err
		}
	}
	if asked > 0 {
		fmt.Fprintf(t.err, "%s read %d papers: %d findings kept, %d claims dropped\n", f.Model, asked, kept, dropped.Total())
		for _, why := range slices.Sorted(maps.Keys(dropped)) {
			fmt.Fprintf(t.err, "  %d: %s\n", dropped[why], why)
		}
	}
	return nil
}
