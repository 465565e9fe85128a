package parquet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/columnar"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// The forms of the files, in their metadata.
const (
	OutcomeSchema = "outcome.parquet/1"
	ImportSchema  = "import.parquet/1"
)

// Each gives rows one by one.
type Each[Row any] func(yield func(Row) error) error

// Export writes a campaign to w, a row to an experiment, by number.
func Export(ctx context.Context, c lab.Campaign, each dataset.Each, w io.Writer) error {
	return WriteRows(w, ShapeOf(c.Document), func(yield func(dataset.Row) error) error {
		return each(ctx, c.ID, func(o lab.Outcome) error {
			row, err := dataset.RowOf(c, o)
			if err != nil {
				return err
			}
			return yield(row)
		})
	})
}

// step and loser are the elements of the lists of a row.
type step struct {
	Step      string `parquet:"step,dict"`
	Intent    int32  `parquet:"intent"`
	Command   string `parquet:"command,dict"`
	CommandID string `parquet:"command_id"`
	Device    string `parquet:"device,dict"`
	State     string `parquet:"state,dict"`
	Effect    string `parquet:"effect,dict"`
	Code      string `parquet:"code,dict"`
	Error     string `parquet:"error"`
	Params    []cell `parquet:"params,list"`
	Values    []cell `parquet:"values,list"`
	Started   int64  `parquet:"started_at,timestamp(microsecond)"`
	Finished  int64  `parquet:"finished_at,timestamp(microsecond)"`
}

type cell struct {
	Name   string   `parquet:"name,dict"`
	Number *float64 `parquet:"number,optional"`
	Text   *string  `parquet:"text,optional"`
	JSON   *string  `parquet:"json,optional"`
	Unit   string   `parquet:"unit,dict"`
}

type loser struct {
	Acquisition float64 `parquet:"acquisition"`
	Settings    string  `parquet:"settings"`  // JSON, as in the JSONL export
	Predicted   string  `parquet:"predicted"` // JSON
}

// The first members of a row, which every row has.
type head struct {
	Campaign     string `parquet:"campaign,dict"`
	CampaignID   string `parquet:"campaign_id,dict"`
	ExperimentID string `parquet:"experiment_id"`
	PlanID       string `parquet:"plan_id,dict"`
	Number       int32  `parquet:"number,delta"`
	State        string `parquet:"state,dict"`
	Text         string `parquet:"text"`
	Started      int64  `parquet:"started_at,timestamp(microsecond)"`
	Finished     int64  `parquet:"finished_at,timestamp(microsecond)"`
}

type tail struct {
	FailureStep      *string  `parquet:"failure_step,optional,dict"`
	FailureCode      *string  `parquet:"failure_code,optional,dict"`
	FailureMessage   *string  `parquet:"failure_message,optional"`
	Reason           string   `parquet:"reason"`
	Acquisition      *string  `parquet:"acquisition,optional,dict"`
	AcquisitionValue *float64 `parquet:"acquisition_value,optional"`
	Losers           []loser  `parquet:"losers,list"`
	Steps            []step   `parquet:"steps,list"`
}

// WriteRows writes rows of a shape to w. A setting of another kind than the
// shape says is [lab.Invalid].
func WriteRows(w io.Writer, s Shape, each Each[dataset.Row]) error {
	if err := s.check(); err != nil {
		return err
	}
	units := map[string]lab.Unit{}
	settings, fill := s.settings("settings", units)
	of := structOf([]member{
		{"experiment", "", reflect.TypeFor[head]()},
		{"settings", "", settings},
		{"predicted", "", s.perObjective("predicted", units, "mean", "sigma", "low", "high")},
		{"observed", "", s.perObjective("observed", units, "value", "sigma")},
		{"decision", "", reflect.TypeFor[tail]()},
	})
	return write(w, OutcomeSchema, of, units, each, func(to reflect.Value, r dataset.Row) error {
		to.Field(0).Set(reflect.ValueOf(headOf(r)))
		if err := fill(to.Field(1), func(name string) (lab.Value, bool) { c, ok := r.Settings.Get(name); return c.Value, ok }); err != nil {
			return err
		}
		for i, f := range s.Objectives {
			if p, ok := r.Predicted.Get(f.Name); ok {
				setAll(to.Field(2).Field(i), p.Mean, p.Sigma, p.Low, p.High)
			}
			if o, ok := r.Observed.Get(f.Name); ok {
				if o.Unit != f.Unit {
					return lab.Errorf(lab.Invalid, "%q was observed in %q and its column is in %q", f.Name, o.Unit, f.Unit)
				}
				setAll(to.Field(3).Field(i), o.Value, o.Sigma)
			}
		}
		t, err := tailOf(r)
		to.Field(4).Set(reflect.ValueOf(t))
		return err
	})
}

