package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Method names how claims become weights: a record made otherwise has another
// version.
const Method = "evidence/1"

// Record makes the evidence of a campaign from the papers that were kept and what
// they claim. A claim weighs the relevance of its paper times its confidence times
// the paper's credibility, shared among the claims of the paper by merit; a
// retracted one weighs nothing. Papers keep their order. It costs O(claims · papers).
func Record(papers []lab.Cited, claims []Claim) (lab.Evidence, error) {
	e := lab.Evidence{Papers: slices.Clone(papers)}
	merits := map[string]float64{}
	for _, c := range claims {
		merits[c.Paper] += meritOf(c)
	}
	credible := map[string]float64{}
	for _, p := range papers {
		credible[p.ID] = p.Credibility
	}
	for _, c := range claims {
		e.Claims = append(e.Claims, lab.Claim{
			Paper: c.Paper, Settings: c.Settings, Objective: c.Objective, Quote: c.Quote, Checked: c.Checked,
			Weight: worth(c) * trust(credible[c.Paper]) * meritOf(c) / merits[c.Paper],
		})
	}
	body, err := json.Marshal(struct {
		Method string
		lab.Evidence
	}{Method, e})
	if err != nil {
		return lab.Evidence{}, lab.Errorf(lab.Invalid, "record evidence: %w; every number must be finite", err)
	}
	sum := sha256.Sum256(body)
	e.Version = hex.EncodeToString(sum[:])
	return e, nil
}

func worth(c Claim) float64 {
	if c.Retracted || !(c.Relevance > 0) || !(c.Confidence > 0) {
		return 0
	}
	return min(c.Relevance, 1) * min(c.Confidence, 1)
}

// meritOf divides a paper's weight among its claims: its best counts five times
// its worst.
func meritOf(c Claim) float64 {
	if c.Merit < 0 || math.IsNaN(c.Merit) {
		return 0.6
	}
	return 0.2 + 0.8*min(c.Merit, 1)
}

// trust is what a credibility does to a weight: nothing at 0.5, where nothing is
// known, up to twice as much or to nothing.
func trust(credibility float64) float64 {
	if credibility <= 0 {
		return 1
	}
	return 2 * min(credibility, 1)
}
