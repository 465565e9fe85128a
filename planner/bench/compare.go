package bench

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// PeerSet is how another planner did on one table, campaign by campaign from the
// same starts.
type PeerSet struct {
	Pairs        int      `json:"pairs"`         // campaigns that both have completed
	RelativeArea float64  `json:"relative_area"` // its own, over those
	Ours         float64  `json:"ours"`          // over the same
	Difference   float64  `json:"difference"`    // ours less its own: below 0 we are ahead
	Interval     Interval `json:"difference_ci95"`
	P            float64  `json:"p"`      // Wilcoxon's signed-rank test over the pairs, two-sided
	PHolm        float64  `json:"p_holm"` // corrected for the number of tables
	CPUMS        float64  `json:"suggest_cpu_ms_p50"`
	Repeats      int      `json:"repeats"` // rows proposed again, answered for nothing

	differences []float64
}

// Peer is how another planner did on all tables, or problems of the suite, that
// it was run on.
type Peer struct {
	Version string `json:"version"`
	Over
	// Kinds is the same by kind of table or problem.
	Kinds map[string]Over `json:"kinds"`
	// Worse names the sets on which we are behind by more than 0.10 with p_holm
	// under 0.05.
	Worse    []string `json:"significantly_worse_by_0.10,omitempty"`
	CPURatio float64  `json:"suggest_cpu_ratio"` // its processor time of a suggestion over ours, medians over sets
}

// Over is a comparison over some sets.
type Over struct {
	Sets         int     `json:"sets"`
	Pairs        int     `json:"pairs"`
	RelativeArea float64 `json:"mean_relative_area"` // its own, the mean over sets
	Ours         float64 `json:"ours"`               // over the same pairs
	Difference   float64 `json:"difference"`
	// Interval is of the mean difference over pairs, each set weighing by its
	// pairs.
	Interval Interval `json:"difference_ci95"`
	P        float64  `json:"p"`      // Wilcoxon over all pairs, two-sided
	PSets    float64  `json:"p_sets"` // Wilcoxon over the means of sets, two-sided
}

// over compares over sets.
func over(sets []PeerSet) Over {
	o := Over{Sets: len(sets)}
	var means, all []float64
	for _, s := range sets {
		o.Pairs += s.Pairs
		o.RelativeArea += s.RelativeArea / float64(len(sets))
		o.Ours += s.Ours / float64(len(sets))
		means = append(means, s.Difference)
		all = append(all, s.differences...)
	}
	o.Difference, o.Interval = o.Ours-o.RelativeArea, interval(all)
	o.P, o.PSets = wilcoxon(all), wilcoxon(means)
	return o
}

// versus gathers what the tables say of each peer.
type versus struct {
	sets     map[string]map[string]PeerSet // by peer, then table
	versions map[string]string
}

func newVersus() *versus {
	return &versus{sets: make(map[string]map[string]PeerSet), versions: make(map[string]string)}
}

// add takes a peer's areas by seed on a set beside ours, from seed 1.
func (v *versus) add(name, version, set string, theirs map[int]float64, ours []float64, p PeerSet) PeerSet {
	p.Pairs = len(theirs)
	for _, seed := range slices.Sorted(maps.Keys(theirs)) {
		p.RelativeArea += theirs[seed] / float64(p.Pairs)
		p.Ours += ours[seed-1] / float64(p.Pairs)
		p.differences = append(p.differences, ours[seed-1]-theirs[seed])
	}
	p.Difference, p.Interval = mean(p.differences), interval(p.differences)
	p.P = wilcoxon(p.differences)
	v.versions[name] = version
	if v.sets[name] == nil {
		v.sets[name] = make(map[string]PeerSet)
	}
	v.sets[name][set] = p
	return p
}