func setAll(to reflect.Value, numbers ...*float64) {
	for i, x := range numbers {
		to.Field(i).Set(reflect.ValueOf(x))
	}
}

func headOf(r dataset.Row) head {
	return head{
		Campaign: r.Campaign, CampaignID: r.IDs.CampaignID.String(), ExperimentID: r.IDs.ExperimentID.String(), PlanID: r.IDs.PlanID.String(),
		Number: int32(r.Number), State: string(r.State), Text: r.Text, Started: r.Clock.StartedAt.UnixMicro(), Finished: r.Clock.FinishedAt.UnixMicro(),
	}
}

func tailOf(r dataset.Row) (tail, error) {
	t := tail{Reason: r.Decision.Reason}
	if f := r.Failure; f != nil {
		t.FailureStep, t.FailureCode, t.FailureMessage = &f.Step, &f.Code, &f.Message
	}
	if a := r.Decision.Acquisition; a != nil {
		t.Acquisition, t.AcquisitionValue = &a.Name, &a.Value
	}
	for _, l := range r.Decision.Losers {
		settings, err := json.Marshal(l.Settings)
		if err != nil {
			return t, err
		}
		predicted, err := json.Marshal(l.Predicted)
		if err != nil {
			return t, err
		}
		t.Losers = append(t.Losers, loser{l.Acquisition, string(settings), string(predicted)})
	}
	for i, s := range r.Steps {
		out := step{Step: s.Step, Intent: int32(s.Intent), Command: s.Command, State: string(s.State), Effect: string(s.Effect), Code: s.Code, Error: s.Error}
		if i < len(r.IDs.Steps) {
			out.CommandID, out.Device = r.IDs.Steps[i].CommandID.String(), r.IDs.Steps[i].Device
		}
		if i < len(r.Clock.Steps) {
			out.Started, out.Finished = r.Clock.Steps[i].StartedAt.UnixMicro(), r.Clock.Steps[i].FinishedAt.UnixMicro()
		}
		var err error
		if out.Params, err = cellsOf(s.Params); err != nil {
			return t, err
		}
		if out.Values, err = cellsOf(s.Values); err != nil {
			return t, err
		}
		t.Steps = append(t.Steps, out)
	}
	return t, nil
}

func cellsOf(cells []dataset.Cell) ([]cell, error) {
	var out []cell
	for _, c := range cells {
		to := cell{Name: c.Name, Text: c.Text, JSON: c.JSON, Unit: string(c.Unit)}
		if c.Number != nil {
			x, err := c.Number.Float64()
			if err != nil {
				return nil, lab.Errorf(lab.Invalid, "%q is %s: %w", c.Name, *c.Number, err)
			}
			to.Number = &x
		}
		out = append(out, to)
	}
	return out, nil
}

// source, attribute and correction are those of an imported row.
type source struct {
	ID     string `parquet:"id"`
	SHA256 string `parquet:"sha256,dict"`
	Table  string `parquet:"table,dict"`
	Row    int64  `parquet:"row,delta"`
	Offset int64  `parquet:"offset,delta"`
}

