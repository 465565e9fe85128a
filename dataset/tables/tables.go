package tables

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/columnar"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

// In is an experiment with what a snapshot knows of it besides.
type In struct {
	dataset.Experiment
	Condition string
	Material  string
	Parts     map[string]string // by split
}

// Table is one of the relations.
type Table struct {
	dataset.DescribedTable
	// Writer begins a table in a format, "parquet", "jsonl" or "csv".
	Writer func(w io.Writer, format string) (Writer, error)
}

// Writer takes experiments and writes the rows that they give to a table.
type Writer interface {
	// Put returns how many rows e gave.
	Put(e In) (int, error)
	Close() error
}

// All are the tables. The first has a row to an experiment.
var All = []Table{
	of("experiments", "A row to an experiment: what was decided, what came of it, and where it belongs in every split.", experiments),
	of("conditions", "What was chosen, a row to a parameter.", conditions),
	of("predictions", "What the model expected before the run, a row to an objective.", predictions),
	of("measurements", "What was observed, a row to an objective.", measurements),
	of("candidates", "What was weighed when an experiment was decided on, the chosen one and the best that lost.", candidates),
	of("steps", "What was done, a row to a command.", steps),
	of("events", "What was heard of commands, by the hashes of the exact bytes.", events),
	of("samples", "Where matter was and what was done to it.", samples),
	of("raw_files", "Files that devices made, by hash.", rawFiles),
	of("failures", "What went wrong for our own reasons; never a result.", failures),
	of("evidence", "Papers that moved decisions, and what they claim.", evidence),
	of("corrections", "What a person found wrong later. The other tables are as corrected.", corrections),
}

// of returns the table of rows of a type.
func of[T any](name, says string, rows func(In) ([]T, error)) Table {
	t := Table{DescribedTable: dataset.DescribedTable{Name: name, Says: says, Columns: columnsOf(reflect.TypeFor[T]())}}
	t.Writer = func(w io.Writer, format string) (Writer, error) {
		switch format {
		case "parquet":
			return newParquet(w, name, t.Columns, rows)
		case "jsonl", "csv":
			return newLines(w, format, rows)
		default:
			return nil, lab.Errorf(lab.Invalid, "tables are written as parquet, jsonl or csv, not as %q", format)
		}
	}
	return t
}

func columnsOf(t reflect.Type) []dataset.DescribedColumn {
	var all []dataset.DescribedColumn
	for f := range t.Fields() {
		tag := f.Tag.Get("parquet")
		name, _, _ := strings.Cut(tag, ",")
		c := dataset.DescribedColumn{Name: name, Says: f.Tag.Get("says"), Unit: f.Tag.Get("unit")}
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch {
		case strings.Contains(tag, "timestamp"):
			c.Type = "time"
		case of.Kind() == reflect.Slice:
			c.Type = "list"
		case of.Kind() == reflect.Float64:
			c.Type = "number"
		case of.Kind() == reflect.Bool:
			c.Type = "boolean"
		case of.Kind() == reflect.Int64:
			c.Type = "integer"
		default:
			c.Type = "text"
		}
		all = append(all, c)
	}
	return all
}

type parquetWriter[T any] struct {
	out  *columnar.Writer[T]
	rows func(In) ([]T, error)
}

func newParquet[T any](w io.Writer, name string, columns []dataset.DescribedColumn, rows func(In) ([]T, error)) (Writer, error) {
	units, says := map[string]string{}, map[string]string{}
	for _, c := range columns {
		if c.Unit != "" {
			units[c.Name] = c.Unit
		}
		says[c.Name] = c.Says
	}
	out, err := open[T](w, name, units, says)
	return &parquetWriter[T]{out, rows}, err
}

// open begins a table. units and says are by column.
func open[T any](w io.Writer, name string, units, says map[string]string) (*columnar.Writer[T], error) {
	u, err := json.Marshal(units)
	if err != nil {
		return nil, err
	}
	s, err := json.Marshal(says)
	if err != nil {
		return nil, err
	}
	return columnar.New[T](w, "table/1", map[string]string{"athanor": "table/1 " + name, "units": string(u), "columns": string(s)})
}

// NewRows begins a file of rows of a type with parquet tags, under a name in
// its metadata.
func NewRows[T any](w io.Writer, name string) (*columnar.Writer[T], error) {
	return open[T](w, name, map[string]string{}, map[string]string{})
}

// Put implements [Writer].
func (p *parquetWriter[T]) Put(e In) (int, error) {
	rows, err := p.rows(e)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return len(rows), p.out.Write(rows)
}

// Close implements [Writer].
func (p *parquetWriter[T]) Close() error { return p.out.Close() }

