package dataset

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Column is one column of the CSV export.
type Column struct {
	Name string   `json:"name"` // as in the header, with the unit in brackets
	Unit lab.Unit `json:"unit,omitempty"`
	Type string   `json:"type"` // "integer", "number", "text" or "time"
	Says string   `json:"says"`
	// Run marks what differs between two runs of one campaign.
	Run bool `json:"run,omitempty"`

	cell func(lab.Outcome) string
}

// Columns returns the columns of the campaign's CSV export, in order. Those
// with Run set are last.
func Columns(d lab.Document) []Column {
	var cs []Column
	add := func(name string, u lab.Unit, kind, says string, cell func(lab.Outcome) string) {
		if u != "" {
			name += " [" + string(u) + "]"
		}
		if kind == "text" {
			text := cell
			cell = func(o lab.Outcome) string { return Harmless(text(o)) }
		}
		cs = append(cs, Column{Name: Harmless(name), Unit: u, Type: kind, Says: says, cell: cell})
	}
	add("number", "", "integer", "of the experiment in the campaign, from 1", func(o lab.Outcome) string { return strconv.Itoa(o.Proposal.Number) })
	add("state", "", "text", "succeeded, failed or cancelled; only a succeeded one has observations", func(o lab.Outcome) string { return string(o.State) })
	for _, p := range d.Space.Parameters {
		addSetting(p, add)
	}
	for _, objective := range d.Objectives {
		addObjective(objective, add)
	}
	add("acquisition", "", "text", "the rule that weighed the candidates", func(o lab.Outcome) string {
		if o.Proposal.Acquisition == nil {
			return ""
		}
		return o.Proposal.Acquisition.Name
	})
	add("acquisition.value", "", "number", "what the candidate was worth by it", func(o lab.Outcome) string {
		if o.Proposal.Acquisition == nil {
			return ""
		}
		return number(o.Proposal.Acquisition.Value)
	})
	add("reason", "", "text", "why this experiment was made", func(o lab.Outcome) string { return o.Proposal.Reason })
	failure := func(get func(*lab.Failure) string) func(lab.Outcome) string {
		return func(o lab.Outcome) string {
			if o.Failure == nil {
				return ""
			}
			return get(o.Failure)
		}
	}
	add("failure.step", "", "text", "where it went wrong", failure(func(f *lab.Failure) string { return f.Step }))
	add("failure.code", "", "text", "what went wrong", failure(func(f *lab.Failure) string { return f.Code }))
	add("failure.message", "", "text", "what went wrong, in words", failure(func(f *lab.Failure) string { return f.Message }))
	run := len(cs)
	add("failure.device", "", "text", "which device went wrong", failure(func(f *lab.Failure) string { return f.Device }))
	add("experiment_id", "", "text", "of the experiment", func(o lab.Outcome) string { return o.Proposal.ExperimentID.String() })
	add("campaign_id", "", "text", "of the campaign", func(o lab.Outcome) string { return o.Proposal.CampaignID.String() })
	add("plan_id", "", "text", "of the plan that asked for it", func(o lab.Outcome) string { return o.Proposal.PlanID.String() })
	add("started_at", "", "time", "UTC", func(o lab.Outcome) string { return instant(o.StartedAt) })
	add("finished_at", "", "time", "UTC", func(o lab.Outcome) string { return instant(o.FinishedAt) })
	for i := run; i < len(cs); i++ {
		cs[i].Run = true
	}
	return cs
}

type adder = func(name string, u lab.Unit, kind, says string, cell func(lab.Outcome) string)

func addSetting(p lab.Parameter, add adder) {
	value := func(o lab.Outcome) lab.Value {
		for _, s := range o.Proposal.Settings {
			if s.Name == p.Name {
				return s.Value
			}
		}
		return lab.Value{}
	}
	switch p.Type {
	case lab.Composition:
		for i, part := range p.Parts {
			u := p.Unit
			if u == "" {
				u = "1"
			}
			add("setting."+p.Name+"."+part, u, "number", "fraction of "+part+" chosen", func(o lab.Outcome) string {
				if parts := value(o).Parts(); i < len(parts) {
					return number(parts[i])
				}
				return ""
			})
		}
	case lab.Categorical:
		add("setting."+p.Name, p.Unit, "text", "level chosen", func(o lab.Outcome) string { return exact(value(o)) })
	default:
		add("setting."+p.Name, p.Unit, "number", "value chosen", func(o lab.Outcome) string {
			if v := value(o); v.Kind() == lab.IsNumber {
				return number(v.Number())
			}
			return ""
		})
	}
}

func addObjective(objective lab.Objective, add adder) {
	predicted := func(get func(lab.Prediction) float64) func(lab.Outcome) string {
		return func(o lab.Outcome) string {
			for _, p := range o.Proposal.Predictions {
				if p.Objective == objective.Name {
					return number(get(p))
				}
			}
			return ""
		}
	}
	name, u := objective.Name, objective.Unit
	add("predicted."+name+".mean", u, "number", "expected before the experiment", predicted(func(p lab.Prediction) float64 { return p.Mean }))
	add("predicted."+name+".sigma", u, "number", "standard deviation of that", predicted(func(p lab.Prediction) float64 { return p.Sigma }))
	add("predicted."+name+".low", u, "number", "lower end of the 95 % interval of an observation", predicted(func(p lab.Prediction) float64 { return p.Low }))
	add("predicted."+name+".high", u, "number", "upper end of it", predicted(func(p lab.Prediction) float64 { return p.High }))
	observed := func(get func(lab.Measured) *float64) func(lab.Outcome) string {
		return func(o lab.Outcome) string {
			for _, m := range o.Observed {
				if m.Name == name {
					if x := get(m); x != nil {
						return number(*x)
					}
				}
			}
			return ""
		}
	}
	add("observed."+name, u, "number", "seen in the experiment", observed(func(m lab.Measured) *float64 { return &m.Value }))
	add("observed."+name+".sigma", u, "number", "standard deviation of that, where the instrument knows it", observed(func(m lab.Measured) *float64 { return m.Sigma }))
}

// ExportCSV writes the campaign to w as CSV by RFC 4180, a row to an
// experiment, by number. What the steps sent and measured is in the JSONL
// export only.
func ExportCSV(ctx context.Context, c lab.Campaign, each Each, w io.Writer) error {
	columns := Columns(c.Document)
	out := csv.NewWriter(w)
	out.UseCRLF = true
	record := make([]string, len(columns))
	for i, col := range columns {
		record[i] = col.Name
	}
	if err := out.Write(record); err != nil {
		return fmt.Errorf("export %s: %w", c.ID, err)
	}
	err := each(ctx, c.ID, func(o lab.Outcome) error {
		for i, col := range columns {
			record[i] = col.cell(o)
		}
		return out.Write(record)
	})
	if err != nil {
		return fmt.Errorf("export %s: %w", c.ID, err)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export %s: %w", c.ID, err)
	}
	return nil
}

// Harmless returns s so that no spreadsheet takes it for a formula: with an
// apostrophe in front when it begins like one.
func Harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
