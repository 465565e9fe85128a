package lab

// DocumentVersion is the first line of every campaign document of this form.
const DocumentVersion = "campaign/1"

// Document is a campaign as its author writes it, in YAML or JSON: one form for
// the page, the command line, the API and the record.
type Document struct {
	Athanor     string      `json:"athanor"`
	Title       string      `json:"title"`
	Description string      `json:"description,omitempty"`
	Space       Space       `json:"space"`
	Objectives  []Objective `json:"objectives"`
	Protocol    Protocol    `json:"protocol"`
	Plan        PlanPolicy  `json:"plan"`
	Budget      Budget      `json:"budget"`
	Stop        []StopRule  `json:"stop,omitempty"`
	Literature  *Literature `json:"literature,omitempty"`
	Safety      Safety      `json:"safety"`
	Seed        uint64      `json:"seed"`
}

// File names bytes by their hash, so that a document says all that it needs.
type File struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Space is what may be chosen: parameters and the constraints between them.
type Space struct {
	Parameters  []Parameter  `json:"parameters"`
	Constraints []Constraint `json:"constraints,omitempty"`
	// Candidates, when set, says that only the points of this table exist.
	Candidates *File `json:"candidates,omitempty"`
	// Pool holds the points of Candidates once they are read, each with one
	// value to a parameter in the order of Parameters, null for one that is absent
	// there. Authors leave it out.
	Pool [][]Value `json:"pool,omitempty"`
}

// ParameterType says what a parameter's values are.
type ParameterType string

// The types of parameters.
const (
	Continuous  ParameterType = "continuous"  // any number from Min to Max
	Integer     ParameterType = "integer"     // whole numbers from Min to Max
	Discrete    ParameterType = "discrete"    // one of Values
	Categorical ParameterType = "categorical" // one of Levels
	Composition ParameterType = "composition" // fractions of Parts that add up to Sum
)

// Parameter is one axis of a space. Which fields it has depends on its type.
type Parameter struct {
	Name   string        `json:"name"`
	Type   ParameterType `json:"type"`
	Min    *float64      `json:"min,omitempty"`
	Max    *float64      `json:"max,omitempty"`
	Scale  string        `json:"scale,omitempty"` // "linear" (default) or "log"
	Values []float64     `json:"values,omitempty"`
	Levels []string      `json:"levels,omitempty"`
	// Descriptors is a table with a row to a level and numeric columns;
	// DescriptorValues holds its rows, in the order of Levels, once it is read.
	Descriptors      *File       `json:"descriptors,omitempty"`
	DescriptorValues [][]float64 `json:"descriptor_values,omitempty"`
	Parts            []string    `json:"parts,omitempty"`
	Sum              *float64    `json:"sum,omitempty"`  // default 1
	Step             *float64    `json:"step,omitempty"` // the grid of a composition's fractions
	MaxNonzero       *int        `json:"max_nonzero,omitempty"`
	Unit             Unit        `json:"unit,omitempty"`
	// Aliases are further names of the parameter in published work, LevelAliases
	// those of its levels or parts.
	Aliases      []string            `json:"aliases,omitempty"`
	LevelAliases map[string][]string `json:"level_aliases,omitempty"`
	// When is a CEL condition over other parameters. Where it does not hold the
	// parameter is absent: an experiment has no setting for it.
	When string `json:"when,omitempty"`
}

// Constraint is a CEL condition over the parameters that every proposal meets. One
// that cannot be told without a parameter that is absent asks nothing.
type Constraint struct {
	Expr string `json:"expr"`
	Why  string `json:"why,omitempty"`
}

// Direction says which way an objective is better.
type Direction string

// The directions.
const (
	Maximize Direction = "maximize"
	Minimize Direction = "minimize"
)

// Better reports whether a is strictly better than b.
func (d Direction) Better(a, b float64) bool {
	if d == Minimize {
		return a < b
	}
	return a > b
}

// Objective is what a campaign wants to know the best of.
type Objective struct {
	Name      string    `json:"name"`
	Direction Direction `json:"direction"`
	Unit      Unit      `json:"unit"`
	// Aliases are further names of the objective in published work.
	Aliases []string `json:"aliases,omitempty"`
}

// Protocol is how an experiment is done: steps in a graph, and how its results
// are read.
type Protocol struct {
	Samples []Sample                      `json:"samples,omitempty"`
	Steps   []Step                        `json:"steps"`
	Observe []Observe                     `json:"observe"`
	Tables  map[string]map[string]float64 `json:"tables,omitempty"`
}

// Sample is a piece of matter that the steps of an experiment work on.
type Sample struct {
	Name      string `json:"name"`
	Container string `json:"container,omitempty"`
}

// Step is one thing to do, by one device; a transfer is done by a device that
// carries between those of two other steps.
type Step struct {
	ID         string           `json:"id"`
	Capability string           `json:"capability"`
	Command    string           `json:"command"`
	Device     string           `json:"device,omitempty"` // this device and no other
	Sample     string           `json:"sample,omitempty"`
	From       string           `json:"from,omitempty"` // a step: where the sample is
	To         string           `json:"to,omitempty"`   // a step: where it is wanted
	After      []string         `json:"after,omitempty"`
	MaxLag     *Quantity        `json:"max_lag,omitempty"` // from the end of After to the start
	Timeout    *Quantity        `json:"timeout,omitempty"` // default DefaultStepTimeout
	Params     map[string]Param `json:"params,omitempty"`
	OnFailure  *FailurePolicy   `json:"on_failure,omitempty"`
}

// DefaultStepTimeoutSeconds bounds a step whose author gave no timeout: one day.
const DefaultStepTimeoutSeconds = 86400.0

