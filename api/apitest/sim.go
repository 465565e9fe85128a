package apitest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// Tick lets one moment pass: running experiments come further, and campaigns
// with free places plan new ones.
func (l *Lab) Tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.campaigns {
		if c.progress.State != lab.Running && c.progress.State != lab.Paused {
			continue
		}
		running := 0
		for _, e := range c.exps {
			if e.State == api.ExperimentPlanned && c.progress.State == lab.Running {
				l.begin(c, e)
			}
			if e.State == api.ExperimentRunning {
				l.advance(c, e)
			}
			if e.State == api.ExperimentRunning || e.State == api.ExperimentInDoubt {
				running++
			}
		}
		l.planNext(c, running)
	}
}

func (l *Lab) planNext(c *campaign, running int) {
	d := c.Document
	free, left := max(1, d.Plan.InFlight)-running, d.Budget.Experiments-len(c.exps)
	switch {
	case c.progress.State != lab.Running || c.screening():
	case left <= 0 && running == 0:
		l.setState(c, lab.Completed, fmt.Sprintf("the budget of %d experiments is used", d.Budget.Experiments))
	case left > 0 && free >= min(max(1, d.Plan.Batch), left):
		p := l.propose(c, min(max(1, d.Plan.Batch), left))
		if d.Safety.Approve == "every-batch" || d.Safety.Approve == "first-batch" && p.Round == 1 {
			c.pending = &p
			l.setState(c, lab.AwaitingApproval, fmt.Sprintf("plan %d waits for approval", p.Round))
			return
		}
		l.adopt(c, p)
	}
}

func (l *Lab) adopt(c *campaign, p lab.Plan) {
	c.plans = append(c.plans, p)
	c.progress.Rounds = len(c.plans)
	for _, pr := range p.Proposals {
		c.exps = append(c.exps, &experiment{Experiment: api.Experiment{State: api.ExperimentPlanned, Outcome: lab.Outcome{Proposal: pr}}})
	}
	c.progress.Planned = len(c.exps)
	l.append(lab.EventPlan, c, 0, "", map[string]any{"plan_id": p.ID, "round": p.Round, "proposals": len(p.Proposals)})
	l.setState(c, c.progress.State, c.progress.Reason)
}

func (l *Lab) propose(c *campaign, n int) lab.Plan {
	round := len(c.plans) + 1
	p := lab.Plan{ID: lab.PlanIDOf(c.ID, round), CampaignID: c.ID, Round: round, Planner: "memory/1", BriefHash: fmt.Sprintf("%064x", round), Notes: []string{"a laboratory in memory draws around the best point"}}
	for i := range n {
		number := len(c.exps) + i + 1
		settings := l.draw(c, number)
		pr := lab.Proposal{ExperimentID: lab.ExperimentIDOf(c.ID, number), CampaignID: c.ID, PlanID: p.ID, Number: number, Settings: settings}
		if number <= 4 {
			pr.Reason = fmt.Sprintf("Point %d of a space-filling start: there is no model yet.", number)
		} else {
			l.predict(c, &pr)
		}
		lean(c, &pr)
		p.Proposals = append(p.Proposals, pr)
	}
	diagnose(c, &p)
	return p
}

func (l *Lab) predict(c *campaign, pr *lab.Proposal) {
	o := c.Document.Objectives
	for k := range o {
		sigma := 2 + 14*math.Exp(-float64(pr.Number)/12)
		mean := truth(c.Document.Space, pr.Settings, k) + l.rng.NormFloat64()*sigma
		pr.Predictions = append(pr.Predictions, lab.Prediction{Objective: o[k].Name, Mean: mean, Sigma: sigma, Low: mean - 1.96*sigma, High: mean + 1.96*sigma, Unit: o[k].Unit, Models: []string{"estimator@3"}})
	}
	ei := math.Abs(l.rng.NormFloat64()) * 3
	pr.Acquisition = &lab.Acquisition{Name: "log expected improvement", Value: math.Log(ei + 1e-3)}
	pr.Reason = fmt.Sprintf("Expected to improve %s by %.2g %s over the best so far; most like experiment %d, where the model is still unsure.", o[0].Name, ei, o[0].Unit, max(1, pr.Number-3))
	for k := 1; k <= 3; k++ {
		pr.Nearest = append(pr.Nearest, lab.Neighbour{Number: max(1, pr.Number-2*k), Distance: 0.07 * float64(k)})
		pr.Losers = append(pr.Losers, lab.Candidate{Settings: l.draw(c, pr.Number), Acquisition: pr.Acquisition.Value - 0.2*float64(k)})
	}
}

