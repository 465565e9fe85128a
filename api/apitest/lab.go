// Package apitest is a laboratory in memory that answers the ports of package
// api: for the tests of the API, and for working on the page without the rest of
// the house. It moves only when [Lab.Tick] is called, and always in the same way.
package apitest

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
	"github.com/athanor-lab/athanor/lab"
)

// Lab is a laboratory in memory. It is safe for concurrent use.
type Lab struct {
	mu        sync.Mutex
	now       func() time.Time
	shift     time.Duration // of the laboratory's clock, while it makes up a past
	rng       *rand.Rand
	campaigns []*campaign // oldest first
	keys      map[string]*campaign
	devices   []*lab.Device
	events    []lab.Event
	snapshots []api.SnapshotInfo
	desk      *importer.Desk // of imports, whose store is in memory
	wakes     map[int]func()
	wakeID    int
	stopped   bool
	settled   bool // the handover that was in dispute
	// Broken, when set, is what every port answers.
	broken error
}

type campaign struct {
	lab.Campaign
	source    []byte
	format    api.Format
	progress  lab.Progress
	plans     []lab.Plan
	exps      []*experiment
	pending   *lab.Plan                 // waits for approval
	said      map[string]string         // of papers: by their ids
	enough    bool                      // of judging papers
	words     map[int][]api.FindingWord // said of findings, by their place in what stands
	corrected map[int]api.Correction    // what holds of them
	doubt     *api.Question
}

type experiment struct {
	api.Experiment
	step     int     // at work on, of the protocol's
	progress float64 // of that step
}

// New returns a laboratory with five devices and no campaign.
func New(now func() time.Time) *Lab {
	l := &Lab{now: now, rng: rand.New(rand.NewPCG(7, 11)), keys: map[string]*campaign{}, wakes: map[int]func(){}}
	l.devices = fleet(now())
	l.desk = importer.NewDesk(importtest.NewMemory(nil), nil, "")
	return l
}

// SetInbox names the folder of imports, before the laboratory serves.
func (l *Lab) SetInbox(dir string) {
	l.desk = importer.NewDesk(importtest.NewMemory(nil), nil, dir)
}

// clock is the time in the laboratory.
func (l *Lab) clock() time.Time { return l.now().Add(l.shift) }

