package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/index"
)

// Proposer is the planner that reads.
type Proposer interface {
	Propose(ctx context.Context, b lab.Brief) (lab.Plan, error)
}

// Experiments are the mean numbers of experiments to the first condition of the
// best 5 %, by what the planner had read, over all materials of the tables of the
// folder planner-lookup.
type Experiments struct {
	Saved
	// Tables are the same by table, those of other folders among them.
	Tables map[string]Saved `json:"tables,omitempty"`
}

// Saved is what reading saved.
type Saved struct {
	None         *float64 `json:"none"`
	RandomPapers *float64 `json:"random_papers"` // 8 of other materials
	RankedPapers *float64 `json:"ranked_papers"` // the 8 that rank best
	OffTopic     *float64 `json:"off_topic"`     // these and 24 on something else
	Misleading   *float64 `json:"misleading"`    // 8 that report the worst of what they tried
	FromProse    *float64 `json:"from_prose"`    // the 8 that rank best, read from sentences
	Random       *float64 `json:"random"`        // expected without any planner
	// Cut is the share of experiments that random papers save.
	Cut *float64 `json:"random_papers_cut"`
	// RankedBetterP is the one-sided p of the paired Wilcoxon test that ranked
	// papers need fewer than random ones.
	RankedBetterP *float64 `json:"ranked_better_p"`
	Campaigns     int      `json:"campaigns"` // to each kind of reading
	Materials     int      `json:"materials"`
}

// longest bounds a campaign.
const longest = 80

// reading is a kind of literature that a campaign had read.
type reading int

const (
	none reading = iota
	randomPapers
	rankedPapers
	offTopic
	misleading
	fromProse
	readings
)

// Count measures experiments alone: the tables of the folder planner-lookup and
// those of the options.
func Count(ctx context.Context, o Options) (Experiments, error) {
	return o.withDefaults().count(ctx, filepath.Join(o.Data, "planner-lookup"))
}

// count measures the tables of dir and those of the options.
func (o Options) count(ctx context.Context, dir string) (Experiments, error) {
	var out Experiments
	if o.Planner == nil {
		return out, nil
	}
	own, err := lookups(dir)
	if err != nil {
		return out, err
	}
	off, err := offSubject(o.Data)
	if err != nil {
		return out, err
	}
	out.Tables = map[string]Saved{}
	for i, l := range append(own, o.Tables...) {
		s, err := l.experiments(ctx, o.Planner, o, off)
		if err != nil {
			return out, err
		}
		out.Tables[l.Name] = s
		if i == 0 && len(own) > 0 {
			out.Saved = s
		}
	}
	return out, nil
}

// offSubject returns real papers on other subjects, from whichever set of texts is
// there.
func offSubject(data string) ([]index.Document, error) {
	var out []index.Document
	add := func(d beirDoc) {
		if len(out) < 20*strays && d.Title != "" {
			out = append(out, index.Document{ID: "stray " + strconv.Itoa(len(out)), Title: d.Title, Text: d.Text + d.Abstract})
		}
	}
	for _, pattern := range []string{"scifact/corpus.jsonl.gz", "screening/*.jsonl.gz"} {
		paths, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			return nil, err
		}
		slices.Sort(paths)
		for _, p := range paths {
			if len(out) >= strays {
				return out, nil
			}
			if err := rows(p, add); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// experiments measures one table.
func (l *Lookup) experiments(ctx context.Context, p Proposer, o Options, off []index.Document) (Saved, error) {
	rankings := l.rank(off)
	counts := make([][]float64, readings)
	random := 0.0
	for g := range l.Groups {
		for seed := range o.Campaigns {
			for r := range readings {
				if r == offTopic && len(off) < strays {
					continue
				}
				rng := rand.New(rand.NewPCG(uint64(seed), hash(l.Name, l.Groups[g].Name)))
				e, err := l.read(g, r, rankings[g], off, rng)
				if err != nil {
					return Saved{}, err
				}
				n, err := l.campaign(ctx, p, g, uint64(seed), e)
				if err != nil {
					return Saved{}, fmt.Errorf("%s, material %d, seed %d: %w", l.Name, g, seed, err)
				}
				counts[r] = append(counts[r], float64(n))
			}
		}
		n, top := float64(len(l.Groups[g].Value)), 0.0
		for _, good := range l.best(&l.Groups[g]) {
			if good {
				top++
			}
		}
		random += (n + 1) / (top + 1) / float64(len(l.Groups))
		o.Progress("%s %d of %d: experiments %s", l.Name, g+1, len(l.Groups), means(counts))
	}
	out := Saved{
		None: mean(counts[none]), RandomPapers: mean(counts[randomPapers]), RankedPapers: mean(counts[rankedPapers]), OffTopic: mean(counts[offTopic]),
		Misleading: mean(counts[misleading]), FromProse: mean(counts[fromProse]), Random: &random, Campaigns: len(counts[none]), Materials: len(l.Groups),
	}
	out.Cut = new(1 - *out.RandomPapers / *out.None)
	out.RankedBetterP = new(wilcoxon(counts[rankedPapers], counts[randomPapers]))
	return out, nil
}

func means(counts [][]float64) string {
	s := ""
	for _, c := range counts {
		if m := mean(c); m != nil {
			s += fmt.Sprintf(" %.2f", *m)
		}
	}
	return s
}

func mean(v []float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	s := 0.0
	for _, x := range v {
		s += x
	}
	return new(s / float64(len(v)))
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprintf(h, "%q", p)
	}
	return h.Sum64()
}

// read returns the evidence of a kind of literature; nil for none.
func (l *Lookup) read(g int, r reading, k ranking, off []index.Document, rng *rand.Rand) (*lab.Evidence, error) {
	if r == none {
		return nil, nil
	}
	var others []int
	for i := range l.Groups {
		if i != g {
			others = append(others, i)
		}
	}
	// Ranked and random papers differ in nothing but which they are. Where there are
	// fewer other materials than papers, some have several.
	chosen := make([]int, reads)
	drawn := rng.Perm(len(others))
	for i := range chosen {
		if r == randomPapers || r == misleading {
			chosen[i] = others[drawn[i%len(drawn)]]
		} else {
			chosen[i] = k.order[i%len(k.order)]
		}
	}
	var papers []paper
	for n, i := range chosen {
		papers = append(papers, paper{id: "paper " + strconv.Itoa(n+1), title: l.Groups[i].Name, relevance: k.relevance[i], claims: l.report(&l.Groups[i], rng, r == misleading)})
	}
	if r == offTopic {
		papers = append(papers, l.stray(g, k, off, rng)...)
	}
	return l.record(&l.Groups[g], papers, r == fromProse)
}

// stray returns papers on something else that happen to speak of the same
// conditions: all near one of the worst places of the other materials, as
// conditions of another field would be.
func (l *Lookup) stray(g int, k ranking, off []index.Document, rng *rand.Rand) []paper {
	var papers []paper
	other := &l.Groups[(g+1)%len(l.Groups)]
	for _, d := range rng.Perm(len(off))[:strays] {
		papers = append(papers, paper{id: off[d].ID, title: off[d].Title, relevance: k.strays[d], claims: l.report(&Group{Settings: other.Settings, Value: turned(other.Value)}, rng, false)})
	}
	return papers
}

// turned turns outcomes round, so that what is reported as good is bad.
func turned(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = -x
	}
	return out
}