// draw picks settings: anywhere at first, then nearer to the best.
func (l *Lab) draw(c *campaign, number int) []lab.Setting {
	width := math.Max(0.08, math.Exp(-float64(number-4)/14))
	var out []lab.Setting
	for i, p := range c.Document.Space.Parameters {
		target := centre(i, 0)
		u := math.Mod(math.Abs(target+(l.rng.Float64()-0.5)*2*width), 1)
		s := lab.Setting{Name: p.Name, Unit: p.Unit}
		switch p.Type {
		case lab.Categorical:
			s.Value = lab.Label(p.Levels[int(u*float64(len(p.Levels)))%len(p.Levels)])
		case lab.Discrete:
			s.Value = lab.Number(p.Values[int(u*float64(len(p.Values)))%len(p.Values)])
		case lab.Composition:
			parts := make([]float64, len(p.Parts))
			for j := range parts {
				parts[j] = 1 / float64(len(parts))
			}
			s.Value = lab.Parts(parts)
		case lab.Integer:
			s.Value = lab.Number(math.Round(*p.Min + u*(*p.Max-*p.Min)))
		default:
			s.Value = lab.Number(math.Round((*p.Min+u*(*p.Max-*p.Min))*100) / 100)
		}
		out = append(out, s)
	}
	return out
}

func centre(i, objective int) float64 { return 0.35 + 0.13*float64(i%4) + 0.12*float64(objective) }

// truth is a smooth hill for each objective, a little apart from the others'.
func truth(space lab.Space, settings []lab.Setting, objective int) float64 {
	sum := 0.0
	for i, p := range space.Parameters {
		u := 0.5
		switch v := settings[i].Value; {
		case v.Kind() == lab.IsNumber && p.Min != nil && p.Max != nil:
			u = (v.Number() - *p.Min) / (*p.Max - *p.Min)
		case v.Kind() == lab.IsNumber && len(p.Values) > 1:
			u = (v.Number() - p.Values[0]) / (p.Values[len(p.Values)-1] - p.Values[0])
		case v.Kind() == lab.IsLabel:
			h := fnv.New32a()
			_, _ = h.Write([]byte(v.Label()))
			u = float64(h.Sum32()%100) / 100
		}
		sum += (u - centre(i, objective)) * (u - centre(i, objective))
	}
	if objective == 1 { // better where the other is worse
		return 5 + 22*math.Exp(-3*sum) + 9*sum
	}
	return 92 * math.Exp(-2.5*sum)
}

func (l *Lab) begin(c *campaign, e *experiment) {
	e.State, e.Outcome.StartedAt = api.ExperimentRunning, l.clock().UTC()
	l.append(lab.EventExperiment, c, e.Outcome.Proposal.Number, "", map[string]any{"state": "started"})
}

// advance works on the step that an experiment is at.
func (l *Lab) advance(c *campaign, e *experiment) {
	steps, n := c.Document.Protocol.Steps, e.Outcome.Proposal.Number
	s := steps[e.step]
	d := l.devices[e.step%4]
	if l.stopped || d.Op == "stopped" || d.Experiment != nil && *d.Experiment != e.Outcome.Proposal.ExperimentID {
		return // waits for its device
	}
	id := lab.CommandIDOf(e.Outcome.Proposal.ExperimentID, s.ID, 1, 1)
	if e.progress == 0 {
		e.Outcome.Steps = append(e.Outcome.Steps, lab.StepRecord{
			Step: s.ID, Intent: 1, CommandID: id, Device: d.ID, Command: s.Command,
			Params: json.RawMessage(`{"target": 104.5, "time": 3600}`), State: lab.CommandRunning, Effect: lab.EffectNone, StartedAt: l.clock().UTC(),
		})
		exp, camp := e.Outcome.Proposal.ExperimentID, c.ID
		d.Op, d.Experiment, d.Campaign, d.Number = "busy", &exp, &camp, n
	}
	e.progress += 0.25 + 0.3*l.rng.Float64()
	rec := &e.Outcome.Steps[len(e.Outcome.Steps)-1]
	if e.progress < 1 {
		d.Active = []lab.ActiveCommand{{ID: id.UUID(), Name: s.Command, State: lab.CommandRunning, Progress: e.progress}}
		l.tellDevice(d, c)
		l.append(lab.EventCommand, c, n, d.ID, map[string]any{"command_id": id, "step": s.ID, "name": s.Command, "state": "running", "progress": e.progress})
		return
	}
	rec.State, rec.Effect, rec.FinishedAt = lab.CommandDone, lab.EffectComplete, l.clock().UTC()
	if e.step == len(steps)-1 {
		rec.Values = json.RawMessage(fmt.Sprintf(`{"area": %.1f, "standard_area": 1520.4}`, 900+300*l.rng.Float64()))
	}
	l.append(lab.EventCommand, c, n, d.ID, map[string]any{"command_id": id, "step": s.ID, "name": s.Command, "state": "done", "progress": 1})
	d.Op, d.Active, d.Experiment, d.Campaign, d.Number = "idle", nil, nil, nil, 0
	l.tellDevice(d, c)
	e.step, e.progress = e.step+1, 0
	switch {
	case e.step == 3 && n%13 == 0:
		l.fail(c, e, "heater_timeout", "the heater did not reach 104.5 °C within 600 s")
	case e.step == len(steps):
		l.finish(c, e)
	}
}

