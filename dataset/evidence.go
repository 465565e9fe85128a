package dataset

import (
	"encoding/json"

	"github.com/athanor-lab/athanor/lab"
)

// EvidenceOf returns the papers that moved a proposal: influences is what the
// proposal says of them, as JSON, and brief what the planner had read.
func EvidenceOf(influences, brief []byte) ([]EvidenceUse, error) {
	var moved []struct {
		Paper string  `json:"paper"`
		Shift float64 `json:"shift"`
		Share float64 `json:"share"`
	}
	if err := json.Unmarshal(influences, &moved); err != nil {
		return nil, lab.Errorf(lab.Internal, "read what moved a proposal: %w", err)
	}
	var read struct {
		Evidence struct {
			Papers []struct {
				ID    string `json:"id"`
				Title string `json:"title"`
				DOI   string `json:"doi"`
			} `json:"papers"`
			Claims []struct {
				Paper     string        `json:"paper"`
				Settings  []lab.Setting `json:"settings"`
				Objective string        `json:"objective"`
				Quote     string        `json:"quote"`
			} `json:"claims"`
		} `json:"evidence"`
	}
	if err := json.Unmarshal(brief, &read); err != nil {
		return nil, lab.Errorf(lab.Internal, "read the evidence of a brief: %w", err)
	}
	uses := []EvidenceUse{}
	for _, m := range moved {
		u := EvidenceUse{Paper: m.Paper, Share: m.Share, Shift: m.Shift, Claim: Object[SettingCell]{}}
		for _, p := range read.Evidence.Papers {
			if p.ID == m.Paper {
				u.Title, u.DOI = p.Title, p.DOI
			}
		}
		for _, c := range read.Evidence.Claims {
			if c.Paper != m.Paper || len(u.Claim) > 0 {
				continue
			}
			u.Objective, u.Quote = c.Objective, c.Quote
			for _, s := range c.Settings {
				u.Claim = append(u.Claim, Member[SettingCell]{s.Name, SettingCell{s.Value, s.Unit}})
			}
		}
		uses = append(uses, u)
	}
	return uses, nil
}
