package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/lab"
)

// TaskFormat names the file that [Export] writes.
const TaskFormat = "athanor-bench-task/1"

// exportedTask is a table as another planner needs it to run the same campaigns:
// every point that exists, what was measured there, and the starts of each seed.
type exportedTask struct {
	Format     string              `json:"format"`
	Dataset    string              `json:"dataset"`
	Table      string              `json:"table"` // see [Table.Digest]
	Budget     int                 `json:"budget"`
	Factorial  bool                `json:"factorial"` // every combination of levels exists
	Direction  lab.Direction       `json:"direction"`
	Parameters []exportedParameter `json:"parameters"`
	Points     [][]lab.Value       `json:"points"` // rows count from 0
	Values     []float64           `json:"values"`
	Starts     [][]int             `json:"starts"` // rows, by seed from 1
}

type exportedParameter struct {
	Name        string            `json:"name"`
	Type        lab.ParameterType `json:"type"`
	Low         *float64          `json:"low,omitempty"`
	High        *float64          `json:"high,omitempty"`
	Log         bool              `json:"log,omitempty"`
	Values      []float64         `json:"values,omitempty"`
	Levels      []string          `json:"levels,omitempty"`
	Descriptors [][]float64       `json:"descriptors,omitempty"` // a row to a level
}

// Export writes NAME.task.json for every table of o.Data into dir, with the
// starts and the budget that [Run] takes, so that campaigns of other planners
// pair with its own.
func Export(dir string, o Options) error {
	o = o.withDefaults()
	tables, err := Tables(o.Data, o.Sets)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of tasks: %w", err)
	}
	for _, t := range tables {
		body, err := json.Marshal(t.export(o))
		if err != nil {
			return fmt.Errorf("write the task of %s: %w", t.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, t.Name+".task.json"), append(body, '\n'), 0o644); err != nil {
			return fmt.Errorf("write the task of %s: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Table) export(o Options) exportedTask {
	out := exportedTask{
		Format: TaskFormat, Dataset: t.Name, Table: t.Digest(), Budget: t.budget(o), Factorial: t.factorial(),
		Direction: t.Objectives[0].Direction, Points: t.Space.Pool, Values: t.Value,
	}
	for _, p := range t.Space.Parameters {
		out.Parameters = append(out.Parameters, exportedParameter{
			Name: p.Name, Type: p.Type, Low: p.Min, High: p.Max, Log: p.Scale == "log",
			Values: p.Values, Levels: p.Levels, Descriptors: p.DescriptorValues,
		})
	}
	for seed := 1; seed <= o.Seeds; seed++ {
		out.Starts = append(out.Starts, t.starts(seed, min(o.Starts, out.Budget)))
	}
	return out
}

// budget is how many evaluations a campaign on the table has.
func (t *Table) budget(o Options) int {
	n := len(t.Value)
	if o.Budget > 0 {
		return min(o.Budget, n)
	}
	return min(n, max(o.Starts+1, min(60, n/3)))
}

// Digest names the content of the table, whatever it is called: the first 16
// hexadecimal digits of the SHA-256 of its points and values in order. Rows of
// traces mean something only for the table that they were made on.
func (t *Table) Digest() string {
	h := sha256.New()
	for i, s := range t.Settings {
		fmt.Fprintf(h, "%s\x01%x\n", key(s), math.Float64bits(t.Value[i]))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// factorial reports whether all but a fiftieth of the combinations of the
// table's levels exist.
func (t *Table) factorial() bool {
	product := 1.0
	for _, p := range t.Space.Parameters {
		switch p.Type {
		case lab.Categorical:
			product *= float64(len(p.Levels))
		case lab.Discrete:
			product *= float64(len(p.Values))
		default:
			return false
		}
	}
	return product <= 1.02*float64(len(t.Value))
}