func (l *Lab) tellDevice(d *lab.Device, c *campaign) {
	d.SeenAt = l.clock().UTC()
	l.append(lab.EventDevice, c, d.Number, d.ID, copyOf(d))
}

func (l *Lab) fail(c *campaign, e *experiment, code, message string) {
	e.State, e.Outcome.State, e.Outcome.FinishedAt = api.ExperimentFailed, lab.OutcomeFailed, l.clock().UTC()
	last := &e.Outcome.Steps[len(e.Outcome.Steps)-1]
	last.State, last.Code, last.Error, last.Effect = lab.CommandFailed, code, message, lab.EffectPartial
	e.Outcome.Failure = &lab.Failure{Step: last.Step, Device: last.Device, Code: code, Message: message}
	c.progress.Done++
	c.progress.Failures++
	l.append(lab.EventExperiment, c, e.Outcome.Proposal.Number, "", map[string]any{"state": "failed"})
	l.setState(c, c.progress.State, c.progress.Reason)
}

func (l *Lab) finish(c *campaign, e *experiment) {
	p := e.Outcome.Proposal
	e.State, e.Outcome.State, e.Outcome.FinishedAt = api.ExperimentSucceeded, lab.OutcomeSucceeded, l.clock().UTC()
	for k, o := range c.Document.Objectives {
		sigma := 0.8
		y := truth(c.Document.Space, p.Settings, k) + sigma*l.rng.NormFloat64()
		e.Outcome.Observed = append(e.Outcome.Observed, lab.Measured{Name: o.Name, Value: y, Sigma: &sigma, Unit: o.Unit})
		l.improve(c, o, y, p)
	}
	c.progress.Done++
	l.append(lab.EventExperiment, c, p.Number, "", map[string]any{"state": "succeeded"})
	l.setState(c, c.progress.State, c.progress.Reason)
}

func (l *Lab) improve(c *campaign, o lab.Objective, y float64, p lab.Proposal) {
	b := lab.Best{Objective: o.Name, Value: y, Unit: o.Unit, Experiment: p.ExperimentID, Number: p.Number}
	best := append([]lab.Best(nil), c.progress.Best...) // others may be reading the old one
	for i := range best {
		if best[i].Objective == o.Name {
			if o.Direction.Better(y, best[i].Value) {
				best[i] = b
			}
			c.progress.Best = best
			return
		}
	}
	best = append(best, b)
	c.progress.Best = best
}

// Doubt puts the newest running experiment of a campaign in doubt.
func (l *Lab) Doubt(id lab.CampaignID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.find(id)
	if err != nil || c.doubt != nil {
		return false
	}
	for _, e := range c.exps {
		if e.State != api.ExperimentRunning || len(e.Outcome.Steps) == 0 {
			continue
		}
		e.State = api.ExperimentInDoubt
		l.free(c)
		rec, p := e.Outcome.Steps[len(e.Outcome.Steps)-1], e.Outcome.Proposal
		cmd := lab.Command{
			ID: rec.CommandID, CampaignID: id, ExperimentID: p.ExperimentID, Number: p.Number, Step: rec.Step, Intent: 1, Part: 1, Device: rec.Device,
			Epoch: 4, Name: rec.Command, Params: rec.Params, TimeoutS: 600, Deadline: l.clock().Add(time.Minute),
		}
		c.doubt = &api.Question{Campaign: id, Title: c.Document.Title, Since: l.clock().UTC(), Doubt: &api.Doubt{Command: cmd, Reason: "the device restarted while the command was running and cannot tell whether it ended"}}
		l.append(lab.EventExperiment, c, p.Number, rec.Device, map[string]any{"state": "in_doubt"})
		return true
	}
	return false
}
