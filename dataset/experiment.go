package dataset

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// ExperimentSchema names the form of [Experiment].
const ExperimentSchema = "experiment/1"

// Class tells what an experiment taught apart from what went wrong with it.
type Class string

// The classes.
const (
	Success     Class = "success"     // nature answered
	Negative    Class = "negative"    // nature said no: see [ClassOf]
	Failed      Class = "failure"     // we could not do it; says nothing of nature
	Cancelled   Class = "cancelled"   // a person ended it
	Invalidated Class = "invalidated" // a correction says that it is not to be believed
)

// Experiment is a row of a snapshot: an outcome with what is on record of how
// it came about. Every key is in every line, of one type or null.
type Experiment struct {
	Row
	Class  Class  `json:"outcome_class"`
	Record Record `json:"record"`
}

// Record is the way from a row back to the decision and to raw bytes.
type Record struct {
	License     string             `json:"license"` // SPDX, "" where nobody said
	Access      string             `json:"access"`  // "open", "internal" or "restricted"
	Round       int                `json:"round"`   // of the plan
	Planner     string             `json:"planner"`
	Brief       string             `json:"brief_sha256"` // what the planner knew, in the archive by this name
	Notes       []string           `json:"notes"`        // of the planner to the plan
	Commitment  *Commitment        `json:"commitment"`
	Evidence    []EvidenceUse      `json:"evidence"` // papers that moved the decision
	Commands    []CommandRecord    `json:"commands"`
	Raw         []RawFile          `json:"raw"`
	Samples     []SampleRecord     `json:"samples"`
	Corrections []StoredCorrection `json:"corrections"`
	RecordedAt  time.Time          `json:"recorded_at"`
}

// EvidenceUse is a paper that moved a proposal, and what it claims.
type EvidenceUse struct {
	Paper string  `json:"paper"`
	Title string  `json:"title"`
	DOI   string  `json:"doi"`
	Share float64 `json:"share"` // of all that papers moved it, from 0 to 1
	Shift float64 `json:"shift"` // of what was expected of the first objective
	// Claim is where the paper found a good place, and Quote the sentence that
	// says so; both are empty when it is not known.
	Claim     Object[SettingCell] `json:"claim"`
	Objective string              `json:"objective"`
	Quote     string              `json:"quote"`
}

// CommandRecord is a command with the hashes of the exact bytes that were sent
// and heard.
type CommandRecord struct {
	CommandID lab.CommandID `json:"command_id"`
	Step      string        `json:"step"`
	Device    string        `json:"device"`
	SHA256    string        `json:"sha256"` // of the bytes sent
	Bytes     int           `json:"bytes"`
	Published time.Time     `json:"published_at"`
	Events    []EventRecord `json:"events"` // as they were taken
}

// EventRecord is an answer of a device, or the laboratory's own word.
type EventRecord struct {
	Source string           `json:"source"` // "device" or "laboratory"
	State  lab.CommandState `json:"state"`
	SHA256 string           `json:"sha256"`
	Bytes  int              `json:"bytes"`
	At     time.Time        `json:"at"`
}

// RawFile is a file that a device made, by its hash.
type RawFile struct {
	Name      string        `json:"name"`
	MediaType string        `json:"media_type"`
	SHA256    string        `json:"sha256"`
	Bytes     int64         `json:"bytes"`
	CommandID lab.CommandID `json:"command_id"` // that made it
}

// SampleRecord is a piece of matter with where it was and what was done to it.
type SampleRecord struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	History []SampleEvent `json:"history"`
}

// SampleEvent is a step that a sample went through.
type SampleEvent struct {
	Relation  string        `json:"relation"` // "moved" for a transfer, else "worked"
	Step      string        `json:"step"`
	CommandID lab.CommandID `json:"command_id"`
	Device    string        `json:"device"`
	Slot      string        `json:"slot"`
}

// Correction is what a person found wrong with an outcome. It changes nothing
// that was written; who reads takes it into account.
type Correction struct {
	Kind string `json:"kind"` // "invalidate" or "observed"
	By   string `json:"by"`
	Why  string `json:"why"`
	// Of "observed": the objective and what is right.
	Objective string   `json:"objective,omitempty"`
	Value     *float64 `json:"value,omitempty"`
	Sigma     *float64 `json:"sigma,omitempty"`
}

