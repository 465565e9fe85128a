package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// RowSchema names the form of [Row]; another form has another name.
const RowSchema = "outcome/1"

// Row is one line of the JSONL export. Every line of a campaign has every key,
// each always of one type or null, so that readers which take the columns from
// the first lines find them all. IDs and Clock differ between two runs of one
// campaign and stand last.
type Row struct {
	Schema   string           `json:"schema"`
	Campaign string           `json:"campaign"` // its title
	Number   int              `json:"number"`
	State    lab.OutcomeState `json:"state"`
	// Text tells the row in a sentence; the other fields say the same for
	// programs.
	Text      string               `json:"text"`
	Settings  Object[SettingCell]  `json:"settings"`  // by parameter
	Predicted Object[Predicted]    `json:"predicted"` // by objective, before the experiment
	Observed  Object[ObservedCell] `json:"observed"`  // by objective
	Failure   *RowFailure          `json:"failure"`   // what went wrong; never a bad result
	Decision  Decision             `json:"decision"`
	Steps     []RowStep            `json:"steps"`
	IDs       RowIDs               `json:"ids"`
	Clock     RowClock             `json:"clock"`
}

// SettingCell is the value chosen for a parameter.
type SettingCell struct {
	Value lab.Value `json:"value"`
	Unit  lab.Unit  `json:"unit"`
}

// Predicted is what the model expected; its numbers are null when there was no
// model yet.
type Predicted struct {
	Mean  *float64 `json:"mean"`
	Sigma *float64 `json:"sigma"`
	Low   *float64 `json:"low"` // of a 95 % interval
	High  *float64 `json:"high"`
	Unit  lab.Unit `json:"unit"`
}

// ObservedCell is what was seen; null when the experiment did not succeed.
type ObservedCell struct {
	Value *float64 `json:"value"`
	Sigma *float64 `json:"sigma"` // null when the instrument does not know
	Unit  lab.Unit `json:"unit"`
}

