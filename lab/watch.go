package lab

import "time"

// Dispute is a handover that is not settled: two devices are at it, or do not
// agree where the sample is, and then a person says.
type Dispute struct {
	Token    string        `json:"token"`
	Sample   string        `json:"sample"`
	From     Place         `json:"from"`
	To       Place         `json:"to"`
	State    HandoverState `json:"state"`
	Gave     CommandState  `json:"gave,omitempty"` // how the giving device's part ended
	Took     CommandState  `json:"took,omitempty"` // how the taking device's part ended
	Campaign *CampaignID   `json:"campaign_id,omitempty"`
	Number   int           `json:"number,omitempty"` // of the experiment
	OpenedAt time.Time     `json:"opened_at"`
}

// Quarantined is what a device said and the laboratory did not believe. Its text
// is from outside and never trusted.
type Quarantined struct {
	Device string    `json:"device"`
	Topic  string    `json:"topic"`
	Reason string    `json:"reason"`
	Text   string    `json:"text"` // the beginning of the message, what cannot be shown replaced
	Size   int       `json:"size"` // of the message as it was kept, in bytes
	At     time.Time `json:"at"`
}

// Series is telemetry of one quantity. Where there were more rows than asked for,
// a point is the mean of those about it, with the least and the largest.
type Series struct {
	Stream string        `json:"stream"`
	Column string        `json:"column"`
	Unit   Unit          `json:"unit"`
	Points []SeriesPoint `json:"points"` // in the order of time
}

// SeriesPoint is what was measured about an instant.
type SeriesPoint struct {
	At   time.Time `json:"at"`
	Mean float64   `json:"mean"`
	Min  float64   `json:"min"`
	Max  float64   `json:"max"`
	N    int       `json:"n"` // rows
}