func experiments(e In) ([]experimentRow, error) {
	r := experimentRow{
		ID: e.IDs.ExperimentID.String(), Campaign: e.IDs.CampaignID.String(), Title: e.Campaign, Number: int64(e.Number), State: string(e.State), Class: string(e.Class),
		Card: text.CardOf(e.Experiment).Render(), Reason: e.Decision.Reason, Planner: e.Record.Planner, Round: int64(e.Record.Round), Brief: e.Record.Brief,
		License: e.Record.License, Access: e.Record.Access, Condition: e.Condition, Material: e.Material, Steps: int64(len(e.Steps)),
		SplitRandom: e.Parts["random_grouped"], SplitCond: e.Parts["condition"], SplitCampaign: e.Parts["campaign"], SplitMaterial: e.Parts["material"],
		SplitScaffold: e.Parts["scaffold"], SplitTime: e.Parts["time"],
		Started: e.Clock.StartedAt.UnixMicro(), Finished: e.Clock.FinishedAt.UnixMicro(), Recorded: e.Record.RecordedAt.UnixMicro(),
	}
	standing, err := dataset.CheckCommitment(e.Experiment)
	if err != nil {
		return nil, err
	}
	r.Standing = string(standing)
	if k := e.Record.Commitment; k != nil {
		at := k.CommittedAt.UnixMicro()
		r.Leaf, r.Link, r.Committed = k.SHA256, k.Hash, &at
	}
	if a := e.Decision.Acquisition; a != nil {
		r.Acquisition, r.Worth = a.Name, &a.Value
	}
	if f := e.Failure; f != nil {
		r.FailureStep, r.FailureCode, r.FailureCause = f.Step, f.Code, dataset.CauseOf(f.Code)
	}
	for _, s := range e.Settings {
		eachNumber(s.Name, s.Value, func(name string, x *float64, label string) {
			r.Settings = append(r.Settings, named{Name: name, Value: x, Label: label, Unit: string(s.Value.Unit)})
		})
	}
	for _, o := range e.Observed {
		if o.Value.Value != nil {
			r.Observed = append(r.Observed, named{Name: o.Name, Value: o.Value.Value, Sigma: o.Value.Sigma, Unit: string(o.Value.Unit)})
		}
	}
	return []experimentRow{r}, nil
}

// eachNumber calls yield for a setting; a composition has a call to a part.
func eachNumber(name string, c dataset.SettingCell, yield func(name string, x *float64, label string)) {
	switch c.Value.Kind() {
	case lab.IsNumber:
		x := c.Value.Number()
		yield(name, &x, "")
	case lab.IsLabel:
		yield(name, nil, c.Value.Label())
	case lab.IsParts:
		for i, x := range c.Value.Parts() {
			yield(fmt.Sprintf("%s.%d", name, i+1), &x, "")
		}
	default: // it is absent
	}
}

func conditions(e In) ([]conditionRow, error) {
	var all []conditionRow
	for _, s := range e.Settings {
		eachNumber(s.Name, s.Value, func(name string, x *float64, label string) {
			r := conditionRow{ID: e.IDs.ExperimentID.String(), Campaign: e.IDs.CampaignID.String(), Name: name, Value: x, Label: label, Unit: string(s.Value.Unit)}
			if x != nil {
				r.Base, r.BaseUnit, r.Dimension = base(*x, s.Value.Unit)
			}
			all = append(all, r)
		})
	}
	return all, nil
}

// base returns x in base units, or nil where the unit has none, as a currency.
func base(x float64, u lab.Unit) (*float64, string, string) {
	scale, err := dataset.ScaleOf(u)
	if err != nil {
		return nil, "", ""
	}
	y, err := scale.ToBase(x)
	if err != nil {
		return nil, "", ""
	}
	return &y, scale.Base, scale.Dimension
}

func predictions(e In) ([]predictionRow, error) {
	var all []predictionRow
	standing, err := dataset.CheckCommitment(e.Experiment)
	if err != nil {
		return nil, err
	}
	leaf := ""
	if e.Record.Commitment != nil {
		leaf = e.Record.Commitment.SHA256
	}
	for _, p := range e.Predicted {
		if v := p.Value; v.Mean != nil {
			all = append(all, predictionRow{e.IDs.ExperimentID.String(), e.IDs.CampaignID.String(), p.Name, *v.Mean, *v.Sigma, *v.Low, *v.High, string(v.Unit), leaf, string(standing)})
		}
	}
	return all, nil
}

func measurements(e In) ([]measurementRow, error) {
	var all []measurementRow
	for _, o := range e.Observed {
		if o.Value.Value == nil {
			continue
		}
		r := measurementRow{ID: e.IDs.ExperimentID.String(), Campaign: e.IDs.CampaignID.String(), Objective: o.Name, Value: *o.Value.Value, Sigma: o.Value.Sigma, Unit: string(o.Value.Unit), Class: string(e.Class)}
		r.Base, r.BaseUnit, r.Dimension = base(r.Value, o.Value.Unit)
		r.Corrected = slices.ContainsFunc(e.Record.Corrections, func(c dataset.StoredCorrection) bool { return c.Objective == o.Name })
		all = append(all, r)
	}
	return all, nil
}

