package bench

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Lookup is a table of experiments that were really done, on several materials
// each: what is best for one is to be found with what is known of the others.
type Lookup struct {
	Name      string
	Objective lab.Objective
	// Parameters are the conditions; values are without a unit.
	Parameters []lab.Parameter
	Groups     []Group
}

// Group is one material with the conditions that were tried and what they gave.
type Group struct {
	Name     string
	Settings [][]lab.Value // one to a parameter
	Value    []float64
}

// fewestPoints is how many conditions a material needs for its best 5 % to mean
// something.
const fewestPoints = 40

// fewestMaterials is how many there are at least for the others to teach anything.
const fewestMaterials = 4

// ByFirstChoice splits a table by its first categorical parameter, which in tables
// of reactions is what is made to react.
func ByFirstChoice(name string, space lab.Space, objective lab.Objective, settings [][]lab.Setting, value []float64) (Lookup, bool) {
	at := slices.IndexFunc(space.Parameters, func(p lab.Parameter) bool { return p.Type == lab.Categorical })
	if at < 0 {
		return Lookup{}, false
	}
	l := Lookup{Name: name, Objective: objective, Parameters: slices.Delete(slices.Clone(space.Parameters), at, at+1)}
	index := map[string]int{}
	for i, row := range settings {
		label := row[at].Value.Label()
		g, ok := index[label]
		if !ok {
			g = len(l.Groups)
			index[label] = g
			l.Groups = append(l.Groups, Group{Name: label})
		}
		var values []lab.Value
		for k, s := range row {
			if k != at {
				values = append(values, s.Value)
			}
		}
		l.Groups[g].Settings = append(l.Groups[g].Settings, values)
		l.Groups[g].Value = append(l.Groups[g].Value, value[i])
	}
	return l, l.usable()
}

// usable drops materials with few points and reports whether enough are left to
// learn from each other.
func (l *Lookup) usable() bool {
	most := 0
	for _, g := range l.Groups {
		most = max(most, len(g.Value))
	}
	l.Groups = slices.DeleteFunc(l.Groups, func(g Group) bool { return len(g.Value) < max(fewestPoints, most*9/10) })
	return len(l.Groups) >= fewestMaterials && len(l.Parameters) > 0
}

// lookups reads the tables of a folder that have a column of materials.
func lookups(dir string) ([]Lookup, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.csv.gz"))
	if err != nil {
		return nil, err
	}
	about, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	slices.Sort(paths)
	var out []Lookup
	for _, p := range paths {
		l, ok, err := readLookup(p, string(about))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(p), err)
		}
		if ok {
			out = append(out, l)
		}
	}
	return out, nil
}

// readLookup takes a table apart by its form alone. The first column that is text
// names the materials; a numeric column whose values are the same for nearly all
// of them is a condition; of the others the target is the one that the folder's
// README names after "target", else one of that name, else the first.
func readLookup(path, about string) (l Lookup, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return l, false, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return l, false, err
	}
	rows, err := csv.NewReader(io.LimitReader(z, 1<<28)).ReadAll()
	if err != nil || len(rows) < 2 {
		return l, false, err
	}
	head, body := rows[0], rows[1:]
	l.Name = strings.TrimSuffix(filepath.Base(path), ".csv.gz")
	material := slices.IndexFunc(head, func(name string) bool { _, number := column(body, slices.Index(head, name)); return !number })
	if material < 0 {
		return l, false, nil
	}
	members := map[string][]int{}
	var order []string
	for i, r := range body {
		if _, known := members[r[material]]; !known {
			order = append(order, r[material])
		}
		members[r[material]] = append(members[r[material]], i)
	}
	var conditions [][]float64
	var outcomes []string
	for c, name := range head {
		values, number := column(body, c)
		switch {
		case !number:
		case shared(values, order, members):
			lo, hi := slices.Min(values), slices.Max(values)
			l.Parameters = append(l.Parameters, lab.Parameter{Name: strings.TrimSpace(name), Type: lab.Continuous, Min: &lo, Max: &hi})
			conditions = append(conditions, values)
		case varies(values, order, members):
			outcomes = append(outcomes, name)
		}
	}
	if len(outcomes) == 0 || len(conditions) == 0 {
		return l, false, nil
	}
	l.Objective = lab.Objective{Name: target(filepath.Base(path), about, outcomes), Direction: lab.Maximize, Unit: "1"}
	values, _ := column(body, slices.Index(head, l.Objective.Name))
	for _, name := range order {
		g := Group{Name: name}
		at := map[string]int{}
		var count []float64
		for _, i := range members[name] {
			var x []lab.Value
			for _, c := range conditions {
				x = append(x, lab.Number(c[i]))
			}
			key := fmt.Sprint(x)
			k, seen := at[key]
			if !seen {
				k = len(g.Value)
				at[key] = k
				g.Settings, g.Value, count = append(g.Settings, x), append(g.Value, 0), append(count, 0)
			}
			count[k]++
			g.Value[k] += (values[i] - g.Value[k]) / count[k]
		}
		l.Groups = append(l.Groups, g)
	}
	return l, l.usable(), nil
}

// column returns a column as numbers; false says that some row has none.
func column(body [][]string, c int) ([]float64, bool) {
	out := make([]float64, len(body))
	for i, r := range body {
		v, err := strconv.ParseFloat(strings.TrimSpace(r[c]), 64)
		if err != nil {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

// shared reports whether a column takes the same few values for nearly every
// material, and more than one.
func shared(values []float64, order []string, members map[string][]int) bool {
	count := map[string]int{}
	for _, name := range order {
		if set := distinct(values, members[name]); len(set) > 1 && 4*len(set) <= len(members[name]) {
			count[fmt.Sprint(set)]++
		}
	}
	for _, n := range count {
		if 5*n >= 4*len(order) {
			return true
		}
	}
	return false
}

// varies reports whether a column tells the rows of nearly every material apart.
func varies(values []float64, order []string, members map[string][]int) bool {
	n := 0
	for _, name := range order {
		if len(distinct(values, members[name])) > 1 {
			n++
		}
	}
	return 5*n >= 4*len(order)
}

func distinct(values []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var targetOf = regexp.MustCompile(`(?i)\btarget\s+([^\s,;|]+)`)

// target names the outcome that is to be maximised.
func target(file, about string, outcomes []string) string {
	for line := range strings.Lines(about) {
		at := strings.Index(line, file)
		if at < 0 {
			continue
		}
		if m := targetOf.FindStringSubmatch(line[at:]); m != nil && slices.Contains(outcomes, m[1]) {
			return m[1]
		}
	}
	for _, name := range outcomes {
		if strings.EqualFold(name, "target") {
			return name
		}
	}
	return outcomes[0]
}