// Check reports, as [lab.Invalid], what is wrong with c.
func (c Correction) Check() error {
	switch {
	case c.By == "" || c.Why == "":
		return lab.Errorf(lab.Invalid, "a correction says by whom it is, and why")
	case c.Kind == "invalidate" && (c.Objective != "" || c.Value != nil):
		return lab.Errorf(lab.Invalid, "an outcome is invalidated as a whole; to correct one value the kind is \"observed\"")
	case c.Kind == "observed" && (c.Objective == "" || c.Value == nil || !finite(*c.Value) || c.Sigma != nil && (!finite(*c.Sigma) || *c.Sigma < 0)):
		return lab.Errorf(lab.Invalid, "a corrected observation has an objective and a number, and a standard deviation from 0 if any")
	case c.Kind != "invalidate" && c.Kind != "observed":
		return lab.Errorf(lab.Invalid, "kind %q of a correction is none of invalidate, observed", c.Kind)
	}
	return nil
}

// StoredCorrection is a correction with when it was known, and what stood there.
type StoredCorrection struct {
	Kind       string    `json:"kind"`
	By         string    `json:"by"`
	Why        string    `json:"why"`
	Objective  string    `json:"objective"`
	Value      *float64  `json:"value"`
	Sigma      *float64  `json:"sigma"`
	Was        *float64  `json:"was"` // what stood there before
	WasSigma   *float64  `json:"was_sigma"`
	Class      Class     `json:"was_class"`
	RecordedAt time.Time `json:"recorded_at"`
}

// Terms say how a campaign's data may be used.
type Terms struct {
	License string `json:"license"`
	Access  string `json:"access"`
	By      string `json:"by"`
}

// Accesses are the levels of access, each including those before.
var Accesses = []string{"open", "internal", "restricted"}

// Check reports, as [lab.Invalid], what is wrong with t.
func (t Terms) Check() error {
	if !slices.Contains(Accesses, t.Access) {
		return lab.Errorf(lab.Invalid, "access %q is none of open, internal, restricted", t.Access)
	}
	if t.By == "" {
		return lab.Errorf(lab.Invalid, "terms say by whom they are")
	}
	return CheckLicense(t.License)
}

// Recorded is all that the archive has of an experiment.
type Recorded struct {
	Campaign    lab.Campaign
	Outcome     lab.Outcome
	RecordedAt  time.Time
	Round       int
	Planner     string
	Brief       string
	Notes       []string
	Commitment  *Commitment
	Evidence    []EvidenceUse
	Commands    []SentCommand
	Corrections []KnownCorrection
	Terms       Terms
}

// SentCommand is a command with its bytes.
type SentCommand struct {
	Command   lab.Command
	Body      []byte
	Published time.Time
	Events    []HeardEvent
}

// HeardEvent is an answer to a command, with its bytes.
type HeardEvent struct {
	Source string
	State  lab.CommandState
	Raw    []byte
	At     time.Time
}

// KnownCorrection is a correction and since when it is known.
type KnownCorrection struct {
	Correction
	RecordedAt time.Time
}

// ExperimentOf returns the row of what the archive has. best is, by objective,
// the best value that its campaign has seen; see [ClassOf].
func ExperimentOf(r Recorded, best map[string]float64) (Experiment, error) {
	row, err := RowOf(r.Campaign, r.Outcome)
	if err != nil {
		return Experiment{}, err
	}
	row.Schema = ExperimentSchema
	e := Experiment{Row: row, Record: Record{
		License: r.Terms.License, Access: r.Terms.Access, Round: r.Round, Planner: r.Planner, Brief: r.Brief, Notes: append([]string{}, r.Notes...),
		Commitment: r.Commitment, Evidence: append([]EvidenceUse{}, r.Evidence...), RecordedAt: r.RecordedAt.UTC(),
		Commands: []CommandRecord{}, Raw: []RawFile{}, Samples: []SampleRecord{}, Corrections: []StoredCorrection{},
	}}
	for _, c := range r.Commands {
		e.Record.Commands = append(e.Record.Commands, recordOf(c))
		e.Record.Raw = append(e.Record.Raw, filesOf(c)...)
		e.Record.Samples = movedBy(e.Record.Samples, c.Command)
	}
	e.Class = ClassOf(e.Row, r.Campaign.Document.Objectives, best)
	for _, c := range r.Corrections {
		e.correct(c)
	}
	return e, nil
}

