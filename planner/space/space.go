package space

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// EnumerateMax is the largest number of points that is listed whole.
const EnumerateMax = 50_000

// Space is a compiled search space. It never changes and is safe for
// concurrent use when its feasibility function is.
type Space struct {
	source lab.Space
	params []param
	width  int
	// resolution is 1/fineSteps until [Space.Finer].
	resolution float64
	feasible   func([]lab.Setting) (bool, error)
	active     func([]lab.Setting) []bool // nil where every parameter is always there
	listed     bool
	states     []float64 // of the candidates, width apart
	features   []float64
	keys       []string
	index      map[string]int // candidate by key
}

// Rules are what a space is compiled with.
type Rules struct {
	// Feasible says which settings meet the constraints; nil for all.
	Feasible func([]lab.Setting) (bool, error)
	// Active says of each parameter, given values of all, whether it is there. A
	// space with conditions needs it, or AsTold.
	Active func([]lab.Setting) []bool
	// AsTold leaves conditions alone: parameters that may be absent are absent from
	// settings that have none of them, and there everywhere else.
	AsTold bool
}

// Compile checks s and lists its candidates where there are few. Errors are of
// kind [lab.Invalid] and name the path of what is wrong.
func Compile(s lab.Space, rules Rules) (*Space, error) {
	if len(s.Parameters) == 0 {
		return nil, lab.Errorf(lab.Invalid, "space.parameters is empty; a search needs at least one parameter")
	}
	if s.Candidates != nil && len(s.Pool) == 0 {
		return nil, lab.Errorf(lab.Invalid, "space.candidates names %s, whose points were not read into space.pool", s.Candidates.File)
	}
	if err := checkPool(s); err != nil {
		return nil, err
	}
	sp := &Space{source: s, feasible: rules.Feasible, resolution: 1.0 / fineSteps}
	names := make(map[string]bool)
	for i, p := range s.Parameters {
		path := "space.parameters[" + itoa(i) + "]"
		if p.Name == "" {
			return nil, lab.Errorf(lab.Invalid, "%s.name is empty", path)
		}
		if names[p.Name] {
			return nil, lab.Errorf(lab.Invalid, "%s.name %q is used twice", path, p.Name)
		}
		names[p.Name] = true
		q, err := compileParam(p, path, sp.width, column(s.Pool, i))
		if err != nil {
			return nil, err
		}
		if q.optional = p.When != ""; q.optional && !rules.AsTold {
			if sp.active = rules.Active; sp.active == nil {
				return nil, lab.Errorf(lab.Invalid, "%s.when is %q and the space was compiled without a way to work it out", path, p.When)
			}
		}
		sp.params = append(sp.params, q)
		sp.width += q.width
	}
	return sp, sp.list()
}

func checkPool(s lab.Space) error {
	for i, row := range s.Pool {
		if len(row) != len(s.Parameters) {
			return lab.Errorf(lab.Invalid, "space.pool[%d] has %d values for %d parameters", i, len(row), len(s.Parameters))
		}
	}
	return nil
}

func column(pool [][]lab.Value, i int) []lab.Value {
	out := make([]lab.Value, len(pool))
	for r := range pool {
		out[r] = pool[r][i]
	}
	return out
}

// list fills the candidates: those of the pool, or all points of a small space.
func (s *Space) list() error {
	s.index = make(map[string]int)
	if len(s.source.Pool) > 0 {
		s.listed = true
		state := make([]float64, s.width)
		for i, row := range s.source.Pool {
			for k := range s.params {
				p := &s.params[k]
				if p.optional && row[k].Kind() == lab.Absent {
					p.clear(state)
				} else if err := p.read(row[k], state); err != nil {
					return lab.Errorf(lab.Invalid, "space.pool[%d]: %w", i, err)
				}
			}
			if err := s.check(state); err != nil {
				return lab.Errorf(lab.Invalid, "space.pool[%d]: %w", i, err)
			}
			if err := s.add(state); err != nil {
				return err
			}
		}
		return nil
	}
	size := 1
	for i := range s.params {
		size *= s.params[i].count(EnumerateMax)
		if size > EnumerateMax {
			return nil
		}
	}
	s.listed = true
	return s.product(0, make([]float64, s.width))
}