// record makes evidence of papers, from what they claim or from what their
// sentences say.
func (l *Lookup) record(g *Group, papers []paper, prose bool) (*lab.Evidence, error) {
	var cited []lab.Cited
	var claims []evidence.Claim
	for _, p := range papers {
		cited = append(cited, lab.Cited{ID: p.id, Title: p.title, Relevance: p.relevance})
		if prose {
			claims = append(claims, l.readProse(g, p)...)
			continue
		}
		for i, c := range p.claims {
			e := evidence.Claim{Paper: p.id, Relevance: p.relevance, Confidence: sure, Merit: float64(len(p.claims)-1-i) / float64(max(1, len(p.claims)-1))}
			for k, q := range l.Parameters {
				e.Settings = append(e.Settings, lab.Setting{Name: q.Name, Value: c.at[k]})
			}
			claims = append(claims, e)
		}
	}
	e, err := evidence.Record(cited, claims)
	return &e, err
}

// campaign proposes until the first of the best 5 %, and returns how many
// experiments that took.
func (l *Lookup) campaign(ctx context.Context, p Proposer, g int, seed uint64, e *lab.Evidence) (int, error) {
	group := &l.Groups[g]
	top := l.best(group)
	rows := map[string]int{}
	for i, x := range group.Settings {
		rows[fmt.Sprint(x)] = i
	}
	limit := min(longest, len(group.Value))
	b := lab.Brief{
		CampaignID: lab.CampaignID{1}, Space: l.space(group), Objectives: []lab.Objective{l.Objective},
		Policy: lab.PlanPolicy{Planner: "auto", Batch: 1}, Seed: seed, Evidence: e, Want: 1,
	}
	for n := 1; n <= limit; n++ {
		b.Round, b.First = n, n
		plan, err := p.Propose(ctx, b)
		if err != nil {
			return 0, err
		}
		if len(plan.Proposals) == 0 {
			return 0, lab.Errorf(lab.Internal, "the planner proposed nothing after %d experiments", n-1)
		}
		settings := plan.Proposals[0].Settings
		x := make([]lab.Value, len(settings))
		for i, s := range settings {
			x[i] = s.Value
		}
		row, ok := rows[fmt.Sprint(x)]
		if !ok {
			return 0, lab.Errorf(lab.Internal, "the planner proposed %v, which is not in the table", x)
		}
		if top[row] {
			return n, nil
		}
		b.Known = append(b.Known, lab.Known{Number: n, Settings: settings, Observed: []lab.Measured{{Name: l.Objective.Name, Value: group.Value[row], Unit: l.Objective.Unit}}})
	}
	return limit, nil
}

// wilcoxon is the one-sided p of the signed-rank test that a is less than b in
// pairs, by the normal approximation with ties (Wilcoxon, Individual comparisons
// by ranking methods, 1945). Pairs without a difference are left out.
func wilcoxon(a, b []float64) float64 {
	var d []float64
	for i := range a {
		if a[i] != b[i] {
			d = append(d, b[i]-a[i])
		}
	}
	slices.SortFunc(d, func(x, y float64) int {
		switch {
		case math.Abs(x) < math.Abs(y):
			return -1
		case math.Abs(x) > math.Abs(y):
			return 1
		}
		return 0
	})
	n := float64(len(d))
	if n == 0 {
		return 1
	}
	plus, ties := 0.0, 0.0
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for _, x := range d[i:j] {
			if x > 0 {
				plus += float64(i+j+1) / 2
			}
		}
		i = j
	}
	sd := math.Sqrt(n*(n+1)*(2*n+1)/24 - ties/48)
	if sd == 0 {
		return 1
	}
	return 0.5 * math.Erfc((plus-n*(n+1)/4)/(sd*math.Sqrt2))
}