// ClassOf returns the class of an outcome. Negative is one that succeeded and
// of which a maximised objective cannot be told from nothing: it was seen at no
// more than twice its standard deviation, or no more than a twentieth of the
// best that its campaign has seen.
func ClassOf(r Row, objectives []lab.Objective, best map[string]float64) Class {
	switch r.State {
	case lab.OutcomeFailed:
		return Failed
	case lab.OutcomeCancelled:
		return Cancelled
	default: // nature answered, of which more below
	}
	for _, o := range objectives {
		seen, _ := r.Observed.Get(o.Name)
		if o.Direction != lab.Maximize || seen.Value == nil {
			continue
		}
		if top, ok := best[o.Name]; ok && top > 0 && *seen.Value <= top/20 || seen.Sigma != nil && *seen.Value <= 2**seen.Sigma {
			return Negative
		}
	}
	return Success
}

func (e *Experiment) correct(c KnownCorrection) {
	s := StoredCorrection{Kind: c.Kind, By: c.By, Why: c.Why, Objective: c.Objective, Value: c.Value, Sigma: c.Sigma, Class: e.Class, RecordedAt: c.RecordedAt.UTC()}
	if c.Kind == "invalidate" {
		e.Class = Invalidated
	}
	for i, m := range e.Observed {
		if c.Kind == "observed" && m.Name == c.Objective {
			s.Was, s.WasSigma = m.Value.Value, m.Value.Sigma
			e.Observed[i].Value.Value, e.Observed[i].Value.Sigma = c.Value, c.Sigma
		}
	}
	e.Record.Corrections = append(e.Record.Corrections, s)
}

// CauseOf returns the kind of a failure by its code: device, material, protocol,
// plan, environment, data or human.
func CauseOf(code string) string {
	switch code {
	case "rejected", "cancelled", "wrong_mode":
		return "human"
	case "max_lag", "not_possible", "stale_epoch", "no_lease", "expired", "no_time", "busy", "dependency_failed":
		return "plan"
	case "no_observation":
		return "data"
	case "bad_message", "bad_params", "unknown_command":
		return "protocol"
	case "consumable":
		return "material"
	case "interlock", "power_loss":
		return "environment"
	default:
		return "device"
	}
}

func recordOf(c SentCommand) CommandRecord {
	out := CommandRecord{c.Command.ID, c.Command.Step, c.Command.Device, hexSum(string(c.Body)), len(c.Body), c.Published.UTC(), []EventRecord{}}
	for _, ev := range c.Events {
		out.Events = append(out.Events, EventRecord{ev.Source, ev.State, hexSum(string(ev.Raw)), len(ev.Raw), ev.At.UTC()})
	}
	return out
}

// filesOf returns the files that a command's last answer names.
func filesOf(c SentCommand) []RawFile {
	var files []RawFile
	for _, ev := range c.Events {
		var said struct {
			Blobs []struct {
				Name      string `json:"name"`
				MediaType string `json:"media_type"`
				Size      int64  `json:"size"`
				SHA256    string `json:"sha256"`
			} `json:"blobs"`
		}
		if !ev.State.Terminal() || json.Unmarshal(ev.Raw, &said) != nil {
			continue
		}
		files = files[:0]
		for _, b := range said.Blobs {
			files = append(files, RawFile{b.Name, b.MediaType, b.SHA256, b.Size, c.Command.ID})
		}
	}
	return files
}

func movedBy(samples []SampleRecord, c lab.Command) []SampleRecord {
	for _, ref := range c.Samples {
		i := slices.IndexFunc(samples, func(s SampleRecord) bool { return s.ID == ref.ID })
		if i < 0 {
			name := ref.ID
			if dot := len(c.ExperimentID.UUID()); len(name) > dot+1 && name[:dot] == c.ExperimentID.UUID() {
				name = name[dot+1:]
			}
			samples, i = append(samples, SampleRecord{ID: ref.ID, Name: name, History: []SampleEvent{}}), len(samples)
		}
		relation := "worked"
		if c.Name == "transfer" {
			relation = "moved"
		}
		samples[i].History = append(samples[i].History, SampleEvent{relation, c.Step, c.ID, c.Device, ref.Slot})
	}
	return samples
}
