package lab

// Diagnostics say how far a plan's model can be trusted.
type Diagnostics struct {
	Trust Trust `json:"trust"`
	// Warnings are the health checks that failed, for a scientist.
	Warnings []string   `json:"warnings,omitempty"`
	Models   []ModelFit `json:"models"` // one to an objective with outcomes
	Stop     *Outlook   `json:"stop,omitempty"`
}

// Trust is how far to lean on a model.
type Trust string

// The degrees of trust.
const (
	TrustGood Trust = "good" // it predicts what it was not shown, as well as it says
	TrustFair Trust = "fair" // it predicts something, or its intervals are off
	TrustPoor Trust = "poor" // it hardly predicts: proposals are exploration
)

// ModelFit is the model of one objective.
type ModelFit struct {
	Objective string      `json:"objective"`
	Points    int         `json:"points"`
	Members   []MemberFit `json:"members"` // what is averaged
	// Explained is the share of the variance of outcomes, left out one by one, that
	// is predicted; below 0 it is worse than their mean.
	Explained float64 `json:"explained"`
	// Covered are the shares of outcomes, left out one by one, within their 50, 80
	// and 95 % interval.
	Covered50 float64 `json:"covered_50"`
	Covered80 float64 `json:"covered_80"`
	Covered95 float64 `json:"covered_95"`
	// Noise is the standard deviation of one measurement, in the objective's unit.
	Noise      float64      `json:"noise"`
	Importance []Importance `json:"importance"` // the largest first
	LeftOut    []LeftOut    `json:"left_out,omitempty"`
	Trends     []TrendFit   `json:"trends,omitempty"`
}

// MemberFit is one of the models that are averaged.
type MemberFit struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
	// LogDensity is the mean log predictive density of an outcome left out, in
	// standard deviations of the outcomes.
	LogDensity float64 `json:"log_density"`
}

// Importance is how much of what the model expects to change is due to one
// parameter; all of them add up to 1.
type Importance struct {
	Parameter string  `json:"parameter"`
	Share     float64 `json:"share"`
}

// LeftOut is an outcome beside what the others say of it.
type LeftOut struct {
	Number   int     `json:"number"` // of the experiment
	Observed float64 `json:"observed"`
	Mean     float64 `json:"mean"`
	Low      float64 `json:"low"` // 95 % interval of an observation
	High     float64 `json:"high"`
}

// TrendFit is what came of a source.
type TrendFit struct {
	Source  string  `json:"source"`
	Version string  `json:"version,omitempty"`
	Used    bool    `json:"used"`
	Slope   float64 `json:"slope"` // 1: outcomes follow it all the way
	// Gain is how much better an outcome left out is predicted with all sources
	// than without, in nats.
	Gain float64 `json:"gain"`
}

// Outlook is what can be said of going on, about a single objective.
type Outlook struct {
	Advised bool   `json:"advised"`
	Why     string `json:"why,omitempty"`
	// Chance is the largest probability, over the candidates that were weighed, of
	// beating the best so far by more than Least.
	Chance float64 `json:"chance"`
	Least  float64 `json:"least"`
	// Regret is how much better than the best so far the best may be, at most: by
	// the highest upper end of a 95 % interval.
	Regret float64 `json:"regret"`
	Unit   Unit    `json:"unit"`
}
