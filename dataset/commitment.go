package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Commitment proves what was predicted before an experiment was made. When its
// plan was stored, and before any command of it was sent, the settings and
// predictions of every proposal were hashed (a leaf each) and chained:
//
//	hash = sha256(prev "\n" leaf "\n" leaf …), all in hex
//
// The first prev of a campaign is [Genesis]. To change a prediction afterwards
// is to change every hash that follows.
type Commitment struct {
	Body        string    `json:"body"`   // what was hashed: canonical JSON
	SHA256      string    `json:"sha256"` // of Body, one of Leaves
	Leaves      []string  `json:"leaves"` // of all proposals of the plan, in order
	Prev        string    `json:"prev"`
	Hash        string    `json:"hash"`
	CommittedAt time.Time `json:"committed_at"`
}

// Link is a link of a campaign's chain: the commitment to one plan.
type Link struct {
	CampaignID  lab.CampaignID `json:"campaign_id"`
	PlanID      lab.PlanID     `json:"plan_id"`
	Round       int            `json:"round"`
	Leaves      []string       `json:"leaves"`
	Prev        string         `json:"prev"`
	Hash        string         `json:"hash"`
	CommittedAt time.Time      `json:"committed_at"`
}

// Follows reports, as [lab.Invalid], why l is not the link after one with the
// hash prev, which is "" before the first.
func (l Link) Follows(prev string) error {
	if prev == "" {
		prev = Genesis(l.CampaignID)
	}
	if l.Prev != prev || ChainHash(l.Prev, l.Leaves) != l.Hash {
		return lab.Errorf(lab.Invalid, "the chain of commitments of %s breaks at round %d", l.CampaignID, l.Round)
	}
	return nil
}

// committed is what a proposal is committed to.
type committed struct {
	Acquisition  *lab.Acquisition `json:"acquisition"`
	ExperimentID lab.ExperimentID `json:"experiment_id"`
	Number       int              `json:"number"`
	Predictions  []lab.Prediction `json:"predictions"`
	Settings     []lab.Setting    `json:"settings"`
}

// Commit returns what a plan commits to, a text to a proposal, and their hashes.
func Commit(p lab.Plan) (bodies, leaves []string, err error) {
	bodies, leaves = []string{}, []string{}
	for _, q := range p.Proposals {
		raw, err := json.Marshal(committed{q.Acquisition, q.ExperimentID, q.Number, append([]lab.Prediction{}, q.Predictions...), q.Settings})
		if err != nil {
			return nil, nil, lab.Errorf(lab.Invalid, "commit to proposal %d: %w", q.Number, err)
		}
		body, err := CanonicalJSON(raw)
		if err != nil {
			return nil, nil, err
		}
		bodies, leaves = append(bodies, string(body)), append(leaves, hexSum(string(body)))
	}
	return bodies, leaves, nil
}

// Genesis is what the chain of a campaign's commitments begins with.
func Genesis(c lab.CampaignID) string { return hexSum("commitments/1\n" + c.String()) }

// ChainHash returns the hash of a link.
func ChainHash(prev string, leaves []string) string {
	return hexSum(prev + "\n" + strings.Join(leaves, "\n"))
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Standing says what a commitment proves.
type Standing string

// The standings.
const (
	Uncommitted Standing = "none" // planned before there were commitments, or imported
	Committed   Standing = "before_the_run"
	Late        Standing = "late" // by the clocks, which may be two
)

// CheckCommitment reports, as [lab.Invalid], what does not hold of an
// experiment's commitment: a hash, or that the row tells the same settings and
// predictions.
func CheckCommitment(e Experiment) (Standing, error) {
	c := e.Record.Commitment
	if c == nil {
		return Uncommitted, nil
	}
	bad := func(format string, args ...any) (Standing, error) {
		return Uncommitted, lab.Errorf(lab.Invalid, "the commitment of %s: %w", e.IDs.ExperimentID, lab.Errorf(lab.Invalid, format, args...))
	}
	if got := hexSum(c.Body); got != c.SHA256 {
		return bad("its text has the hash %s, not %s", got, c.SHA256)
	}
	if got := ChainHash(c.Prev, c.Leaves); !slices.Contains(c.Leaves, c.SHA256) || got != c.Hash {
		return bad("its link has the hash %s, not %s, or does not hold it", got, c.Hash)
	}
	var was committed
	if err := json.Unmarshal([]byte(c.Body), &was); err != nil {
		return bad("its text cannot be read: %w", err)
	}
	if was.ExperimentID != e.IDs.ExperimentID || was.Number != e.Number {
		return bad("it is of experiment %d, %s", was.Number, was.ExperimentID)
	}
	told := map[string]Predicted{}
	for _, m := range e.Predicted {
		if m.Value.Mean != nil {
			told[m.Name] = m.Value
		}
	}
	if len(told) != len(was.Predictions) {
		return bad("the row tells %d predictions of %d", len(told), len(was.Predictions))
	}
	for _, p := range was.Predictions {
		t, ok := told[p.Objective]
		if !ok || p.Mean != *t.Mean || p.Sigma != *t.Sigma || p.Low != *t.Low || p.High != *t.High || p.Unit != t.Unit {
			return bad("the row tells another prediction of %q", p.Objective)
		}
	}
	for _, s := range was.Settings {
		if got, ok := e.Settings.Get(s.Name); !ok || !got.Value.Equal(s.Value) {
			return bad("the row tells another %q than was planned", s.Name)
		}
	}
	if !e.Clock.StartedAt.IsZero() && c.CommittedAt.After(e.Clock.StartedAt) {
		return Late, nil
	}
	return Committed, nil
}
