package lab

// Need is a device that a step cannot do without. Its role is the step whose
// station it is, so that the furnace a sample is carried to is the furnace that
// heats it.
type Need struct {
	Role       string `json:"role"`
	Capability string `json:"capability"`
	Device     string `json:"device,omitempty"` // this one and no other
}

// Reservation asks for all devices of a step at once, or none.
type Reservation struct {
	ID         string       `json:"id"` // unique; asking again under it is the same question
	Campaign   CampaignID   `json:"campaign_id"`
	Experiment ExperimentID `json:"experiment_id"`
	Number     int          `json:"number"` // of the experiment
	Needs      []Need       `json:"needs"`
	// Route is the capabilities that the experiment's samples will visit, in
	// order: what admission needs to rule out deadlock.
	Route []string `json:"route,omitempty"`
}

// Hold is a device that an experiment has, and the fencing token of having it.
type Hold struct {
	Role   string `json:"role"`
	Device string `json:"device"`
	Epoch  int64  `json:"epoch"`
}
