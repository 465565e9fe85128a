package bench

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// CampaignFormat names a line of the files that [SyntheticTraces] reads.
const CampaignFormat = "athanor-bench-campaign/1"

// SyntheticTrace is one campaign of another planner on a problem of the suite,
// as it was run over [Serve].
type SyntheticTrace struct {
	Format   string        `json:"format"`
	Problem  string        `json:"problem"`
	Planner  string        `json:"planner"` // with its setting, as "optuna-tpe"
	Version  string        `json:"version"` // package and version
	Seed     int           `json:"seed"`
	Starts   int           `json:"starts"`   // how many of Points were given
	Points   [][]lab.Value `json:"points"`   // as they were tried
	Outcomes [][]float64   `json:"outcomes"` // null where the experiment failed
	CPUMS    []float64     `json:"cpu_ms"`   // of each suggestion after the starts
	Repeats  int           `json:"repeats"`
	Drawn    int           `json:"drawn"`
}

// SyntheticTraces reads every .jsonl and .jsonl.gz file of a directory, as
// [Traces] does.
func SyntheticTraces(dir string) ([]SyntheticTrace, error) {
	return folderOf(dir, ReadSyntheticTraces)
}

// ReadSyntheticTraces reads a campaign to a line, as [ReadTraces] does.
func ReadSyntheticTraces(r io.Reader) ([]SyntheticTrace, error) {
	return linesOf(r, func(t SyntheticTrace) error {
		if t.Format != CampaignFormat {
			return lab.Errorf(lab.Invalid, "format is %q, not %q", t.Format, CampaignFormat)
		}
		if t.Planner == "" || t.Seed < 1 || t.Starts < 0 || t.Starts > len(t.Points) || len(t.Outcomes) != len(t.Points) {
			return lab.Errorf(lab.Invalid, "a trace has a planner, a seed from 1, %d of %d points as starts and %d outcomes", t.Starts, len(t.Points), len(t.Outcomes))
		}
		return nil
	})
}

// compareSynthetic sets the traces on a problem beside our areas.
func compareSynthetic(s SyntheticProblem, instances []*instance, traces []SyntheticTrace, v *versus) (map[string]PeerSet, error) {
	name := instances[0].name
	out := make(map[string]PeerSet)
	areas := make(map[string]map[int]float64)
	versions := make(map[string]string)
	cpu := make(map[string][]float64)
	repeats := make(map[string]int)
	for _, tr := range traces {
		if tr.Problem != name || tr.Seed > len(instances) {
			continue
		}
		in := instances[tr.Seed-1]
		rows, err := in.replay(tr)
		if err != nil {
			return nil, fmt.Errorf("the trace of %s, seed %d: %w; run bench/peers again for this problem", tr.Planner, tr.Seed, err)
		}
		if areas[tr.Planner] == nil {
			areas[tr.Planner] = make(map[int]float64)
		}
		areas[tr.Planner][tr.Seed] = total(in.losses(rows)[warmUp:]) / s.random
		versions[tr.Planner] = tr.Version
		cpu[tr.Planner] = append(cpu[tr.Planner], tr.CPUMS...)
		repeats[tr.Planner] += tr.Repeats
	}
	for peer := range areas {
		out[peer] = v.add(peer, versions[peer], name, areas[peer], s.Areas, PeerSet{CPUMS: quantiles(cpu[peer]).P50, Repeats: repeats[peer]})
	}
	return out, nil
}

// replay does the experiments of a trace again and returns their rows. Errors
// say why it is no campaign of the instance.
func (in *instance) replay(tr SyntheticTrace) ([][]float64, error) {
	if len(tr.Points) != in.budget || tr.Starts != len(in.starts) {
		return nil, lab.Errorf(lab.Invalid, "it has %d experiments and %d starts, not %d and %d", len(tr.Points), tr.Starts, in.budget, len(in.starts))
	}
	rng := noise(uint64(tr.Seed))
	var rows [][]float64
	for i, point := range tr.Points {
		x, err := in.read(point)
		if err != nil {
			return nil, fmt.Errorf("experiment %d: %w", i+1, err)
		}
		if !in.meets(x) {
			return nil, lab.Errorf(lab.Invalid, "experiment %d breaks a constraint", i+1)
		}
		if i < tr.Starts && !slices.Equal(x, in.starts[i]) {
			return nil, lab.Errorf(lab.Invalid, "it has other starts")
		}
		observed := in.observe(x, rng)
		same := len(observed) == len(tr.Outcomes[i])
		for j := 0; same && j < len(observed); j++ {
			y := observed[j].Value
			same = math.Abs(y-tr.Outcomes[i][j]) <= 1e-9*(1+math.Abs(y))
		}
		if !same {
			return nil, lab.Errorf(lab.Invalid, "experiment %d has the outcome %v, which is not of this problem", i+1, tr.Outcomes[i])
		}
		rows = append(rows, x)
	}
	return rows, nil
}