// product adds every combination of the parameters from k on.
func (s *Space) product(k int, state []float64) error {
	if k == len(s.params) {
		if s.active == nil {
			return s.add(state)
		}
		settled := slices.Clone(state)
		s.Settle(settled)
		return s.add(settled)
	}
	p := &s.params[k]
	var failed error
	next := func() {
		if failed == nil {
			failed = s.product(k+1, state)
		}
	}
	switch p.Type {
	case lab.Composition:
		p.mixtures(func(x []float64) {
			copy(state[p.column:], x)
			next()
		})
	case lab.Categorical:
		for l := range p.Levels {
			state[p.column] = float64(l)
			next()
		}
	case lab.Discrete:
		for _, v := range p.values {
			state[p.column] = v
			next()
		}
	default:
		for i := range p.count(EnumerateMax) {
			state[p.column] = p.min + float64(i)
			next()
		}
	}
	return failed
}

// add lists a candidate unless it is there already or breaks a constraint.
func (s *Space) add(state []float64) error {
	key := s.Key(state)
	if _, ok := s.index[key]; ok {
		return nil
	}
	ok, err := s.Feasible(state)
	if err != nil {
		return err
	}
	if !ok {
		return nil
	}
	s.index[key] = len(s.index)
	s.keys = append(s.keys, key)
	s.states = append(s.states, state...)
	n := len(s.features)
	s.features = append(s.features, make([]float64, s.width)...)
	s.Features(state, s.features[n:])
	return nil
}

// Width returns the number of columns of a state.
func (s *Space) Width() int { return s.width }

// Resolution is the least share of its range by which any number with bounds is
// told from another, as settings are rounded.
func (s *Space) Resolution() float64 { return s.resolution }

// Finer returns the space with continuous parameters rounded to a digit more.
func (s *Space) Finer() *Space {
	fine := *s
	fine.resolution /= 10
	fine.params = slices.Clone(s.params)
	for i := range fine.params {
		fine.params[i].decimals++
		fine.params[i].digits++
	}
	return &fine
}

// Listed reports whether all candidates are listed.
func (s *Space) Listed() bool { return s.listed }

// Len returns the number of listed candidates.
func (s *Space) Len() int { return len(s.index) }

// State returns the listed candidate i. The caller must not change it.
func (s *Space) State(i int) []float64 { return s.states[i*s.width : (i+1)*s.width] }

// Feature returns the features of the listed candidate i.
func (s *Space) Feature(i int) []float64 { return s.features[i*s.width : (i+1)*s.width] }

// KeyAt returns the key of the listed candidate i.
func (s *Space) KeyAt(i int) string { return s.keys[i] }

// Feasible reports whether a state meets the constraints.
func (s *Space) Feasible(state []float64) (bool, error) {
	if s.feasible == nil {
		return true, nil
	}
	settings := s.Settings(state)
	ok, err := s.feasible(settings)
	if err != nil {
		return false, lab.Errorf(lab.Invalid, "check the constraints at %s: %w", Describe(settings), err)
	}
	return ok, nil
}

// Key returns what a state is known by. Settings closer than one part in 10^8
// of a parameter's range have one key: no laboratory can tell them apart.
func (s *Space) Key(state []float64) string {
	b := make([]byte, 0, 8*s.width)
	for i := range s.params {
		p := &s.params[i]
		for c := p.column; c < p.column+p.width; c++ {
			v := state[c]
			if p.absent(state) {
				v = math.MinInt64
			} else if p.Type != lab.Categorical {
				// The factor is irrational, lest round settings fall on an edge.
				v = p.unit(v) * (1e9 * 0.6180339887498949)
			}
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(math.Round(v))))
		}
	}
	return string(b)
}

// Features writes the columns of state scaled for a model into f: numbers so that
// their bounds are 0 and 1, levels as their index. A parameter that is absent is
// [AbsentFeature] or the number of its levels; what one that may be absent is where
// it is there, is kept away from that.
func (s *Space) Features(state, f []float64) {
	for i := range s.params {
		p := &s.params[i]
		for c := p.column; c < p.column+p.width; c++ {
			f[c] = state[c]
			if p.Type == lab.Categorical {
				continue
			}
			if f[c] = AbsentFeature; p.absent(state) {
				continue
			}
			if f[c] = p.unit(state[c]); p.optional {
				f[c] = math.Max(leastPresent, math.Min(mostPresent, f[c]))
			}
		}
	}
}
