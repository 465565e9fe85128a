package bench

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/literature/evidence"
)

// TemperaturePrior is what was measured of the highest heating temperature of
// recipes, on papers whose DOI no other recipe shares.
type TemperaturePrior struct {
	Bits     *float64 `json:"bits"`       // mean log2 density over uniform
	Coverage *float64 `json:"coverage80"` // of the most likely 80 %
	MAE      *float64 `json:"mae_celsius"`
	Width    *float64 `json:"width80_celsius"`
	Train    int      `json:"train"`
	Test     int      `json:"test"`
}

// The range of temperatures, in degrees Celsius, and the part of papers that is
// held out.
const (
	coldest, hottest = 200.0, 1700.0
	heldOut          = 10 // one in
)

type recipe struct {
	DOI        string              `json:"doi"`
	Target     []string            `json:"target"`
	Precursors []string            `json:"precursors"`
	Ops        [][]json.RawMessage `json:"ops"` // type, token, [[temperature, unit]], [[time, unit]]
}

var element = regexp.MustCompile(`[A-Z][a-z]?`)

// heat returns the highest temperature of a heating operation.
func (r recipe) heat() (celsius float64, ok bool) {
	for _, op := range r.Ops {
		var kind string
		var temperatures [][]any
		if len(op) < 3 || json.Unmarshal(op[0], &kind) != nil || !strings.HasPrefix(kind, "Heating") || json.Unmarshal(op[2], &temperatures) != nil {
			continue
		}
		for _, t := range temperatures {
			if len(t) != 2 {
				continue
			}
			x, isNumber := t[0].(float64)
			if unit, _ := t[1].(string); unit == "K" {
				x -= 273.15
			}
			if isNumber && x >= coldest && x <= hottest {
				celsius, ok = max(celsius, x), true
			}
		}
	}
	return celsius, ok
}

// shape is what a formula has besides its elements' letters.
var shape = regexp.MustCompile(`[^A-Za-z()]`)

// features are the elements of the first target, its formula with and without the
// numbers, and the precursors.
func (r recipe) features() map[string]float64 {
	f := map[string]float64{}
	if len(r.Target) > 0 {
		for _, e := range element.FindAllString(r.Target[0], -1) {
			f["t:"+e] = 1
		}
		f["shape:"+shape.ReplaceAllString(r.Target[0], "")] = 0.7
		f["formula:"+r.Target[0]] = 0.5
	}
	for _, p := range r.Precursors {
		f["p:"+p] += 0.7
	}
	return f
}

// thermal measures each collection of recipes in dir with its own papers held
// out, and returns the mean over all that were.
func thermal(dir string) (TemperaturePrior, error) {
	var out TemperaturePrior
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil || len(paths) == 0 {
		return out, err
	}
	slices.Sort(paths)
	var bits, covered, mae, width float64
	for _, p := range paths {
		var train, test []evidence.Recipe
		seen := map[string]bool{}
		if err := rows(p, func(r recipe) {
			t, ok := r.heat()
			if !ok || r.DOI == "" {
				return
			}
			e := evidence.Recipe{Paper: r.DOI, Features: r.features(), Value: t}
			names := make([]string, 0, len(e.Features))
			for f := range e.Features {
				if strings.HasPrefix(f, "t:") {
					names = append(names, f)
				}
			}
			slices.Sort(names)
			key := fmt.Sprint(r.DOI, t, names)
			if seen[key] {
				return
			}
			seen[key] = true
			h := fnv.New32a()
			h.Write([]byte(r.DOI))
			if h.Sum32()%heldOut == 0 {
				test = append(test, e)
			} else {
				train = append(train, e)
			}
		}); err != nil {
			return out, err
		}
		a := evidence.NewAnalogy(coldest, hottest, train)
		out.Train += len(train)
		out.Test += len(test)
		for _, r := range test {
			f := a.Predict(r.Features)
			d := f.Density(r.Value)
			threshold, w := f.Region(0.8)
			bits += math.Log2(d)
			mae += math.Abs(f.Median() - r.Value)
			width += w
			if d >= threshold {
				covered++
			}
		}
	}
	if n := float64(out.Test); n > 0 {
		out.Bits, out.Coverage, out.MAE, out.Width = new(bits/n), new(covered/n), new(mae/n), new(width/n)
	}
	return out, nil
}
