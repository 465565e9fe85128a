package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// check is a small stand-in for the checks of the house: it reads a document and
// finds a few mistakes in it, with their places.
func check(src []byte, format api.Format) (*lab.Document, []lab.Problem) {
	var doc lab.Document
	if err := decode(src, format, &doc); err != nil {
		line := 1
		if _, rest, ok := strings.Cut(err.Error(), "["); ok {
			_, _ = fmt.Sscanf(rest, "%d:", &line)
		}
		what, _, _ := strings.Cut(err.Error(), "\n")
		return nil, []lab.Problem{{Path: "", Wrong: "cannot be read as a campaign document: " + what, Right: "begin from an example", Line: line, Col: 1}}
	}
	var problems []lab.Problem
	complain := func(path, wrong, right string) {
		line, col := place(src, path)
		problems = append(problems, lab.Problem{Path: path, Wrong: wrong, Right: right, Line: line, Col: col})
	}
	if doc.Title == "" {
		complain("title", "is missing", "say in a line what the campaign is to find out")
	}
	if len(doc.Space.Parameters) == 0 {
		complain("space.parameters", "has no parameter", "name at least one thing that may be varied")
	}
	for i, p := range doc.Space.Parameters {
		at := fmt.Sprintf("space.parameters[%d]", i)
		if (p.Type == lab.Continuous || p.Type == lab.Integer) && (p.Min == nil || p.Max == nil || *p.Min >= *p.Max) {
			complain(at+".max", fmt.Sprintf("parameter %q has no room between min and max", p.Name), "max must be greater than min")
		}
		if p.Type == lab.Categorical && len(p.Levels) < 2 {
			complain(at+".levels", fmt.Sprintf("parameter %q has fewer than two levels", p.Name), "give two levels or more")
		}
	}
	if len(doc.Objectives) == 0 {
		complain("objectives", "has no objective", "name what is to be maximised or minimised")
	}
	if len(doc.Protocol.Steps) == 0 {
		complain("protocol.steps", "has no step", "say what is to be done with a sample")
	}
	if doc.Budget.Experiments < 1 {
		complain("budget.experiments", "is not a positive number", "say how many experiments may be done")
	}
	if doc.Plan.Batch == 0 {
		doc.Plan.Batch = 1
	}
	if doc.Plan.InFlight == 0 {
		doc.Plan.InFlight = doc.Plan.Batch
	}
	return &doc, problems
}

func decode(src []byte, format api.Format, doc *lab.Document) error {
	if format == api.JSON {
		return json.Unmarshal(src, doc) //nolint:wrapcheck // wrapped in a problem
	}
	var document map[string]any
	if err := yaml.Unmarshal(src, &document); err != nil {
		return err //nolint:wrapcheck // wrapped in a problem
	}
	b, err := json.Marshal(document)
	if err != nil {
		return err //nolint:wrapcheck // wrapped in a problem
	}
	return json.Unmarshal(b, doc) //nolint:wrapcheck // wrapped in a problem
}

// place finds the line of a path, or of the nearest ancestor that is there.
func place(src []byte, path string) (line, col int) {
	f, err := parser.ParseBytes(src, 0)
	if err != nil {
		return 1, 1
	}
	for path != "" {
		if p, err := yaml.PathString("$." + path); err == nil {
			if n, err := p.FilterFile(f); err == nil && n != nil {
				return n.GetToken().Position.Line, n.GetToken().Position.Column
			}
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1, 1
}

const arylation = `# What to vary, what to find, how to do it, how much it may cost.
athanor: campaign/1
title: Direct arylation, highest yield
description: Which base, temperature and concentration give the most product?
space:
  parameters:
    - {name: base, type: categorical, levels: [KOAc, KOPiv, CsOAc, CsOPiv]}
    - {name: temperature, type: continuous, min: 90, max: 120, unit: Cel}
    - {name: concentration, type: continuous, min: 0.05, max: 0.16, unit: mol/L}
  constraints:
    - {expr: "temperature < 110.0 || base != 'KOAc'", why: "acetate foams above 110 °C"}
objectives:
  - {name: yield, direction: maximize, unit: "%"}
protocol:
  samples: [{name: vial, container: vial-20mL}]
  steps:
    - {id: dose, capability: liquid-handler, command: dispense, sample: vial}
    - {id: in, capability: mobile-robot, command: transfer, sample: vial, from: dose, to: heat, after: [dose]}
    - {id: heat, capability: heater, command: hold, sample: vial, after: [in]}
    - {id: look, capability: hplc, command: measure, sample: vial, after: [heat]}
  observe:
    - {objective: yield, expr: "steps.look.area / steps.look.standard_area * 100.0"}
plan: {planner: auto, batch: 2, in_flight: 4}
budget: {experiments: 24}
safety: {approve: never, on_in_doubt: ask, on_failure: {retry: 1, then: skip}}
seed: 7
`

// Examples are the documents that the page offers.
func Examples() []api.Example {
	two := strings.Replace(arylation, "highest yield", "highest yield at low cost", 1)
	two = strings.Replace(two, "unit: \"%\"}\n", "unit: \"%\"}\n  - {name: cost, direction: minimize, unit: EUR/mol}\n", 1)
	two = strings.Replace(two, "* 100.0\"}\n", "* 100.0\"}\n    - {objective: cost, expr: \"12.0 / concentration\"}\n", 1)
	return []api.Example{
		{Name: "direct-arylation", Title: "One objective: highest yield", Format: api.YAML, Source: arylation},
		{Name: "yield-and-cost", Title: "Two objectives: yield and cost", Format: api.YAML, Source: two},
	}
}

func writeCSV(c *campaign, w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("number,state")
	for _, p := range c.Document.Space.Parameters {
		fmt.Fprintf(&b, ",%s", p.Name)
	}
	for _, o := range c.Document.Objectives {
		fmt.Fprintf(&b, ",%s", o.Name)
	}
	b.WriteByte('\n')
	for _, e := range c.exps {
		fmt.Fprintf(&b, "%d,%s", e.Outcome.Proposal.Number, e.State)
		for _, s := range e.Outcome.Proposal.Settings {
			fmt.Fprintf(&b, ",%s", s.Value)
		}
		for _, m := range e.Outcome.Observed {
			fmt.Fprintf(&b, ",%g", m.Value)
		}
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err //nolint:wrapcheck // a test's writer
}
