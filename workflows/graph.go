package workflows

// Graph is what a workflow has to know of a protocol: the order of its steps
// and what follows when one goes wrong. The rest stays with the campaign.
type Graph struct {
	Steps []Node `json:"steps"` // in topological order
}

// Node is a step.
type Node struct {
	ID       string   `json:"id"`
	After    []string `json:"after,omitempty"`
	Releases []string `json:"releases,omitempty"` // roles that no later step needs
	TimeoutS float64  `json:"timeout_s"`
	MaxLagS  float64  `json:"max_lag_s,omitempty"` // 0: none
	Retry    int      `json:"retry,omitempty"`
	Then     Then     `json:"then"`
}

// Then is what follows a step that failed for good.
type Then string

// The consequences of a failed step.
const (
	ThenSkip Then = "skip" // the experiment counts as failed, the campaign goes on
	ThenAsk  Then = "ask"  // a person decides: retry or skip
	ThenStop Then = "stop" // the campaign ends
)