// Break makes every port answer err until it is called with nil.
func (l *Lab) Break(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

// Server returns an API server over l.
func (l *Lab) Server() *api.Server {
	return &api.Server{
		Campaigns: campaignsPort{l}, Control: controlPort{l}, Devices: devicesPort{l}, Exporter: exportPort{l}, Events: eventsPort{l}, Library: libraryPort{l}, Snapshots: snapshotsPort{l}, Imports: l.desk,
		Schema: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`), Examples: Examples(), Version: "test",
		Now: l.now, Rand: &source{rng: rand.NewChaCha8([32]byte{1})},
	}
}

// source makes bytes that are the same in every run.
type source struct{ rng *rand.ChaCha8 }

func (s *source) Read(b []byte) (int, error) { return s.rng.Read(b) } //nolint:wrapcheck // never fails

// append adds to the log. The caller holds the lock.
func (l *Lab) append(kind lab.EventKind, c *campaign, number int, device string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err) // our own types
	}
	e := lab.Event{Seq: int64(len(l.events) + 1), At: l.clock().UTC(), Kind: kind, Number: number, Device: device, Data: b}
	if c != nil {
		id := c.ID
		e.CampaignID = &id
	}
	l.events = append(l.events, e)
	for _, wake := range l.wakes {
		wake()
	}
}

func (l *Lab) find(id lab.CampaignID) (*campaign, error) {
	if l.broken != nil {
		return nil, l.broken
	}
	for _, c := range l.campaigns {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, lab.Errorf(lab.NotFound, "no campaign %s", id)
}

// setState changes a campaign's state and tells it.
func (l *Lab) setState(c *campaign, state lab.CampaignState, reason string) {
	c.progress.State, c.progress.Reason, c.progress.UpdatedAt = state, reason, l.clock().UTC()
	l.append(lab.EventCampaign, c, 0, "", c.progress)
}

type campaignsPort struct{ *Lab }

func (p campaignsPort) Check(_ context.Context, src []byte, format api.Format) (*lab.Document, []lab.Problem, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return nil, nil, p.broken
	}
	doc, problems := check(src, format)
	return doc, problems, nil
}

func (p campaignsPort) Submit(_ context.Context, s api.Submission) (lab.Campaign, bool, []lab.Problem, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return lab.Campaign{}, false, nil, p.broken
	}
	if c := p.keys[s.Key]; c != nil && s.Key != "" {
		if string(c.source) != string(s.Source) {
			return lab.Campaign{}, false, nil, lab.Errorf(lab.Invalid, "the Idempotency-Key %q was used for another document; take a new key", s.Key)
		}
		return c.Campaign, true, nil, nil
	}
	doc, problems := check(s.Source, s.Format)
	if len(problems) > 0 {
		return lab.Campaign{}, false, problems, nil
	}
	c := p.add(s, *doc)
	if s.Key != "" {
		p.keys[s.Key] = c
	}
	return c.Campaign, false, nil, nil
}

// add keeps a checked document. The caller holds the lock.
func (l *Lab) add(s api.Submission, doc lab.Document) *campaign {
	c := &campaign{Campaign: lab.Campaign{ID: s.ID, Document: doc, SubmittedAt: s.At}, said: map[string]string{}, words: map[int][]api.FindingWord{}, corrected: map[int]api.Correction{}, source: s.Source, format: s.Format}
	l.campaigns = append(l.campaigns, c)
	l.setState(c, lab.Running, "")
	return c
}

func (p campaignsPort) List(_ context.Context, f api.Filter) ([]api.Standing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return nil, p.broken
	}
	var out []api.Standing
	for _, c := range slices.Backward(p.campaigns) {
		older := f.Before.IsZero() || cmp.Compare(c.ID.UUID(), f.Before.UUID()) < 0
		wanted := len(f.States) == 0 || slices.Contains(f.States, c.progress.State)
		named := strings.Contains(strings.ToLower(c.Document.Title), strings.ToLower(f.Query))
		if older && wanted && named && len(out) < f.Limit {
			out = append(out, api.Standing{Campaign: c.Campaign, Progress: c.progress})
		}
	}
	return out, nil
}

func (p campaignsPort) Get(_ context.Context, id lab.CampaignID) (api.Standing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return api.Standing{}, err
	}
	return api.Standing{Campaign: c.Campaign, Progress: c.progress}, nil
}

func (p campaignsPort) Source(_ context.Context, id lab.CampaignID) ([]byte, api.Format, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return nil, "", err
	}
	return c.source, c.format, nil
}

func (p campaignsPort) Plans(_ context.Context, id lab.CampaignID, after, limit int) ([]lab.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return nil, err
	}
	return window(c.plans, after, limit), nil
}

func (p campaignsPort) Plan(_ context.Context, id lab.CampaignID, round int) (lab.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return lab.Plan{}, err
	}
	if round > len(c.plans) {
		return lab.Plan{}, lab.Errorf(lab.NotFound, "campaign %s has no round %d yet", id, round)
	}
	return c.plans[round-1], nil
}

func (p campaignsPort) Experiments(_ context.Context, id lab.CampaignID, after, limit int) ([]api.Experiment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return nil, err
	}
	var out []api.Experiment
	for _, e := range window(c.exps, after, limit) {
		out = append(out, e.Experiment)
	}
	return out, nil
}

func (p campaignsPort) Experiment(_ context.Context, id lab.CampaignID, number int) (api.Experiment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return api.Experiment{}, err
	}
	if number > len(c.exps) {
		return api.Experiment{}, lab.Errorf(lab.NotFound, "campaign %s has no experiment %d", id, number)
	}
	e := c.exps[number-1].Experiment
	e.Outcome.Steps = slices.Clone(e.Outcome.Steps)
	return e, nil
}

func (p campaignsPort) Questions(_ context.Context, id lab.CampaignID) ([]api.Question, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return nil, p.broken
	}
	var out []api.Question
	for _, c := range p.campaigns {
		if !id.IsZero() && c.ID != id {
			continue
		}
		if c.pending != nil && c.progress.State == lab.AwaitingApproval {
			out = append(out, api.Question{Campaign: c.ID, Title: c.Document.Title, Since: c.progress.UpdatedAt, Plan: c.pending})
		}
		if c.doubt != nil {
			out = append(out, *c.doubt)
		}
	}
	return out, nil
}

// window returns the part of a numbered list after a number.
func window[T any](all []T, after, limit int) []T {
	after = min(after, len(all))
	return slices.Clone(all[after:min(after+limit, len(all))])
}

type exportPort struct{ *Lab }

func (p exportPort) Export(_ context.Context, id lab.CampaignID, format string, w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return err
	}
	if format == "csv" {
		return writeCSV(c, w)
	}
	enc := json.NewEncoder(w)
	for _, e := range c.exps {
		if e.Outcome.State == "" {
			continue
		}
		if err := enc.Encode(e.Outcome); err != nil {
			return err //nolint:wrapcheck // a test's writer
		}
	}
	return nil
}

type eventsPort struct{ *Lab }

func (p eventsPort) Last(context.Context) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(len(p.events)), p.broken
}

func (p eventsPort) Since(_ context.Context, after int64, limit int) ([]lab.Event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return window(p.events, int(after), limit), p.broken
}

func (p eventsPort) Before(_ context.Context, id lab.CampaignID, before int64, limit int) ([]lab.Event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.find(id); err != nil {
		return nil, err
	}
	var out []lab.Event
	for _, e := range slices.Backward(p.events) {
		if e.CampaignID != nil && *e.CampaignID == id && (before == 0 || e.Seq < before) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (p eventsPort) Listen(ctx context.Context, wake func()) error {
	p.mu.Lock()
	p.wakeID++
	id := p.wakeID
	p.wakes[id] = wake
	p.mu.Unlock()
	wake() // for what was appended before
	<-ctx.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wakes, id)
	return ctx.Err()
}
