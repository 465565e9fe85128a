package tasks

import (
	"math"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

// Pair is two proposals of which the first had the better outcome, by more than
// twice the noise.
type Pair struct {
	Prompt     string  `json:"prompt"`
	Chosen     string  `json:"chosen"`
	Rejected   string  `json:"rejected"`
	Objective  string  `json:"objective"`
	Gap        float64 `json:"gap"` // in Unit, above 0
	Unit       string  `json:"unit"`
	Experiment string  `json:"experiment"`
	Campaign   string  `json:"campaign"`
	Part       string  `json:"part"`
}

// Labelled is a proposal with whether it beat the middle of what was known.
type Labelled struct {
	Prompt     string `json:"prompt"`
	Completion string `json:"completion"`
	Label      bool   `json:"label"`
	Experiment string `json:"experiment"`
	Campaign   string `json:"campaign"`
	Part       string `json:"part"`
}

// Stepwise is a protocol with whether each step of it was carried out.
type Stepwise struct {
	Prompt      string   `json:"prompt"`
	Completions []string `json:"completions"`
	Labels      []bool   `json:"labels"`
	Experiment  string   `json:"experiment"`
	Campaign    string   `json:"campaign"`
	Part        string   `json:"part"`
}

// Reward is a prompt with the number that nature gave, to score answers by: an
// answer x earns exp(-((x-target)/scale)²/2).
type Reward struct {
	Prompt     string  `json:"prompt"`
	Kind       string  `json:"reward_kind"` // "gaussian"
	Objective  string  `json:"objective"`
	Target     float64 `json:"target"`
	Sigma      float64 `json:"sigma"` // of the measurement; 0 where it is not known
	SigmaKnown bool    `json:"sigma_known"`
	Scale      float64 `json:"scale"` // of the reward: twice sigma, at least a fiftieth of the target
	Unit       string  `json:"unit"`
	Experiment string  `json:"experiment"`
	Campaign   string  `json:"campaign"`
	Part       string  `json:"part"`
}

// Calibration is what a model said before a run and what came of it.
type Calibration struct {
	Experiment string  `json:"experiment"`
	Campaign   string  `json:"campaign"`
	Objective  string  `json:"objective"`
	Planner    string  `json:"planner"`
	Unit       string  `json:"unit"`
	Mean       float64 `json:"mean"`
	Low        float64 `json:"low"` // of 95 % of observations
	High       float64 `json:"high"`
	Value      float64 `json:"value"`
	Inside     bool    `json:"inside"` // of the interval
	Z          float64 `json:"z"`      // (value - mean) in predicted standard deviations
	CRPS       float64 `json:"crps"`   // in Unit
	LogScore   float64 `json:"log_score"`
	Standing   string  `json:"commitment"` // "before_the_run", "late" or "none"
	Hash       string  `json:"commitment_hash"`
	Part       string  `json:"part"`
}

// Learned is what an experiment gives besides tasks.
type Learned struct {
	Pairs        []Pair
	Labelled     []Labelled
	Stepwise     []Stepwise
	Rewards      []Reward
	Calibrations []Calibration
}

// Learn returns what e gives besides [Maker.Add], which is called after it.
func (m *Maker) Learn(e dataset.Experiment, part string) Learned {
	var l Learned
	if id := e.IDs.CampaignID.String(); id != m.campaign {
		m.campaign, m.past = id, m.past[:0]
	}
	id := e.IDs.ExperimentID.String()
	if e.Class == dataset.Invalidated || part == "excluded" {
		return l
	}
	d, has := m.Campaigns[m.campaign]
	prompt := m.question(e) + "\nPropose settings."
	if has {
		prompt = m.question(e) + "\nSpace: " + space(d) + "\nPropose settings."
	}
	if other, o, better, ok := m.rival(e, part); ok {
		mine, _ := e.Observed.Get(o.Name)
		theirs, _ := other.Observed.Get(o.Name)
		p := Pair{prompt, "set " + settings(e), "set " + settings(other), o.Name, math.Abs(*mine.Value - *theirs.Value), string(o.Unit), id + " " + other.IDs.ExperimentID.String(), m.campaign, part}
		if !better {
			p.Chosen, p.Rejected = p.Rejected, p.Chosen
		}
		l.Pairs = append(l.Pairs, p)
	}
	if has && succeeded(e) && len(d.Objectives) > 0 {
		o := d.Objectives[0]
		mine, _ := e.Observed.Get(o.Name)
		if middle, ok := median(m.known(e, part), o.Name); ok && mine.Value != nil {
			l.Labelled = append(l.Labelled, Labelled{prompt, "set " + settings(e), o.Direction.Better(*mine.Value, middle), id, m.campaign, part})
		}
	}
	if len(e.Steps) > 0 {
		s := Stepwise{m.question(e) + "\nSettings: " + settings(e) + "\nWrite the protocol step by step.", []string{}, []bool{}, id, m.campaign, part}
		for i, step := range text.CardOf(e).Did {
			s.Completions = append(s.Completions, do([]text.Step{step}, false))
			s.Labels = append(s.Labels, e.Steps[i].State == lab.CommandDone)
		}
		l.Stepwise = append(l.Stepwise, s)
	}
	if succeeded(e) {
		m.scored(&l, e, part)
	}
	return l
}

func (m *Maker) scored(l *Learned, e dataset.Experiment, part string) {
	id := e.IDs.ExperimentID.String()
	for _, o := range e.Observed {
		y := o.Value.Value
		if y == nil {
			continue
		}
		r := Reward{
			Prompt: m.question(e) + "\nSettings: " + settings(e) + "\nWhat will " + o.Name + inUnit(o.Value.Unit) + " be? Answer with a number.",
			Kind:   "gaussian", Objective: o.Name, Target: *y, Unit: string(o.Value.Unit), Experiment: id, Campaign: m.campaign, Part: part,
		}
		if o.Value.Sigma != nil {
			r.Sigma, r.SigmaKnown = *o.Value.Sigma, true
		}
		r.Scale = math.Max(2*r.Sigma, math.Abs(*y)/50)
		if r.Scale == 0 {
			r.Scale = 1
		}
		l.Rewards = append(l.Rewards, r)
		p, ok := e.Predicted.Get(o.Name)
		if !ok || p.Mean == nil || *p.High <= *p.Low {
			continue
		}
		c := Calibration{
			Experiment: id, Campaign: m.campaign, Objective: o.Name, Planner: e.Record.Planner, Unit: string(o.Value.Unit),
			Mean: *p.Mean, Low: *p.Low, High: *p.High, Value: *y, Inside: *p.Low <= *y && *y <= *p.High, Part: part,
		}
		standing, err := dataset.CheckCommitment(e)
		if c.Standing = string(standing); err == nil && e.Record.Commitment != nil {
			c.Hash = e.Record.Commitment.Hash
		}
		sd := (*p.High - *p.Low) / (2 * 1.959963984540054)
		c.Z = (*y - *p.Mean) / sd
		c.CRPS = sd * crps(c.Z)
		c.LogScore = -c.Z*c.Z/2 - math.Log(sd) - math.Log(2*math.Pi)/2
		l.Calibrations = append(l.Calibrations, c)
	}
}

// crps is the continuous ranked probability score of a standard normal forecast
// at z (Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and
// Estimation", JASA 102, 2007, eq. 21), smaller is better.
func crps(z float64) float64 {
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	below := math.Erfc(-z/math.Sqrt2) / 2
	return z*(2*below-1) + 2*density - 1/math.Sqrt(math.Pi)
}