func candidates(e In) ([]candidateRow, error) {
	row := func(rank int, worth *float64, settings dataset.Object[dataset.SettingCell], predicted dataset.Object[dataset.Predicted]) (candidateRow, error) {
		p, err := json.Marshal(slices.DeleteFunc(slices.Clone(predicted), func(m dataset.Member[dataset.Predicted]) bool { return m.Value.Mean == nil }))
		return candidateRow{e.IDs.ExperimentID.String(), e.IDs.CampaignID.String(), int64(rank), rank == 0, worth, text.List(text.Settings(settings)), string(p)}, err
	}
	if e.Decision.Reason == "" {
		return nil, nil
	}
	var worth *float64
	if e.Decision.Acquisition != nil {
		worth = &e.Decision.Acquisition.Value
	}
	chosen, err := row(0, worth, e.Settings, e.Predicted)
	all := []candidateRow{chosen}
	for i, l := range e.Decision.Losers {
		lost, e := row(i+1, &l.Acquisition, l.Settings, l.Predicted)
		if e != nil {
			err = e
		}
		all = append(all, lost)
	}
	return all, err
}

func steps(e In) ([]stepRow, error) {
	var all []stepRow
	for i, s := range e.Steps {
		r := stepRow{ID: e.IDs.ExperimentID.String(), Seq: int64(i + 1), Step: s.Step, Intent: int64(s.Intent), Command: s.Command, State: string(s.State), Effect: string(s.Effect), Code: s.Code, Error: s.Error}
		if i < len(e.IDs.Steps) {
			id := e.IDs.Steps[i].CommandID
			r.CommandID, r.Device = id.String(), e.IDs.Steps[i].Device
			if j := slices.IndexFunc(e.Record.Commands, func(c dataset.CommandRecord) bool { return c.CommandID == id }); j >= 0 {
				r.SHA256, r.Bytes = e.Record.Commands[j].SHA256, int64(e.Record.Commands[j].Bytes)
			}
		}
		if i < len(e.Clock.Steps) {
			r.Started, r.Finished = e.Clock.Steps[i].StartedAt.UnixMicro(), e.Clock.Steps[i].FinishedAt.UnixMicro()
		}
		var err error
		if r.Params, err = cellsOf(s.Params); err != nil {
			return nil, err
		}
		if r.Values, err = cellsOf(s.Values); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func cellsOf(cells []dataset.Cell) ([]cell, error) {
	var out []cell
	for _, c := range cells {
		to := cell{Name: c.Name, Unit: string(c.Unit)}
		if c.Number != nil {
			x, err := c.Number.Float64()
			if err != nil {
				return nil, lab.Errorf(lab.Invalid, "%q is %s: %w", c.Name, *c.Number, err)
			}
			to.Number = &x
		}
		if c.Text != nil {
			to.Text = *c.Text
		}
		if c.JSON != nil {
			to.JSON = *c.JSON
		}
		out = append(out, to)
	}
	return out, nil
}

func events(e In) ([]eventRow, error) {
	var all []eventRow
	for _, c := range e.Record.Commands {
		for i, ev := range c.Events {
			all = append(all, eventRow{e.IDs.ExperimentID.String(), c.CommandID.String(), int64(i + 1), ev.Source, string(ev.State), ev.SHA256, int64(ev.Bytes), ev.At.UnixMicro()})
		}
	}
	return all, nil
}

func samples(e In) ([]sampleRow, error) {
	var all []sampleRow
	for _, s := range e.Record.Samples {
		for i, h := range s.History {
			all = append(all, sampleRow{e.IDs.ExperimentID.String(), s.ID, s.Name, int64(i + 1), h.Relation, h.Step, h.CommandID.String(), h.Device, h.Slot})
		}
	}
	return all, nil
}

func rawFiles(e In) ([]rawRow, error) {
	var all []rawRow
	for _, f := range e.Record.Raw {
		all = append(all, rawRow{e.IDs.ExperimentID.String(), f.CommandID.String(), f.Name, f.MediaType, f.SHA256, f.Bytes})
	}
	return all, nil
}

func failures(e In) ([]failureRow, error) {
	if e.Failure == nil {
		return nil, nil
	}
	f := e.Failure
	return []failureRow{{e.IDs.ExperimentID.String(), f.Step, e.IDs.FailureDevice, f.Code, dataset.CauseOf(f.Code), f.Message}}, nil
}

func evidence(e In) ([]evidenceRow, error) {
	var all []evidenceRow
	for _, u := range e.Record.Evidence {
		all = append(all, evidenceRow{e.IDs.ExperimentID.String(), u.Paper, u.Title, u.DOI, u.Share, u.Shift, text.List(text.Settings(u.Claim)), u.Quote})
	}
	return all, nil
}

func corrections(e In) ([]correctionRow, error) {
	var all []correctionRow
	for _, c := range e.Record.Corrections {
		all = append(all, correctionRow{e.IDs.ExperimentID.String(), c.Kind, c.Objective, c.Value, c.Was, c.By, c.Why, c.RecordedAt.UnixMicro()})
	}
	return all, nil
}
