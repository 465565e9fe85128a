package lab

// Brief is all that a planner may know when it decides. Equal briefs give equal
// plans, byte for byte.
type Brief struct {
	CampaignID CampaignID  `json:"campaign_id"`
	PlanID     PlanID      `json:"plan_id"`
	Round      int         `json:"round"`  // 1 for the first
	First      int         `json:"first"`  // number of the first experiment to propose
	Want       int         `json:"want"`   // proposals wanted, at least 1
	Budget     int         `json:"budget"` // experiments of the whole campaign
	Space      Space       `json:"space"`
	Objectives []Objective `json:"objectives"`
	Policy     PlanPolicy  `json:"policy"`
	Seed       uint64      `json:"seed"`
	// Cost is what experiments cost and what is left, nil where cost is not counted.
	Cost *CostRule `json:"cost,omitempty"`
	// Fidelity says which experiments are judged and what the others cost, nil where
	// all are alike.
	Fidelity *FidelityRule `json:"fidelity,omitempty"`
	// Safe says where experiments may be, nil for anywhere.
	Safe *SafeStart `json:"safe,omitempty"`
	// Sources are what is known from elsewhere.
	Sources []Source `json:"sources,omitempty"`
	// Evidence is what published work says, nil where none is to be heeded.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Known are the experiments that ended, by number.
	Known []Known `json:"known"`
	// Pending are the experiments that are planned or running, by number.
	Pending []Pending `json:"pending"`
}

// Known is what a planner may know of an experiment that ended.
type Known struct {
	Number   int        `json:"number"`
	Settings []Setting  `json:"settings"`
	Observed []Measured `json:"observed"` // empty when it failed
	Failed   bool       `json:"failed"`   // no observation: the experiment itself went wrong
}

// Pending is an experiment whose result is still to come.
type Pending struct {
	Number   int       `json:"number"`
	Settings []Setting `json:"settings"`
}

// Plan is a decision for one round, complete and unchangeable.
type Plan struct {
	ID         PlanID     `json:"id"`
	CampaignID CampaignID `json:"campaign_id"`
	Round      int        `json:"round"`
	Planner    string     `json:"planner"` // name and version of what decided
	BriefHash  string     `json:"brief_sha256"`
	Proposals  []Proposal `json:"proposals"`
	// Notes are what the planner wants a scientist to know of the decision as a
	// whole: model chosen, health of the fit, advice to stop.
	Notes []string `json:"notes,omitempty"`
	// Diagnostics are of the model that decided, nil before there is one.
	Diagnostics *Diagnostics `json:"diagnostics,omitempty"`
	// Exhausted says that fewer proposals than wanted exist.
	Exhausted bool `json:"exhausted,omitempty"`
}

// Proposal is one experiment that a plan asks for. It carries settings only;
// steps are compiled to commands when their inputs exist.
type Proposal struct {
	ExperimentID ExperimentID `json:"experiment_id"`
	CampaignID   CampaignID   `json:"campaign_id"`
	PlanID       PlanID       `json:"plan_id"`
	Number       int          `json:"number"` // 1 for the campaign's first experiment
	Settings     []Setting    `json:"settings"`
	Predictions  []Prediction `json:"predictions"` // empty before there is a model
	Acquisition  *Acquisition `json:"acquisition,omitempty"`
	Reason       string       `json:"reason"` // a sentence for a scientist
	// Nearest are the earlier experiments most like this one, nearest first.
	Nearest []Neighbour `json:"nearest,omitempty"`
	// Losers are the best candidates that were not chosen.
	Losers []Candidate `json:"losers,omitempty"`
	// Influences are the papers that moved it, the one that did most first.
	Influences []Influence `json:"influences,omitempty"`
	// Unaided is the place that it would have among the candidates that were
	// weighed had nothing been read, 1 for the first; 0 where that is not known.
	Unaided int `json:"unaided,omitempty"`
}

// Prediction is what the model expected of an objective before the experiment.
type Prediction struct {
	Objective string  `json:"objective"`
	Mean      float64 `json:"mean"`
	Sigma     float64 `json:"sigma"` // standard deviation of the latent function
	Low       float64 `json:"low"`   // 95 % interval of an observation
	High      float64 `json:"high"`
	Unit      Unit    `json:"unit"`
	// Models are the sources that it leans on, as name@version; none where the
	// campaign's own experiments say all.
	Models []string `json:"models,omitempty"`
}

// Acquisition is what made a candidate worth its experiment.
type Acquisition struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Neighbour is an earlier experiment and its distance in the planner's encoding.
type Neighbour struct {
	Number   int     `json:"number"`
	Distance float64 `json:"distance"`
}

// Candidate is a point that was weighed.
type Candidate struct {
	Settings    []Setting    `json:"settings"`
	Predictions []Prediction `json:"predictions,omitempty"`
	Acquisition float64      `json:"acquisition"`
}

// CostRule is what a planner may know of costs, in one currency.
type CostRule struct {
	Each   string                        `json:"each"` // CEL over settings and Tables
	Tables map[string]map[string]float64 `json:"tables,omitempty"`
	Total  float64                       `json:"total"` // of the campaign
	// Left is what no experiment that ended or runs has used.
	Left float64 `json:"left"`
}

// FidelityRule is a fidelity with its cost worked out: what an experiment costs, as
// a CEL expression over settings and Tables.
type FidelityRule struct {
	Fidelity
	Tables map[string]map[string]float64 `json:"tables,omitempty"`
}
