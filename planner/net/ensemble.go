package net

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Config says how an ensemble is trained; zero fields have the defaults.
type Config struct {
	Members int     // default 5
	Hidden  int     // units of each of the two hidden layers, default 32
	Visits  int     // points that each member is shown in all, default 60,000
	Batch   int     // points to a step, default 32
	Rate    float64 // of Adam at the start, default 3e-3; it falls to a hundredth along a cosine
	Decay   float64 // of weights, default 1e-4
	Prior   float64 // weight of the untrained part, default 0.3
	Seed    uint64
}

func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	deff := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Members, 5)
	def(&c.Hidden, 32)
	def(&c.Visits, 60_000)
	def(&c.Batch, 32)
	deff(&c.Rate, 3e-3)
	deff(&c.Decay, 1e-4)
	deff(&c.Prior, 0.3)
	return c
}

// Ensemble is trained networks. Its fields are there to be written as JSON; read
// back, it predicts the same to the last bit.
type Ensemble struct {
	Members []Member  `json:"members"`
	Centre  []float64 `json:"centre"` // of the inputs
	Width   []float64 `json:"width"`
	Mean    float64   `json:"mean"` // of the outcomes
	SD      float64   `json:"sd"`
	// Scale is what the spread of the members is multiplied with, and Noise the
	// standard deviation of an observation over SD, see [Ensemble.Calibrate].
	Scale float64 `json:"scale"`
	Noise float64 `json:"noise"`
}

// Member is one trained network with its untrained part.
type Member struct {
	Net    network `json:"net"`
	Prior  network `json:"prior"`
	Weight float64 `json:"weight"`
}

// Fit trains an ensemble on points x, which all have one length, and outcomes y;
// there must be at least one. It costs O(members·visits·weights).
func Fit(x [][]float64, y []float64, c Config) *Ensemble {
	if len(x) == 0 || len(x) != len(y) {
		panic("net: points and outcomes differ in number or are none")
	}
	c = c.withDefaults()
	e := &Ensemble{Scale: 1}
	e.Mean, e.SD = moments(y)
	rows := e.standardise(x)
	t := make([]float64, len(y))
	for i, v := range y {
		t[i] = (v - e.Mean) / e.SD
	}
	for k := range c.Members {
		rng := rand.New(rand.NewPCG(c.Seed, uint64(k)+1))
		sizes := []int{len(x[0]), c.Hidden, c.Hidden, 1}
		m := Member{Net: newNetwork(sizes, rng), Prior: newNetwork(sizes, rng), Weight: c.Prior}
		m.train(rows, t, shown(len(x), k, c.Members, c.Seed), c, rng)
		e.Members = append(e.Members, m)
	}
	return e
}

// shown returns the rows that member k of so many is shown: all but the k-th
// fold, so that every row is left out by one member. One member, or one row, sees
// all there is.
func shown(n, k, members int, seed uint64) []int {
	rows := rand.New(rand.NewPCG(seed, 1<<32)).Perm(n)
	if members == 1 || n == 1 {
		return rows
	}
	return slices.Concat(rows[:k*n/members], rows[(k+1)*n/members:])
}

// standardise learns centre and width of the inputs and returns them so.
func (e *Ensemble) standardise(x [][]float64) [][]float64 {
	for c := range x[0] {
		column := make([]float64, len(x))
		for i, r := range x {
			column[i] = r[c]
		}
		m, sd := moments(column)
		e.Centre, e.Width = append(e.Centre, m), append(e.Width, sd)
	}
	out := make([][]float64, len(x))
	for i, r := range x {
		out[i] = make([]float64, len(r))
		e.put(r, out[i])
	}
	return out
}

func (e *Ensemble) put(x, out []float64) {
	for c, v := range x {
		out[c] = (v - e.Centre[c]) / e.Width[c]
	}
}

func moments(y []float64) (mean, sd float64) {
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for _, v := range y {
		sd += (v - mean) * (v - mean) / float64(len(y))
	}
	if sd = math.Sqrt(sd); sd <= 1e-12*(1e-12+math.Abs(mean)) {
		sd = 1
	}
	return mean, sd
}

