package workflows

import (
	"strconv"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Opening is what the campaign's workflow has to know of its document.
type Opening struct {
	Title       string         `json:"title"`
	Graph       Graph          `json:"graph"`
	TimeS       float64        `json:"time_s,omitempty"` // budget of time in seconds, 0 for none
	Policy      lab.PlanPolicy `json:"policy"`
	Budget      lab.Budget     `json:"budget"`
	Safety      lab.Safety     `json:"safety"`
	SubmittedAt time.Time      `json:"submitted_at"`
	// Literature is what to read before the first plan, nil for nothing.
	Literature *lab.Literature `json:"literature,omitempty"`
}

// Ask is a question to the planner.
type Ask struct {
	CampaignID lab.CampaignID `json:"campaign_id"`
	Round      int            `json:"round"`
	First      int            `json:"first"`
	Want       int            `json:"want"`
	Running    []lab.Pending  `json:"running"`
}

// Decision is what the workflow has to know of a plan; the rest is on record.
type Decision struct {
	PlanID    lab.PlanID     `json:"plan_id"`
	Proposals []lab.Proposal `json:"proposals"`
	Stop      string         `json:"stop,omitempty"` // the stop rule that is met
	Exhausted bool           `json:"exhausted,omitempty"`
}

// toldInfluences is how many papers an outcome remembers of its proposal; the plan
// on record has all.
const toldInfluences = 5

// decisionOf leaves out of a plan what its executor has no use for, so that
// evidence stays out of histories.
func decisionOf(p lab.Plan) Decision {
	d := Decision{PlanID: p.ID, Exhausted: p.Exhausted, Proposals: make([]lab.Proposal, len(p.Proposals))}
	for i, q := range p.Proposals {
		q.Losers, q.Nearest = nil, nil
		q.Influences = q.Influences[:min(len(q.Influences), toldInfluences)]
		d.Proposals[i] = q
	}
	return d
}

// Preparation asks for a step's command.
type Preparation struct {
	Proposal lab.Proposal     `json:"proposal"`
	Node     Node             `json:"node"`
	Intent   int              `json:"intent"`
	Results  []lab.StepResult `json:"results,omitempty"`
}

func (p Preparation) place() Place {
	return Place{Campaign: p.Proposal.CampaignID, Experiment: p.Proposal.ExperimentID, Number: p.Proposal.Number, Step: p.Node.ID}
}

// Prepared holds what a step asks for next, one of these: the step's command, a
// handover or the discarding of a sample, after which it is prepared again, or
// that its sample has arrived. While its devices are still to be had it is empty.
type Prepared struct {
	Command *lab.Command `json:"command,omitempty"`
	Handing *lab.Handing `json:"handing,omitempty"`
	Discard *lab.Command `json:"discard,omitempty"`
	Arrived bool         `json:"arrived,omitempty"`
}

// granted reports whether the devices are there.
func (p Prepared) granted() bool {
	return p.Command != nil || p.Handing != nil || p.Discard != nil || p.Arrived
}

// device returns the device that the step is done by.
func (p Prepared) device() string {
	switch {
	case p.Command != nil:
		return p.Command.Device
	case p.Handing != nil:
		return p.Handing.Carrier
	case p.Discard != nil:
		return p.Discard.Device
	default:
		return ""
	}
}

// Report is what a campaign hears of an experiment that ended.
type Report struct {
	Number int              `json:"number"`
	State  lab.OutcomeState `json:"state"`
	Stop   string           `json:"stop,omitempty"` // why the whole campaign should end
}

// Verdict is a person's answer to a step that failed or a plan that waits.
type Verdict struct {
	PlanID  *lab.PlanID `json:"plan_id,omitempty"`
	Approve bool        `json:"approve"`
	By      string      `json:"by"`
	Reason  string      `json:"reason,omitempty"`
}

// Order is a person's instruction to a campaign.
type Order struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

func (o Order) String() string {
	switch {
	case o.By == "" && o.Reason == "":
		return "by a person"
	case o.Reason == "":
		return "by " + o.By
	case o.By == "":
		return o.Reason
	default:
		return "by " + o.By + ": " + o.Reason
	}
}

// Advice is a person's answer to a step that failed for good.
type Advice struct {
	Step  string `json:"step"`
	Retry bool   `json:"retry"`
	By    string `json:"by"`
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
