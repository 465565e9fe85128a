package tasks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

func (m *Maker) predict(e dataset.Experiment, _ string) []Task {
	if !succeeded(e) {
		return nil
	}
	return []Task{{
		Template:   PredictOutcome,
		Prompt:     m.question(e) + "\nSettings: " + settings(e) + "\nWhat will be observed? Give each quantity with its unit, and its standard deviation where it is known.",
		Completion: seen(e),
	}}
}

func (m *Maker) propose(e dataset.Experiment, part string) []Task {
	d, ok := m.Campaigns[m.campaign]
	if !ok || e.Decision.Reason == "" || part == "excluded" {
		return nil
	}
	known := m.known(e, part)
	return []Task{{
		Template:   ProposeNext,
		Prompt:     m.question(e) + "\nSpace: " + space(d) + "\n" + history(known) + "\nPropose the next experiment, and say why.",
		Completion: "set " + settings(e) + "\nwhy " + e.Decision.Reason,
	}}
}

// history tells the latest of what is known, a line to an experiment.
func history(known []*dataset.Experiment) string {
	if len(known) == 0 {
		return "Nothing is known yet."
	}
	lines := []string{fmt.Sprintf("%d experiments are known; the latest:", len(known))}
	for _, k := range known[max(0, len(known)-shownPast):] {
		line := settings(*k) + " -> "
		switch {
		case succeeded(*k):
			line += seen(*k)
		case k.Failure != nil:
			line += "failed: " + k.Failure.Code
		default:
			line += string(k.Class)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (m *Maker) explain(e dataset.Experiment, _ string) []Task {
	if e.Class != dataset.Failed || e.Failure == nil {
		return nil
	}
	card := text.CardOf(e)
	f := e.Failure
	at := f.Step
	if at == "" {
		at = "the whole experiment"
	}
	return []Task{{
		Template:   ExplainFailure,
		Prompt:     m.question(e) + "\nSettings: " + settings(e) + "\nSteps as they went:\n" + do(card.Did, true) + "\nThe experiment failed. What went wrong, where, and is it the laboratory's fault or nature's answer?",
		Completion: fmt.Sprintf("cause: %s\ncode: %s\nwhere: %s\nwhat: %s\nThis is a failure of ours and says nothing of the chemistry.", dataset.CauseOf(f.Code), f.Code, at, strings.Join(strings.Fields(f.Message), " ")),
	}}
}

func (m *Maker) protocol(e dataset.Experiment, _ string) []Task {
	if !succeeded(e) || len(e.Steps) == 0 {
		return nil
	}
	return []Task{{
		Template:   WriteProtocol,
		Prompt:     m.question(e) + "\nSettings: " + settings(e) + "\nWrite the protocol as steps of devices, one to a line: do STEP(COMMAND): parameter value unit; …",
		Completion: do(text.CardOf(e).Did, false),
	}}
}

// rank asks which of two is better: e and the latest one of its part that it
// differs from by more than the noise.
func (m *Maker) rank(e dataset.Experiment, part string) []Task {
	other, o, better, ok := m.rival(e, part)
	if !ok {
		return nil
	}
	first, second, answer := other, e, "B"
	if !better {
		answer = "A"
	}
	return []Task{{
		Template:   RankPair,
		Experiment: other.IDs.ExperimentID.String() + " " + e.IDs.ExperimentID.String(),
		Prompt:     fmt.Sprintf("%s\nA: %s\nB: %s\nWhich has the better %s (%s)? Answer A or B.", m.question(e), settings(first), settings(second), o.Name, o.Direction),
		Completion: answer,
	}}
}

// rival returns the latest experiment of the part that differs from e in the
// first objective by more than twice the noise of both, and whether e is better.
func (m *Maker) rival(e dataset.Experiment, part string) (other dataset.Experiment, o lab.Objective, better, ok bool) {
	d, known := m.Campaigns[m.campaign]
	if !known || len(d.Objectives) == 0 || !succeeded(e) || part == "excluded" {
		return other, o, false, false
	}
	o = d.Objectives[0]
	mine, _ := e.Observed.Get(o.Name)
	if mine.Value == nil {
		return other, o, false, false
	}
	for _, p := range slices.Backward(m.past) {
		theirs, _ := p.e.Observed.Get(o.Name)
		if p.part != part || !succeeded(*p.e) || theirs.Value == nil || theirs.Unit != mine.Unit {
			continue
		}
		if gap := *mine.Value - *theirs.Value; gap*gap > 4*(variance(mine)+variance(theirs)) {
			return *p.e, o, o.Direction.Better(*mine.Value, *theirs.Value), true
		}
	}
	return other, o, false, false
}

// variance is that of an observation; where the instrument knows none, a
// hundredth of the value stands for its standard deviation.
func variance(o dataset.ObservedCell) float64 {
	s := *o.Value / 100
	if o.Sigma != nil {
		s = *o.Sigma
	}
	return s * s
}

// forecast asks for the probability of beating what is best so far.
func (m *Maker) forecast(e dataset.Experiment, part string) []Task {
	d, ok := m.Campaigns[m.campaign]
	if !ok || !succeeded(e) || len(d.Objectives) == 0 || part == "excluded" {
		return nil
	}
	o := d.Objectives[0]
	mine, _ := e.Observed.Get(o.Name)
	var best *float64
	for _, k := range m.known(e, part) {
		if c, _ := k.Observed.Get(o.Name); succeeded(*k) && c.Value != nil && (best == nil || o.Direction.Better(*c.Value, *best)) {
			best = c.Value
		}
	}
	if best == nil || mine.Value == nil {
		return nil
	}
	answer := "0"
	if o.Direction.Better(*mine.Value, *best) {
		answer = "1"
	}
	return []Task{{
		Template:   Forecast,
		Prompt:     fmt.Sprintf("%s\nSettings: %s\nThe best %s known so far is %s%s. Give the probability, from 0 to 1, that this experiment beats it.", m.question(e), settings(e), o.Name, text.Short(*best), inBlank(o.Unit)),
		Completion: answer,
	}}
}

func (m *Maker) extract(e dataset.Experiment, _ string) []Task {
	raw := rawOf(e)
	if !succeeded(e) || raw == "" {
		return nil
	}
	return []Task{{
		Template:   ExtractRaw,
		Prompt:     m.question(e) + "\nThe devices answered, a line to a step:\n" + raw + "\nState what was observed, each quantity with its unit.",
		Completion: seen(e),
	}}
}

// next asks for the step that follows those done, as a call.
func (m *Maker) next(e dataset.Experiment, _ string) []Task {
	if !succeeded(e) || len(e.Steps) < 2 {
		return nil
	}
	did := text.CardOf(e).Did
	at := e.Number % (len(did) - 1) // another place in every experiment
	call := do(did[at+1:at+2], false)
	return []Task{{
		Template:   NextStep,
		Prompt:     m.question(e) + "\nSettings: " + settings(e) + "\nDone so far:\n" + do(did[:at+1], true) + "\nWrite the next step: do STEP(COMMAND): parameter value unit; …",
		Completion: call,
	}}
}

// maxSeries bounds the characters of an array in a prompt.
const maxSeries = 4096

func (m *Maker) series(e dataset.Experiment, _ string) []Task {
	var out []Task
	for _, s := range e.Steps {
		for _, c := range s.Values {
			if c.JSON == nil || len(*c.JSON) > maxSeries {
				continue
			}
			if sum, ok := text.Summarise(*c.JSON); ok {
				out = append(out, Task{
					Template:   SummariseSeries,
					Prompt:     fmt.Sprintf("Step %s (%s) recorded %s:\n%s\nSummarise it: length, ends, extrema with their places, mean, slope, peaks, and the error of the summary.", s.Step, s.Command, c.Name, *c.JSON),
					Completion: sum.String(),
				})
			}
		}
	}
	return out
}

// literature sets what a paper claims against what came of an experiment at its
// place: confirmed when it is better than the middle of what was known.
func (m *Maker) literature(e dataset.Experiment, part string) []Task {
	d, ok := m.Campaigns[m.campaign]
	if !ok || !succeeded(e) || len(d.Objectives) == 0 || part == "excluded" {
		return nil
	}
	var out []Task
	for _, u := range e.Record.Evidence {
		o := d.Objectives[0]
		for _, other := range d.Objectives {
			if other.Name == u.Objective {
				o = other
			}
		}
		mine, _ := e.Observed.Get(o.Name)
		middle, known := median(m.known(e, part), o.Name)
		if u.Quote == "" || mine.Value == nil || !known || !at(e, u, d) {
			continue
		}
		verdict := "contradicted"
		if o.Direction.Better(*mine.Value, middle) {
			verdict = "confirmed"
		}
		out = append(out, Task{
			Template:   LiteratureResult,
			Prompt:     fmt.Sprintf("%s\nA paper (%s) says: %q\nAn experiment at its place, %s, gave %s; the middle of what was known is %s%s. Is the claim confirmed or contradicted?", m.question(e), u.Title, u.Quote, settings(e), seen(e), text.Short(middle), inBlank(o.Unit)),
			Completion: verdict,
		})
	}
	return out
}

// at reports whether an experiment was made where a paper claims something: the
// same labels, and numbers within a tenth of their range.
func at(e dataset.Experiment, u dataset.EvidenceUse, d lab.Document) bool {
	for _, c := range u.Claim {
		mine, ok := e.Settings.Get(c.Name)
		i := slices.IndexFunc(d.Space.Parameters, func(p lab.Parameter) bool { return p.Name == c.Name })
		if !ok || i < 0 || mine.Value.Kind() != c.Value.Value.Kind() {
			return false
		}
		switch p := d.Space.Parameters[i]; mine.Value.Kind() {
		case lab.IsNumber:
			span := 0.0
			if p.Min != nil && p.Max != nil {
				span = *p.Max - *p.Min
			} else if len(p.Values) > 0 {
				span = slices.Max(p.Values) - slices.Min(p.Values)
			}
			if gap := mine.Value.Number() - c.Value.Value.Number(); gap > span/10 || gap < -span/10 || mine.Unit != c.Value.Unit && c.Value.Unit != "" {
				return false
			}
		default:
			if !mine.Value.Equal(c.Value.Value) {
				return false
			}
		}
	}
	return len(u.Claim) > 0
}

func median(known []*dataset.Experiment, objective string) (float64, bool) {
	var all []float64
	for _, k := range known {
		if c, _ := k.Observed.Get(objective); succeeded(*k) && c.Value != nil {
			all = append(all, *c.Value)
		}
	}
	if len(all) < 3 {
		return 0, false
	}
	slices.Sort(all)
	return all[len(all)/2], true
}