// train shows the rows to the member until it has seen as many as asked.
func (m *Member) train(x [][]float64, y []float64, rows []int, c Config, rng *rand.Rand) {
	p, q := m.Net.pass(), m.Prior.pass()
	target := make([]float64, len(y))
	for _, i := range rows {
		target[i] = y[i] - m.Weight*m.Prior.forward(x[i], q)
	}
	grad := m.Net.zero()
	a := adam{first: m.Net.zero(), second: m.Net.zero()}
	steps := max(1, c.Visits/c.Batch)
	at := len(rows)
	order := slices.Clone(rows)
	for s := range steps {
		for range c.Batch {
			if at == len(order) {
				rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				at = 0
			}
			i := order[at]
			at++
			d := m.Net.forward(x[i], p) - target[i]
			m.Net.backward(x[i], d/float64(c.Batch), p, grad)
		}
		rate := c.Rate * (0.01 + 0.99*0.5*(1+math.Cos(math.Pi*float64(s)/float64(steps))))
		a.step(m.Net, grad, rate, c.Decay)
	}
}

// OutOfBag predicts the points that e was trained on, each by the member that was
// not shown it: what e would say had it not seen them. c is what e was trained
// with.
func (e *Ensemble) OutOfBag(x [][]float64, c Config) []float64 {
	n := len(x)
	out := make([]float64, n)
	row := make([]float64, len(e.Centre))
	for k, m := range e.Members {
		left := make([]bool, n)
		for i := range left {
			left[i] = true
		}
		if len(e.Members) > 1 && n > 1 {
			for _, i := range shown(n, k, len(e.Members), c.Seed) {
				left[i] = false
			}
		}
		p, q := m.Net.pass(), m.Prior.pass()
		for i := range x {
			if left[i] {
				e.put(x[i], row)
				out[i] = e.Mean + e.SD*(m.Net.forward(row, p)+m.Weight*m.Prior.forward(row, q))
			}
		}
	}
	return out
}

// Predictor asks an ensemble; it is for one goroutine.
type Predictor struct {
	e    *Ensemble
	net  []*pass
	prio []*pass
	row  []float64
	each []float64
}

// Predictor returns a predictor.
func (e *Ensemble) Predictor() *Predictor {
	p := &Predictor{e: e, row: make([]float64, len(e.Centre)), each: make([]float64, len(e.Members))}
	for _, m := range e.Members {
		p.net, p.prio = append(p.net, m.Net.pass()), append(p.prio, m.Prior.pass())
	}
	return p
}

// At returns mean and standard deviation of the function at x, and the standard
// deviation of an observation there.
func (p *Predictor) At(x []float64) (mean, sd, observed float64) {
	p.e.put(x, p.row)
	n := float64(len(p.each))
	for k := range p.e.Members {
		m := &p.e.Members[k]
		p.each[k] = m.Net.forward(p.row, p.net[k]) + m.Weight*m.Prior.forward(p.row, p.prio[k])
		mean += p.each[k] / n
	}
	v := 0.0
	for _, f := range p.each {
		v += (f - mean) * (f - mean) / math.Max(1, n-1)
	}
	sd = p.e.Scale * math.Sqrt(v)
	return p.e.Mean + p.e.SD*mean, p.e.SD * sd, p.e.SD * math.Hypot(sd, p.e.Noise)
}

// Sound reports whether e, as it was read, takes so many inputs and is whole.
func (e *Ensemble) Sound(inputs int) bool {
	if len(e.Centre) != inputs || len(e.Width) != inputs || len(e.Members) == 0 {
		return false
	}
	for _, m := range e.Members {
		if !m.Net.sound(inputs) || !m.Prior.sound(inputs) {
			return false
		}
	}
	return true
}

func (n network) sound(inputs int) bool {
	for _, l := range n {
		if l.In != inputs || l.Out < 1 || len(l.W) != l.In*l.Out || len(l.B) != l.Out {
			return false
		}
		inputs = l.Out
	}
	return len(n) > 0 && inputs == 1
}
