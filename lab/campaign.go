package lab

import "time"

// Campaign is a question put to the laboratory: a document with a name of its
// own. It never changes; what becomes of it is its [Progress].
type Campaign struct {
	ID          CampaignID `json:"id"`
	Document    Document   `json:"document"`
	SubmittedAt time.Time  `json:"submitted_at"`
}

// CampaignState is where a campaign is in its life.
type CampaignState string

// The states of a campaign. The last four are final.
const (
	Submitted        CampaignState = "submitted"
	Running          CampaignState = "running"
	AwaitingApproval CampaignState = "awaiting_approval" // a plan waits for a person
	Paused           CampaignState = "paused"            // running experiments end, none is begun
	Stopping         CampaignState = "stopping"          // aborted: running experiments are being ended
	Completed        CampaignState = "completed"         // budget used or stop rule met
	Aborted          CampaignState = "aborted"           // by a person
	Failed           CampaignState = "failed"            // by a fault that no policy answers
)

// Final reports whether a campaign in state s will never change again.
func (s CampaignState) Final() bool { return s == Completed || s == Aborted || s == Failed }

// Progress is what has become of a campaign.
type Progress struct {
	State    CampaignState `json:"state"`
	Reason   string        `json:"reason,omitempty"` // why it is in this state, for a person
	Rounds   int           `json:"rounds"`
	Planned  int           `json:"planned"` // experiments proposed, running ones included
	Done     int           `json:"done"`    // experiments with an outcome, failed ones included
	Failures int           `json:"failures"`
	// Best holds, per objective, the best value observed so far.
	Best      []Best    `json:"best"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Best is the best observation of an objective and the experiment that made it.
type Best struct {
	Objective  string       `json:"objective"`
	Value      float64      `json:"value"`
	Unit       Unit         `json:"unit"`
	Experiment ExperimentID `json:"experiment"`
	Number     int          `json:"number"`
}

// Problem is a complaint about a document, complete enough to mend it.
type Problem struct {
	Path  string `json:"path"`  // as in "space.parameters[2].max"
	Wrong string `json:"wrong"` // what is wrong
	Right string `json:"right"` // what would be right
	Line  int    `json:"line,omitempty"`
	Col   int    `json:"column,omitempty"`
}

func (p Problem) String() string {
	s := p.Wrong
	if p.Path != "" { // else it is about the document as a whole
		s = p.Path + ": " + s
	}
	if p.Right != "" {
		s += "; " + p.Right
	}
	return s
}
