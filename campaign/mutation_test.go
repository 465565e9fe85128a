package campaign_test

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// TestMutations changes good documents at random and wants no panic, problems
// that can be acted upon, a program for every document that passes, and the
// schema to agree. It prints the seed of what fails.
func TestMutations(t *testing.T) {
	t.Parallel()
	schema := validator(t)
	capabilities := laboratory(t)
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	for path, src := range documents(t, "good") {
		instance, _ := campaign.Instance(src, "")
		whole, err := json.Marshal(instance)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(rounds) {
				r := rand.New(rand.NewPCG(seed, 1))
				var tree any
				if err := json.Unmarshal(whole, &tree); err != nil {
					t.Fatal(err)
				}
				for range 1 + r.IntN(3) {
					tree = mutate(tree, r)
				}
				changed, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				try(t, seed, changed, capabilities)
				if instance, ok := campaign.Instance(changed, "json"); ok {
					agree(t, path, schema, changed, instance)
				}
				if t.Failed() {
					t.Fatalf("%s, seed %d: %s", path, seed, changed)
				}
			}
		})
	}
}

func try(t *testing.T, seed uint64, src []byte, capabilities []lab.Capability) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("seed %d panics: %v\n%s", seed, p, src)
		}
	}()
	_, problems, _ := campaign.Load(src, "json", capabilities)
	for _, p := range problems {
		if p.Wrong == "" || p.Right == "" || p.Line < 1 {
			t.Errorf("half a complaint: %+v", p)
		}
	}
	// A document that comes another way, as from a program of somebody's own.
	var doc lab.Document
	if json.Unmarshal(src, &doc) != nil {
		return
	}
	alone := campaign.Check(doc, nil)
	program, wrong := campaign.Compile(doc)
	if len(alone) == 0 && program == nil {
		t.Errorf("it passes Check and does not compile: %v", wrong)
	}
	campaign.Estimate(doc, capabilities)
	campaign.Notes(doc)
}

// mutate changes one place of a tree of JSON.
func mutate(v any, r *rand.Rand) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		if len(keys) == 0 || r.IntN(8) == 0 {
			return scrap(r)
		}
		slices.Sort(keys)
		k := keys[r.IntN(len(keys))]
		switch r.IntN(8) {
		case 0:
			delete(v, k)
		case 1:
			v[words[r.IntN(len(words))]] = v[k]
		default:
			v[k] = mutate(v[k], r)
		}
		return v
	case []any:
		if len(v) == 0 || r.IntN(8) == 0 {
			return scrap(r)
		}
		i := r.IntN(len(v))
		switch r.IntN(8) {
		case 0:
			return append(v[:i:i], v[i+1:]...)
		case 1:
			return append(v, v[i])
		case 2:
			j := r.IntN(len(v))
			v[i], v[j] = v[j], v[i]
		default:
			v[i] = mutate(v[i], r)
		}
		return v
	default:
		return scrap(r)
	}
}

var words = []string{
	"name", "id", "expr", "value", "unit", "min", "max", "after", "from", "to", "steps", "dose", "in", "heat", "look", "vial", "base", "temperature",
	"metals.Ni", "steps.look.area", "base == 'KOAc'", "1 / temperature", "best('yield') > 1", "[1,2].map(x, x)", "prices[base]", "Cel", "EUR/mol", "%", "h",
	"continuous", "composition", "log", "discrete", "maximize", "transfer", "mobile-robot", "liquid-handler", "", "\u0000", "ü",
}

func scrap(r *rand.Rand) any {
	switch r.IntN(8) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []any{}
	case 3:
		return map[string]any{}
	case 4:
		return []float64{0, -1, 1e300, 1e-300, 0.1, 7, 1 << 60}[r.IntN(7)]
	case 5:
		return r.NormFloat64() * 100
	default:
		return words[r.IntN(len(words))]
	}
}

// FuzzParse gives anything to the reader and wants an answer: a document or
// problems that stand inside the source.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		for _, src := range documents(f, dir) {
			f.Add(src)
		}
	}
	capabilities := laboratory(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, format := range []string{"", "yaml", "json"} {
			_, problems, _ := campaign.Load(src, format, capabilities)
			for _, p := range problems {
				if p.Wrong == "" || p.Right == "" || p.Line < 1 || p.Col < 1 {
					t.Errorf("half a complaint: %+v", p)
				}
			}
		}
	})
}
