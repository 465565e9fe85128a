package apitest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// standing is what stands in the abstracts of the corpus: the number and the unit are
// found in them by their words.
var standing = []struct {
	paper     int
	number    string
	value     float64
	written   string
	unit      string
	parameter string
	outcome   bool
	sets      string
}{
	{0, "105", 105, "°C", "Cel", "temperature", false, "temperature"},
	{0, "0.1", 0.1, "mol/L", "mol/L", "concentration", false, "concentration"},
	{0, "78", 78, "%", "%", "yield", true, "yield"},
	{1, "110", 110, "°C", "Cel", "temperature", false, "temperature"},
	{1, "115", 115, "°C", "Cel", "temperature", false, "temperature"},
	{2, "0.12", 0.12, "mol/L", "mol/L", "concentration", false, "concentration"},
	{2, "0.06", 0.06, "mol/L", "mol/L", "concentration", false, ""},
}

// readFinding is the i-th finding as it stands in its paper, with what was said of it.
func (c *campaign) readFinding(i int) api.ReadFinding {
	s := standing[i]
	k := corpus[s.paper]
	f := api.ReadFinding{
		ID: fmt.Sprintf("finding-%d", i+1), Paper: k.ID, Extractor: "rules/1", Status: "found", Parameter: s.parameter, Value: s.value, High: s.value, Unit: s.unit,
		Outcome: s.outcome, Sets: s.sets, Words: slices.Clone(c.words[i]),
	}
	if f.Words == nil {
		f.Words = []api.FindingWord{}
	}
	before, rest, _ := strings.Cut(k.Abstract, s.number+" "+s.written)
	f.Passage = []api.Piece{{Text: before}, {Text: s.number, Is: "value"}, {Text: " "}, {Text: s.written, Is: "unit"}, {Text: rest}}
	x, ok := c.corrected[i]
	if !ok {
		return f
	}
	if f.Status = x.Verdict; x.Verdict != "corrected" {
		return f
	}
	f.Was = &api.FoundValue{Parameter: f.Parameter, Value: f.Value, High: f.High, Unit: f.Unit, Outcome: f.Outcome}
	set(&f.Parameter, x.Parameter)
	set(&f.Unit, x.Unit)
	set(&f.Operation, x.Operation)
	set(&f.Outcome, x.Outcome)
	set(&f.Value, x.Value)
	f.High = f.Value
	set(&f.High, x.High)
	return f
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (p libraryPort) Findings(_ context.Context, id lab.CampaignID, which api.FindingsQuery) (api.PaperFindings, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := api.PaperFindings{Items: []api.ReadFinding{}}
	c, err := p.reads(id)
	if err != nil {
		return out, err
	}
	for i := range standing {
		f := c.readFinding(i)
		if which.Paper != "" && f.Paper != which.Paper || c.said[f.Paper] == "irrelevant" || !which.All && f.Sets == "" && len(f.Words) == 0 {
			continue
		}
		if out.Total++; f.Status != "found" {
			out.Checked++
		}
		out.Items = append(out.Items, f)
	}
	return out, nil
}

func (p libraryPort) Correct(_ context.Context, id lab.CampaignID, x api.Correction) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.reads(id)
	if err != nil {
		return err
	}
	var i int
	if _, err := fmt.Sscanf(x.Finding, "finding-%d", &i); err != nil || i < 1 || i > len(standing) {
		return lab.Errorf(lab.NotFound, "the corpus has no finding %q", x.Finding)
	}
	fields := x.Value != nil || x.High != nil || x.Unit != nil || x.Parameter != nil || x.Operation != nil || x.Outcome != nil
	if fields != (x.Verdict == "corrected") {
		return lab.Errorf(lab.Invalid, "correct %s: fields say what a finding should be, with the verdict corrected", x.Finding)
	}
	word := api.FindingWord{By: cmp.Or(x.By, "reviewer"), At: time.Now().UTC(), Verdict: x.Verdict, Why: x.Why}
	if x.Value != nil {
		word.Changes = fmt.Sprintf("value %g", *x.Value)
	}
	c.words[i-1] = append(c.words[i-1], word)
	if c.corrected[i-1] = x; x.Verdict == "reopened" {
		delete(c.corrected, i-1)
	}
	return nil
}