type attribute struct {
	Name string `parquet:"name,dict"`
	Text string `parquet:"text"`
	Unit string `parquet:"unit,dict"`
}

type correction struct {
	Column int32  `parquet:"column"`
	From   string `parquet:"from"`
	To     string `parquet:"to"`
}

// ShapeOfMapping returns the shape of the rows that a mapping gives.
func ShapeOfMapping(m importer.Mapping) Shape {
	var s Shape
	for _, c := range m.Columns {
		f := Field{c.Name, c.Unit, Numbers}
		switch c.Role {
		case importer.Objective:
			s.Objectives = append(s.Objectives, f)
		case importer.Parameter:
			if c.Type != importer.NumberType && c.Type != importer.IntegerType {
				f.Kind = Labels
			}
			s.Settings = append(s.Settings, f)
		default: // no column of the shape
		}
	}
	return s
}

// WriteImported writes imported rows of a shape to w.
func WriteImported(w io.Writer, s Shape, each Each[importer.Row]) error {
	if err := s.check(); err != nil {
		return err
	}
	units := map[string]lab.Unit{}
	settings, fill := s.settings("settings", units)
	of := structOf([]member{
		{"source", "", reflect.TypeFor[source]()},
		{"settings", "", settings},
		{"observed", "", s.perObjective("observed", units, "value", "sigma")},
		{"attributes", ",list", reflect.TypeFor[[]attribute]()},
		{"corrected", ",list", reflect.TypeFor[[]correction]()},
	})
	return write(w, ImportSchema, of, units, each, func(to reflect.Value, r importer.Row) error {
		to.Field(0).Set(reflect.ValueOf(source{r.ID, r.Source.SHA256, r.Source.Table, int64(r.Source.Row), r.Source.Offset}))
		err := fill(to.Field(1), func(name string) (lab.Value, bool) {
			for _, setting := range r.Settings {
				if setting.Name == name {
					return setting.Value, true
				}
			}
			return lab.Value{}, false
		})
		if err != nil {
			return err
		}
		for i, f := range s.Objectives {
			for _, o := range r.Observed {
				if o.Name == f.Name {
					if o.Unit != f.Unit {
						return lab.Errorf(lab.Invalid, "row %d: %q is in %q and its column in %q", r.Source.Row, f.Name, o.Unit, f.Unit)
					}
					setAll(to.Field(2).Field(i), &o.Value, o.Sigma)
				}
			}
		}
		var attributes []attribute
		for _, a := range r.Attributes {
			attributes = append(attributes, attribute{a.Name, a.Text, string(a.Unit)})
		}
		to.Field(3).Set(reflect.ValueOf(attributes))
		var corrected []correction
		for _, c := range r.Corrected {
			corrected = append(corrected, correction{int32(c.Column), c.From, c.To})
		}
		to.Field(4).Set(reflect.ValueOf(corrected))
		return nil
	})
}

// write streams rows into a file of the type of.
func write[Row any](w io.Writer, schema string, of reflect.Type, units map[string]lab.Unit, each Each[Row], fill func(reflect.Value, Row) error) error {
	m, err := metadata(schema, units)
	if err != nil {
		return err
	}
	out, err := columnar.Open(w, of, schema, m)
	if err != nil {
		return err
	}
	row, n := reflect.New(of).Elem(), 0
	err = each(func(r Row) error {
		n++
		row.SetZero()
		if err := fill(row, r); err != nil {
			return err
		}
		return out.Put(row)
	})
	if err != nil {
		return fmt.Errorf("write Parquet, row %d: %w", n, err)
	}
	return out.Close()
}

// metadata says the units of columns by their path.
func metadata(schema string, units map[string]lab.Unit) (map[string]string, error) {
	all, err := json.Marshal(units) // by name
	if err != nil {
		return nil, err
	}
	m := map[string]string{"athanor": schema, "units": string(all)}
	for path, u := range units {
		m["unit."+path] = string(u)
	}
	return m, nil
}
