package lab

import "time"

// Wait is what a step of an experiment waits for before its command can go out.
type Wait struct {
	CampaignID   CampaignID   `json:"campaign_id"`
	ExperimentID ExperimentID `json:"experiment_id"`
	Number       int          `json:"number" doc:"The experiment's number in its campaign"`
	Step         string       `json:"step"`
	Since        time.Time    `json:"since"`
	Why          string       `json:"why" doc:"For a person to read"`
}