// Param is a command's parameter: a fixed value, or a CEL expression over the
// settings and the results of earlier steps. Numbers are in Unit.
type Param struct {
	Value Value  `json:"value,omitzero"`
	Expr  string `json:"expr,omitempty"`
	Unit  Unit   `json:"unit,omitempty"`
}

// Observe says how an objective is read from the results of an experiment. Its
// number is in the objective's unit.
type Observe struct {
	Objective string `json:"objective"`
	Expr      string `json:"expr"`
	Sigma     string `json:"sigma,omitempty"` // CEL: the standard deviation, when the instrument knows it
}

// PlanPolicy says who plans, and how much at a time.
type PlanPolicy struct {
	Planner  string `json:"planner"`   // "auto" (default), another strategy by name, "plugin:NAME" or "race"
	Batch    int    `json:"batch"`     // proposals to a plan, default 1
	InFlight int    `json:"in_flight"` // experiments running at once, default batch
	// Model names a registered model whose predictions the planner starts from;
	// "auto" and "" are none.
	Model string `json:"model,omitempty"`
	// RetrainEvery is after how many outcomes Model is trained anew, 0 for never.
	RetrainEvery int `json:"retrain_every,omitempty"`
	// Fidelity says that experiments may be done more cheaply, and at what they are
	// judged.
	Fidelity *Fidelity `json:"fidelity,omitempty"`
}

// Fidelity is a parameter whose cheaper settings tell something of what an
// experiment at the target would give: a shorter hold, a coarser scan, a simulation.
type Fidelity struct {
	Parameter string `json:"parameter"`
	// Target is the value of the parameter at which the answer is judged.
	Target Value `json:"target"`
	// Cost is a CEL expression over settings and tables: what an experiment costs,
	// in any unit. Without it the budget's cost of each is taken.
	Cost string `json:"cost,omitempty"`
}

// Met reports whether an experiment with these settings is at the target, and so
// counts for the answer. Without a fidelity every one does.
func (f *Fidelity) Met(settings []Setting) bool {
	if f == nil {
		return true
	}
	for _, s := range settings {
		if s.Name == f.Parameter {
			return s.Value.Equal(f.Target)
		}
	}
	return false
}

// FidelityRule returns what a planner needs to know of a document's fidelity, or
// nil where it has none.
func (d Document) FidelityRule() *FidelityRule {
	f := d.Plan.Fidelity
	if f == nil {
		return nil
	}
	r := &FidelityRule{Fidelity: *f, Tables: d.Protocol.Tables}
	if m := d.Budget.Cost; r.Cost == "" && m != nil {
		r.Cost = m.Each
	}
	return r
}

// Budget is what a campaign may use up.
type Budget struct {
	Experiments int       `json:"experiments"`
	Time        *Quantity `json:"time,omitempty"`
	Cost        *Spending `json:"cost,omitempty"`
}

// Spending is what a campaign may cost.
type Spending struct {
	Value    float64 `json:"value"`
	Currency string  `json:"currency"`
	// Each is a CEL expression over settings and tables: what one experiment costs,
	// in Currency. Without it cost is not counted.
	Each string `json:"each,omitempty"`
}

// StopRule is a CEL condition over what has been seen that ends the campaign.
type StopRule struct {
	When string `json:"when"`
	Why  string `json:"why,omitempty"`
}

// Literature says what published work bears on the campaign.
type Literature struct {
	Query  string `json:"query"`
	Corpus string `json:"corpus,omitempty"` // default "default"
	Weight string `json:"weight,omitempty"` // "auto" (default), or "none": read and reported, not heeded
	Papers int    `json:"papers,omitempty"` // read at most, default 30
	Screen int    `json:"screen,omitempty"` // judged by a person before the first plan, default 0
}

// Safety says when a person decides.
type Safety struct {
	Approve   string        `json:"approve"`     // "never" (default), "first-batch", "every-batch"
	OnInDoubt string        `json:"on_in_doubt"` // "ask" (default), "fail"
	OnFailure FailurePolicy `json:"on_failure"`
	// Start says where experiments may begin, nil for anywhere.
	Start *SafeStart `json:"start,omitempty"`
}

// SafeStart keeps experiments near what is known to be safe until the planner has
// learned where else it is.
type SafeStart struct {
	// Points are settings that are known to be safe, each with a value to every
	// parameter that is there.
	Points []map[string]Value `json:"points"`
	// Within is how far from a safe point an experiment may go at once, as a share
	// of each number's range; choices stay the same. Default DefaultWithin.
	Within float64 `json:"within,omitempty"`
	// Chance is the least probability of success, at two standard deviations to the
	// bad side, from which on an experiment may be anywhere. Default DefaultChance.
	Chance float64 `json:"chance,omitempty"`
	// Limits are what outcomes must keep to be safe, beside not failing.
	Limits []Limit `json:"limits,omitempty"`
}

// What a safe start is without its author's word.
const (
	DefaultWithin = 0.1
	DefaultChance = 0.9
)

// Limit is what an objective may be at least and at most, in its unit.
type Limit struct {
	Objective string   `json:"objective"`
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
}

// Kept reports whether a value is within the limit.
func (l Limit) Kept(v float64) bool {
	return (l.Min == nil || v >= *l.Min) && (l.Max == nil || v <= *l.Max)
}

// FailurePolicy says what follows a step that failed.
type FailurePolicy struct {
	Retry int    `json:"retry"` // deliberate repetitions of the step, each a new command
	Then  string `json:"then"`  // "skip" (default: the experiment counts as failed), "ask", "stop"
}