// compare sets the traces of a table beside our areas.
func (t *Table) compare(s Set, o Options, traces []Trace, v *versus) (map[string]PeerSet, error) {
	digest := t.Digest()
	versions := make(map[string]string)
	areas := make(map[string]map[int]float64)
	cpu := make(map[string][]float64)
	repeats := make(map[string]int)
	for _, tr := range traces {
		if tr.Table != digest || tr.Seed > len(s.Areas) {
			continue
		}
		if why := t.fits(tr, t.starts(tr.Seed, min(o.Starts, s.Budget)), s.Budget); why != "" {
			if o.Budget > 0 || o.Starts != (Options{}).withDefaults().Starts {
				continue // campaigns of another length than the peers'
			}
			return nil, lab.Errorf(lab.Invalid, "the trace of %s on %s, seed %d, %s; run bench/peers again for this table", tr.Planner, tr.Dataset, tr.Seed, why)
		}
		if areas[tr.Planner] == nil {
			areas[tr.Planner] = make(map[int]float64)
		}
		areas[tr.Planner][tr.Seed] = t.area(tr.Order, tr.Starts) / t.random
		cpu[tr.Planner] = append(cpu[tr.Planner], tr.CPUMS...)
		repeats[tr.Planner] += tr.Repeats
		versions[tr.Planner] = tr.Version
	}
	if len(areas) == 0 {
		return nil, nil
	}
	out := make(map[string]PeerSet)
	for name := range areas {
		out[name] = v.add(name, versions[name], t.Name, areas[name], s.Areas, PeerSet{CPUMS: quantiles(cpu[name]).P50, Repeats: repeats[name]})
		if s.Degenerate {
			delete(v.sets[name], t.Name)
		}
	}
	return out, nil
}

// side is what we have on a set, for [versus.summary] to set beside.
type side struct {
	kind  string
	cpuMS float64
	peers map[string]PeerSet
}

// summary compares over all sets, and corrects the p-values of each peer's sets
// for their number.
func (v *versus) summary(ours func(set string) side) map[string]Peer {
	v.addBest()
	out := make(map[string]Peer)
	for name, sets := range v.sets {
		order := slices.Sorted(maps.Keys(sets))
		if len(order) == 0 {
			continue
		}
		p := Peer{Version: v.versions[name], Kinds: make(map[string]Over)}
		var ps, ratios []float64
		for _, set := range order {
			ps = append(ps, sets[set].P)
		}
		corrected := holm(ps)
		kinds := make(map[string][]PeerSet)
		var all []PeerSet
		for i, set := range order {
			s, us := sets[set], ours(set)
			if own, ok := us.peers[name]; ok {
				own.PHolm = corrected[i]
				us.peers[name] = own
			}
			all, kinds[us.kind] = append(all, s), append(kinds[us.kind], s)
			if us.cpuMS > 0 {
				ratios = append(ratios, s.CPUMS/us.cpuMS)
			}
			if s.Difference > 0.10 && corrected[i] < 0.05 {
				p.Worse = append(p.Worse, set)
			}
		}
		p.Over = over(all)
		for kind, sets := range kinds {
			p.Kinds[kind] = over(sets)
		}
		p.CPURatio = quantiles(ratios).P50
		out[name] = p
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// addBest makes of the settings of a package its best one: on each table the
// setting with the least mean area, chosen in hindsight, which favours it.
func (v *versus) addBest() {
	packages := make(map[string][]string)
	for name, version := range v.versions {
		pkg, _, _ := strings.Cut(version, " ")
		packages[pkg] = append(packages[pkg], name)
	}
	for pkg, names := range packages {
		if len(names) < 2 {
			continue
		}
		slices.Sort(names)
		best := make(map[string]PeerSet)
		for _, name := range names {
			for set, s := range v.sets[name] {
				// A setting with fewer campaigns than another is not yet known.
				if b, ok := best[set]; !ok || cmp.Or(cmp.Compare(b.Pairs, s.Pairs), cmp.Compare(s.RelativeArea, b.RelativeArea)) < 0 {
					best[set] = s
				}
			}
		}
		v.sets["best "+pkg], v.versions["best "+pkg] = best, v.versions[names[0]]
	}
}
