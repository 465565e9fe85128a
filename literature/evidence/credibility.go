package evidence

import (
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// Credibility is what the laboratory's own outcomes say of a paper's claims.
type Credibility struct {
	Paper string `json:"paper"`
	// Probability that experiments near its claims come out better than others:
	// 0.5 where nothing is known.
	Probability float64 `json:"probability"`
	// Near is how many experiments, in weight, were near its claims.
	Near float64 `json:"near"`
	// Correlation is that of nearness and outcome, 0 where there is none.
	Correlation float64 `json:"correlation"`
}

// nearness is the distance, in ranges of a number, at which an experiment counts
// as half as near a claim as one right there does.
const nearness = 0.2

// fewestOutcomes is from how many outcomes on a paper is judged.
const fewestOutcomes = 4

// Credibilities judges each paper of the evidence by the outcomes of a campaign: the
// correlation r of an experiment's nearness to the paper's claims with its outcome,
// made a probability that the true one is positive by Fisher's transformation,
// Φ(atanh(r)·√(n-3)) (Fisher, On the probable error of a coefficient of correlation,
// 1921), drawn towards one half by two experiments' worth of doubt. Failed
// experiments count as the worst seen. It costs O(claims · outcomes).
func Credibilities(e lab.Evidence, space lab.Space, objectives []lab.Objective, known []lab.Known) []Credibility {
	out := make([]Credibility, len(e.Papers))
	for i, p := range e.Papers {
		out[i] = Credibility{Paper: p.ID, Probability: 0.5}
		objective, claims := -1, []lab.Claim(nil)
		for _, c := range e.Claims {
			if c.Paper != p.ID {
				continue
			}
			if j := about(c, objectives); objective < 0 || j == objective {
				objective = j
				claims = append(claims, c)
			}
		}
		if objective < 0 {
			continue
		}
		near, value := observed(space, claims, objectives[objective], known)
		for _, x := range near {
			out[i].Near += x
		}
		if r, ok := correlate(near, value); ok {
			n := float64(len(value))
			out[i].Correlation = r
			z := math.Atanh(max(-0.999, min(0.999, r))) * (n - 3) / math.Sqrt(n-3+2)
			out[i].Probability = 0.5 * math.Erfc(-z/math.Sqrt2)
		}
	}
	return out
}

func about(c lab.Claim, objectives []lab.Objective) int {
	for j, o := range objectives {
		if c.Objective == o.Name {
			return j
		}
	}
	if c.Objective == "" && len(objectives) > 0 {
		return 0
	}
	return -1
}

// observed returns, for each outcome, how near it was to the nearest claim and
// what came of it, larger being better.
func observed(space lab.Space, claims []lab.Claim, o lab.Objective, known []lab.Known) (near, value []float64) {
	worst := math.Inf(1)
	for _, k := range known {
		y := math.NaN()
		for _, m := range k.Observed {
			if m.Name == o.Name {
				y = m.Value
				if o.Direction == lab.Minimize {
					y = -y
				}
				worst = min(worst, y)
			}
		}
		if math.IsNaN(y) && !k.Failed {
			continue
		}
		best := 0.0
		for _, c := range claims {
			best = max(best, closeness(space, c.Settings, k.Settings))
		}
		near, value = append(near, best), append(value, y)
	}
	for i, y := range value {
		if math.IsNaN(y) {
			value[i] = worst
		}
	}
	if math.IsInf(worst, 1) {
		return near, nil
	}
	return near, value
}

// closeness is 1 at a claim and halves with every nearness away from it; another
// level of a choice halves it too.
func closeness(space lab.Space, claim, x []lab.Setting) float64 {
	d := 0.0
	for _, at := range claim {
		for _, s := range x {
			if s.Name != at.Name {
				continue
			}
			for _, q := range space.Parameters {
				if q.Name != s.Name {
					continue
				}
				if q.Type == lab.Composition {
					d += apart(s.Value.Parts(), at.Value.Parts(), q)
					continue
				}
				switch u := position(q, s.Value.Number()) - position(q, at.Value.Number()); {
				case q.Type == lab.Categorical && s.Value.Label() != at.Value.Label():
					d++
				case !math.IsNaN(u):
					d += u * u / (nearness * nearness)
				}
			}
		}
	}
	return math.Exp2(-math.Sqrt(d))
}

// apart is the square of the distance of two compositions, in units of [nearness] of
// their sum: half the sum of the differences, the share that would have to be exchanged.
func apart(a, b []float64, q lab.Parameter) float64 {
	if len(a) != len(b) {
		return 0
	}
	sum := 1.0
	if q.Sum != nil {
		sum = *q.Sum
	}
	d := 0.0
	for i := range a {
		d += math.Abs(a[i]-b[i]) / (2 * sum)
	}
	return d * d / (nearness * nearness)
}

// position maps a number to [0, 1] between its limits, on the parameter's scale.
func position(q lab.Parameter, x float64) float64 {
	lo, hi := limits(q)
	if math.IsInf(lo, 0) || lo >= hi {
		return math.NaN()
	}
	if q.Scale == "log" && lo > 0 && x > 0 {
		return math.Log(x/lo) / math.Log(hi/lo)
	}
	return (x - lo) / (hi - lo)
}

func correlate(a, b []float64) (r float64, ok bool) {
	if len(b) < fewestOutcomes || len(a) != len(b) {
		return 0, false
	}
	var ma, mb, aa, bb, ab float64
	n := float64(len(a))
	for i := range a {
		ma += a[i] / n
		mb += b[i] / n
	}
	for i := range a {
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
		ab += (a[i] - ma) * (b[i] - mb)
	}
	if aa < 1e-12 || bb <= 0 {
		return 0, false
	}
	return ab / math.Sqrt(aa*bb), true
}
