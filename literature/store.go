package literature

import (
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// Store keeps corpora: papers, what was said of them and what was found in them.
// A corpus is named by its caller and exists once something is put into it.
// Everything may be repeated: the second time changes nothing. What is told of
// papers is only ever added to, so that a replay sees what was known when.
//
// Errors are of kind lab.Invalid for names and values that can never be kept,
// lab.NotFound for a finding or paper that is not there, and lab.Unavailable when
// trying again may help.
type Store interface {
	// Import keeps a batch whole or not at all, its checkpoint included. A paper
	// whose id is known is merged into the one before as [Paper.Merged] says.
	Import(ctx context.Context, corpus string, b Batch) (Receipt, error)
	// Papers returns all records in the order of their arrival.
	Papers(ctx context.Context, corpus string) ([]Paper, error)
	// Imports returns what was imported, each content of a source once, oldest first.
	Imports(ctx context.Context, corpus string) ([]Imported, error)
	// Quarantined returns the records that were held back, oldest first.
	Quarantined(ctx context.Context, corpus string) ([]Quarantined, error)
	// Checkpoint returns where reading a source stopped, and false for a source
	// that was never read.
	Checkpoint(ctx context.Context, corpus, source string) (Checkpoint, bool, error)

	// Judge adds judgements. Of one reviewer on one paper in one review the last
	// holds.
	Judge(ctx context.Context, corpus string, js ...Judgement) error
	// Judgements returns those of a review that hold, in the order in which they
	// were made; "" is a review like any other.
	Judgements(ctx context.Context, corpus, review string) ([]Judgement, error)
	// Reviews returns the names of the reviews that have judgements, sorted.
	Reviews(ctx context.Context, corpus string) ([]string, error)

	// PutFindings replaces, paper by paper, what an extractor found in a text of the
	// given hash, and an earlier version of its rules too. Findings keep their ids, and so their corrections, when they are found
	// again.
	PutFindings(ctx context.Context, corpus string, es ...Extraction) error
	// Extracted returns which texts an extractor has read, by paper in the order of
	// arrival and then by extractor.
	Extracted(ctx context.Context, corpus string) ([]Extracted, error)
	// Findings returns what was found, by paper in the order of arrival and then
	// by place, each with the correction that holds; then what people stood for and no
	// extractor finds any more.
	Findings(ctx context.Context, corpus string) ([]Found, error)
	// Correct adds a person's word on a finding; the last one holds.
	Correct(ctx context.Context, corpus string, c Correction) error
	// Corrections returns all that people said of findings, oldest first.
	Corrections(ctx context.Context, corpus string) ([]Correction, error)
}

// Batch is what a file, or a page of a source, brought.
type Batch struct {
	Source      string        `json:"source"` // a file's name, or a source and its query
	Digest      string        `json:"digest"` // SHA-256 of the content, hexadecimal
	Format      string        `json:"format"`
	Papers      []Paper       `json:"papers"`
	Quarantined []Quarantined `json:"quarantined"`
	Checkpoint  *Checkpoint   `json:"checkpoint,omitempty"`
	At          time.Time     `json:"at"`
}

// Receipt counts what a batch did to a corpus.
type Receipt struct {
	New         int `json:"new"`
	Updated     int `json:"updated"` // known by their id, and now say more or something else
	Unchanged   int `json:"unchanged"`
	Quarantined int `json:"quarantined"` // records held back that were not before
}

// Imported is a line of the log of imports.
type Imported struct {
	Source  string    `json:"source"`
	Digest  string    `json:"digest"`
	Format  string    `json:"format"`
	Records int       `json:"records"` // that were understood
	Receipt Receipt   `json:"receipt"`
	At      time.Time `json:"at"`
}

// Quarantined is a record that was not understood.
type Quarantined struct {
	Source string `json:"source,omitempty"`
	Record int    `json:"record"`         // 1 for the first of the file
	Line   int    `json:"line,omitempty"` // where it begins, 1 for the first; 0 where lines mean nothing
	Reason string `json:"reason"`         // what is wrong, and what would be right
	Raw    string `json:"raw"`            // its beginning, valid UTF-8
}

// Checkpoint is where reading a source stopped.
type Checkpoint struct {
	Source string          `json:"source"`
	State  json.RawMessage `json:"state"` // in the words of the source
	Done   bool            `json:"done"`  // nothing more is there to read
}

// Label is a reader's judgement of a paper.
type Label string

// The labels. Unread takes back what was said.
const (
	Relevant   Label = "relevant"
	Irrelevant Label = "irrelevant"
	Unsure     Label = "unsure"
	Unread     Label = "unread"
)

// Known reports whether l is one of the labels.
func (l Label) Known() bool {
	return l == Relevant || l == Irrelevant || l == Unsure || l == Unread
}

// Judgement is what a reviewer said of a paper for the question of a review.
type Judgement struct {
	Review   string    `json:"review,omitempty"`
	Paper    string    `json:"paper"`
	Reviewer string    `json:"reviewer"`
	Label    Label     `json:"label"`
	Reason   string    `json:"reason,omitempty"` // why it was excluded, for the report
	At       time.Time `json:"at"`
}

// Extraction is what one extractor found in one text.
type Extraction struct {
	Paper     string    `json:"paper"`
	Extractor string    `json:"extractor"`
	TextHash  string    `json:"text_hash"` // [Paper.TextHash] of what was read
	Findings  []Finding `json:"findings"`
	Dropped   int       `json:"dropped"` // values that were claimed and did not stand in their span
	At        time.Time `json:"at"`
}

// Extracted says that an extractor has read a text.
type Extracted struct {
	Paper     string    `json:"paper"`
	Extractor string    `json:"extractor"`
	TextHash  string    `json:"text_hash"`
	Findings  int       `json:"findings"`
	Dropped   int       `json:"dropped"`
	At        time.Time `json:"at"`
}

// Found is a finding as it is kept.
type Found struct {
	ID       string  `json:"id"` // [FindingID]
	Finding  Finding `json:"finding"`
	TextHash string  `json:"text_hash"`
	// Correction is nil where nobody has looked at it, or took back what was said.
	Correction *Correction `json:"correction,omitempty"`
	// History is all that people said of it, oldest first.
	History []Correction `json:"history,omitempty"`
}

// Verdict is what a person says of a finding.
type Verdict string

// The verdicts.
const (
	Accepted  Verdict = "accepted"
	Rejected  Verdict = "rejected"
	Corrected Verdict = "corrected"
	Reopened  Verdict = "reopened" // takes back what was said
)

// Correction is a person's word on a finding. Fields that are nil stay as found.
type Correction struct {
	Finding   string    `json:"finding"` // its id
	By        string    `json:"by"`
	Verdict   Verdict   `json:"verdict"`
	Parameter *string   `json:"parameter,omitempty"`
	Operation *string   `json:"operation,omitempty"`
	Value     *float64  `json:"value,omitempty"`
	High      *float64  `json:"high,omitempty"`
	Unit      *string   `json:"unit,omitempty"` // UCUM
	Outcome   *bool     `json:"outcome,omitempty"`
	Why       string    `json:"why,omitempty"`
	At        time.Time `json:"at"`
	// Was is the finding that the person looked at, and TextHash names its text. The
	// store fills them in: the word keeps its meaning when nothing finds it again.
	Was      *Finding `json:"was,omitempty"`
	TextHash string   `json:"text_hash,omitempty"`
}

// Changes reports whether c says that a field should be another.
func (c Correction) Changes() bool {
	return c.Parameter != nil || c.Operation != nil || c.Value != nil || c.High != nil || c.Unit != nil || c.Outcome != nil
}

// Repeats reports whether c says what the same person said last.
func (c Correction) Repeats(last Correction) bool {
	for _, x := range []*Correction{&c, &last} {
		x.At, x.Was, x.TextHash = time.Time{}, nil, ""
	}
	return reflect.DeepEqual(c, last)
}

// Current returns the finding with its correction, and false when a person has
// rejected it.
func (f Found) Current() (Finding, bool) {
	x, c := f.Finding, f.Correction
	if c == nil {
		return x, true
	}
	if c.Verdict == Rejected {
		return x, false
	}
	if c.Parameter != nil {
		x.Parameter = *c.Parameter
	}
	if c.Operation != nil {
		x.Operation, x.Verb = *c.Operation, Span{}
	}
	if c.Value != nil {
		x.High += *c.Value - x.Value // a range moves whole unless its end is told too
		if f.Finding.High == f.Finding.Value {
			x.High = *c.Value
		}
		x.Value = *c.Value
	}
	if c.High != nil {
		x.High = *c.High
	}
	if c.Unit != nil {
		x.Unit = *c.Unit
	}
	if c.Outcome != nil {
		x.Outcome = *c.Outcome
	}
	return x, true
}