// RowFailure says what went wrong.
type RowFailure struct {
	Step    string `json:"step"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Decision is why the experiment was made.
type Decision struct {
	Reason      string           `json:"reason"`
	Acquisition *lab.Acquisition `json:"acquisition"`
	Nearest     []lab.Neighbour  `json:"nearest"`
	Losers      []Loser          `json:"losers"` // the best that were not chosen
	// Papers are those that moved it, the one that did most first; what they claim
	// is in the campaign's review.
	Papers []lab.Influence `json:"papers"`
}

// Loser is a candidate that was weighed and not chosen.
type Loser struct {
	Settings    Object[SettingCell] `json:"settings"`
	Predicted   Object[Predicted]   `json:"predicted"`
	Acquisition float64             `json:"acquisition"`
}

// RowStep is a step as it was done.
type RowStep struct {
	Step    string           `json:"step"`
	Intent  int              `json:"intent"`
	Command string           `json:"command"`
	State   lab.CommandState `json:"state"`
	Effect  lab.Effect       `json:"effect"`
	Code    string           `json:"code"`
	Error   string           `json:"error"`
	Params  []Cell           `json:"params"` // as they were sent
	Values  []Cell           `json:"values"` // as they were measured
}

// Cell is a named value of a device's own making: a number, a text, or anything
// else as JSON. Two of the three are null.
type Cell struct {
	Name   string       `json:"name"`
	Number *json.Number `json:"number"`
	Text   *string      `json:"text"`
	JSON   *string      `json:"json"`
	Unit   lab.Unit     `json:"unit"` // of the number; "" where nobody said
}

// RowIDs are the names of all that was involved.
type RowIDs struct {
	ExperimentID  lab.ExperimentID `json:"experiment_id"`
	CampaignID    lab.CampaignID   `json:"campaign_id"`
	PlanID        lab.PlanID       `json:"plan_id"`
	FailureDevice string           `json:"failure_device"`
	Steps         []StepIDs        `json:"steps"` // in the order of the row's steps
}

// StepIDs are the names of a step.
type StepIDs struct {
	CommandID lab.CommandID `json:"command_id"`
	Device    string        `json:"device"`
}

// RowClock is when it was done, in UTC.
type RowClock struct {
	StartedAt  time.Time   `json:"started_at"`
	FinishedAt time.Time   `json:"finished_at"`
	Steps      []StepClock `json:"steps"`
}

// StepClock is when a step was done.
type StepClock struct {
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// RowOf returns the row of an outcome of c.
func RowOf(c lab.Campaign, o lab.Outcome) (Row, error) {
	d, p := c.Document, o.Proposal
	r := Row{
		Schema: RowSchema, Campaign: d.Title, Number: p.Number, State: o.State, Text: textOf(c, o),
		Settings:  settingsOf(d, p.Settings),
		Predicted: predictedOf(d, p.Predictions),
		Decision:  Decision{Reason: p.Reason, Acquisition: p.Acquisition, Nearest: append([]lab.Neighbour{}, p.Nearest...), Losers: []Loser{}, Papers: append([]lab.Influence{}, p.Influences...)},
		Observed:  Object[ObservedCell]{},
		Steps:     []RowStep{},
		IDs:       RowIDs{ExperimentID: p.ExperimentID, CampaignID: p.CampaignID, PlanID: p.PlanID, Steps: []StepIDs{}},
		Clock:     RowClock{StartedAt: o.StartedAt.UTC(), FinishedAt: o.FinishedAt.UTC(), Steps: []StepClock{}},
	}
	for _, objective := range d.Objectives {
		cell := ObservedCell{Unit: objective.Unit}
		for _, m := range o.Observed {
			if m.Name == objective.Name {
				cell = ObservedCell{Value: &m.Value, Sigma: m.Sigma, Unit: m.Unit}
			}
		}
		r.Observed = append(r.Observed, Member[ObservedCell]{objective.Name, cell})
	}
	for _, l := range p.Losers {
		r.Decision.Losers = append(r.Decision.Losers, Loser{settingsOf(d, l.Settings), predictedOf(d, l.Predictions), l.Acquisition})
	}
	if f := o.Failure; f != nil {
		r.Failure = &RowFailure{f.Step, f.Code, f.Message}
		r.IDs.FailureDevice = f.Device
	}
	for _, s := range o.Steps {
		params, err := cellsOf(s.Params)
		if err != nil {
			return r, fmt.Errorf("params of step %s of experiment %d: %w", s.Step, p.Number, err)
		}
		values, err := cellsOf(s.Values)
		if err != nil {
			return r, fmt.Errorf("values of step %s of experiment %d: %w", s.Step, p.Number, err)
		}
		for _, u := range s.Units {
			cells := params
			if u.Of == "values" {
				cells = values
			}
			for i := range cells {
				if cells[i].Name == u.Name && cells[i].Number != nil {
					cells[i].Unit = u.Unit
				}
			}
		}
		r.Steps = append(r.Steps, RowStep{s.Step, s.Intent, s.Command, s.State, s.Effect, s.Code, s.Error, params, values})
		r.IDs.Steps = append(r.IDs.Steps, StepIDs{s.CommandID, s.Device})
		r.Clock.Steps = append(r.Clock.Steps, StepClock{s.StartedAt.UTC(), s.FinishedAt.UTC()})
	}
	return r, nil
}

// settingsOf returns a cell to every parameter, in the order of the space.
func settingsOf(d lab.Document, settings []lab.Setting) Object[SettingCell] {
	out := Object[SettingCell]{}
	for _, p := range d.Space.Parameters {
		cell := SettingCell{Unit: p.Unit}
		for _, s := range settings {
			if s.Name == p.Name {
				cell.Value = s.Value
				if s.Unit != "" {
					cell.Unit = s.Unit
				}
			}
		}
		out = append(out, Member[SettingCell]{p.Name, cell})
	}
	return out
}

func predictedOf(d lab.Document, predictions []lab.Prediction) Object[Predicted] {
	out := Object[Predicted]{}
	for _, objective := range d.Objectives {
		cell := Predicted{Unit: objective.Unit}
		for _, p := range predictions {
			if p.Objective == objective.Name {
				cell = Predicted{&p.Mean, &p.Sigma, &p.Low, &p.High, p.Unit}
			}
		}
		out = append(out, Member[Predicted]{objective.Name, cell})
	}
	return out
}

// cellsOf returns the members of a JSON object by name: their own order is none
// of the record.
func cellsOf(raw json.RawMessage) ([]Cell, error) {
	cells := []Cell{}
	if len(raw) == 0 || string(raw) == "null" {
		return cells, nil
	}
	var object Object[json.RawMessage]
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	for _, m := range object {
		cell := Cell{Name: m.Name}
		switch c := m.Value[0]; {
		case c == '"':
			if err := json.Unmarshal(m.Value, &cell.Text); err != nil {
				return nil, err
			}
		case c == '-' || '0' <= c && c <= '9':
			n := json.Number(m.Value)
			cell.Number = &n
		default:
			s, err := sorted(m.Value)
			if err != nil {
				return nil, err
			}
			cell.JSON = &s
		}
		cells = append(cells, cell)
	}
	slices.SortStableFunc(cells, func(a, b Cell) int { return strings.Compare(a.Name, b.Name) })
	return cells, nil
}

// sorted returns raw in the one form that equal JSON has.
func sorted(raw json.RawMessage) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// textOf tells an outcome in a sentence, numbers as exact as they are known.
func textOf(c lab.Campaign, o lab.Outcome) string {
	var did, saw []string
	for _, s := range o.Proposal.Settings {
		did = append(did, s.Name+" = "+exact(s.Value)+unit(s.Unit))
	}
	for _, m := range o.Observed {
		v := m.Name + " = " + number(m.Value)
		if m.Sigma != nil {
			v += " ± " + number(*m.Sigma)
		}
		v += unit(m.Unit)
		for _, p := range o.Proposal.Predictions {
			if p.Objective == m.Name {
				v += fmt.Sprintf(" (predicted %s to %s%s)", number(p.Low), number(p.High), unit(p.Unit))
			}
		}
		saw = append(saw, v)
	}
	text := fmt.Sprintf("Experiment %d of %q, with %s, ", o.Proposal.Number, c.Document.Title, strings.Join(did, ", "))
	switch {
	case o.State == lab.OutcomeSucceeded:
		return text + "gave " + strings.Join(saw, ", ") + "."
	case o.Failure != nil:
		if o.Failure.Step != "" {
			text += "in step " + strconv.Quote(o.Failure.Step) + " "
		}
		return text + "failed and gave no result: " + o.Failure.Message + " (" + o.Failure.Code + ")."
	default:
		return text + "was cancelled and gave no result."
	}
}

func exact(v lab.Value) string {
	switch v.Kind() {
	case lab.IsNumber:
		return number(v.Number())
	case lab.IsParts:
		s := make([]string, len(v.Parts()))
		for i, x := range v.Parts() {
			s[i] = number(x)
		}
		return strings.Join(s, ":")
	default:
		return v.Label()
	}
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func unit(u lab.Unit) string {
	if u == "" || u == "1" {
		return ""
	}
	return " " + string(u)
}
