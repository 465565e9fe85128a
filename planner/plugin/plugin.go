package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/space"
)

// Prefix marks the name of a plug-in in a campaign's plan.planner.
const Prefix = "plugin:"

// MediaType is what a brief is sent as; its answer is plain application/json or
// the same.
const MediaType = "application/json"

// Proposer decides a brief.
type Proposer interface {
	Propose(ctx context.Context, b lab.Brief) (lab.Plan, error)
}

// Options are what a plug-in is made with.
type Options struct {
	Name string // as in plan.planner, without the prefix
	URL  string // where briefs are posted, http or https
	// Timeout bounds one answer, default [DefaultTimeout].
	Timeout time.Duration
	// Fallback decides what the plug-in does not; its policy is "auto".
	Fallback Proposer
	// Feasible and Active compile the constraints and the conditions of a space, as
	// in [planner.Options].
	Feasible func(lab.Space) (func([]lab.Setting) (bool, error), error)
	Active   func(lab.Space) (func([]lab.Setting) []bool, error)
	// Client sends the requests; nil is one without redirects.
	Client *http.Client
}

// DefaultTimeout is within what a campaign gives to a decision.
const DefaultTimeout = 60 * time.Second

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 16 << 20

// Planner is a planner in another process. It is safe for concurrent use when
// its fallback is.
type Planner struct{ o Options }

// New returns a plug-in. Errors are of kind [lab.Invalid].
func New(o Options) (*Planner, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, lab.Errorf(lab.Invalid, "the planner %q is at %q; give an address such as http://127.0.0.1:9000/plan", o.Name, o.URL)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Client == nil {
		// A redirect would send the brief where nobody configured it to go.
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Planner{o}, nil
}

// Propose asks the plug-in, and where its answer is refused the fallback. The
// plan carries the ids, numbers and hash of the brief whoever decided. An error
// is the fallback's, or the end of ctx.
func (p *Planner) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	hash, err := planner.HashBrief(b)
	if err != nil {
		return lab.Plan{}, err
	}
	plan, err := p.ask(ctx, b)
	if err != nil {
		if ctx.Err() != nil {
			return lab.Plan{}, fmt.Errorf("ask the planner %s%s: %w", Prefix, p.o.Name, ctx.Err())
		}
		return Instead(ctx, p.o.Fallback, b, Prefix+p.o.Name, err)
	}
	plan.ID, plan.CampaignID, plan.Round, plan.BriefHash = b.PlanID, b.CampaignID, b.Round, hash
	for i := range plan.Proposals {
		q := &plan.Proposals[i]
		q.CampaignID, q.PlanID, q.Number = b.CampaignID, b.PlanID, b.First+i
		q.ExperimentID = lab.ExperimentIDOf(b.CampaignID, q.Number)
	}
	return plan, nil
}

// Instead has the fallback decide a brief whose policy names a planner that did
// not, and notes why.
func Instead(ctx context.Context, fallback Proposer, b lab.Brief, name string, why error) (lab.Plan, error) {
	hash, err := planner.HashBrief(b)
	if err != nil {
		return lab.Plan{}, err
	}
	b.Policy.Planner = "auto"
	plan, err := fallback.Propose(ctx, b)
	if err != nil {
		return plan, err
	}
	plan.BriefHash = hash
	plan.Planner += " for " + name
	plan.Notes = append([]string{fmt.Sprintf("The planner %s did not decide: %v. The planner auto decided instead.", name, why)}, plan.Notes...)
	return plan, nil
}

// ask returns the plug-in's plan, checked, without ids.
func (p *Planner) ask(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	check, err := p.checker(b)
	if err != nil {
		return lab.Plan{}, err
	}
	body, err := json.Marshal(whole(b))
	if err != nil {
		return lab.Plan{}, lab.Errorf(lab.Invalid, "write the brief as JSON: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.URL, bytes.NewReader(body))
	if err != nil {
		return lab.Plan{}, fmt.Errorf("ask %s: %w", p.o.URL, err)
	}
	req.Header.Set("Content-Type", MediaType)
	req.Header.Set("Accept", MediaType)
	res, err := p.o.Client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return lab.Plan{}, lab.Errorf(lab.Unavailable, "it took longer than %s", p.o.Timeout)
	}
	if err != nil {
		return lab.Plan{}, lab.Errorf(lab.Unavailable, "it cannot be reached: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return lab.Plan{}, lab.Errorf(lab.Unavailable, "it took longer than %s", p.o.Timeout)
	case err != nil:
		return lab.Plan{}, lab.Errorf(lab.Unavailable, "its answer broke off: %w", err)
	case res.StatusCode != http.StatusOK:
		return lab.Plan{}, lab.Errorf(lab.Unavailable, "it answered %s: %s", res.Status, excerpt(answer))
	case len(answer) > maxAnswer:
		return lab.Plan{}, lab.Errorf(lab.Invalid, "its answer has more than %d bytes", maxAnswer)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != MediaType {
		return lab.Plan{}, lab.Errorf(lab.Invalid, "its answer is %q, not %s", res.Header.Get("Content-Type"), MediaType)
	}
	plan, err := Read(answer)
	if err != nil {
		return lab.Plan{}, err
	}
	if plan.Planner == "" {
		return lab.Plan{}, lab.Errorf(lab.Invalid, `its plan has no planner; name what decided and its version, as "botorch/0.18.1"`)
	}
	plan.Planner = Prefix + p.o.Name + " " + plan.Planner
	return plan, check.plan(&plan)
}

// checker compiles the space of a brief and remembers what is taken.
func (p *Planner) checker(b lab.Brief) (*checker, error) {
	c := &checker{brief: b, taken: make(map[string]string)}
	var err error
	if len(b.Space.Constraints) > 0 {
		if p.o.Feasible == nil {
			return nil, lab.Errorf(lab.Invalid, "space.constraints has %d conditions and the plug-in was made without a way to check them", len(b.Space.Constraints))
		}
		if c.feasible, err = p.o.Feasible(b.Space); err != nil {
			return nil, fmt.Errorf("compile the constraints: %w", err)
		}
	}
	rules := space.Rules{Feasible: c.feasible}
	if p.o.Active != nil {
		if rules.Active, err = p.o.Active(b.Space); err != nil {
			return nil, fmt.Errorf("compile the conditions: %w", err)
		}
	}
	if c.space, err = space.Compile(b.Space, rules); err != nil {
		return nil, err
	}
	if err := c.take(b); err != nil {
		return nil, err
	}
	return c, nil
}

// whole returns the brief with lists in place of nulls.
func whole(b lab.Brief) lab.Brief {
	if b.Known == nil {
		b.Known = []lab.Known{}
	}
	if b.Pending == nil {
		b.Pending = []lab.Pending{}
	}
	return b
}

// Read reads a plan strictly: a field that plans do not have is an error, lest
// a misspelt one be lost. Errors are of kind [lab.Invalid].
func Read(body []byte) (lab.Plan, error) {
	var plan lab.Plan
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&plan); err != nil {
		return plan, lab.Errorf(lab.Invalid, "its answer is no plan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return plan, lab.Errorf(lab.Invalid, "its answer goes on after the plan")
	}
	return plan, nil
}

// excerpt returns the beginning of an answer on one line.
func excerpt(b []byte) string {
	s := strings.Join(strings.Fields(string(b[:min(len(b), 200)])), " ")
	return strings.ToValidUTF8(s, "·")
}
