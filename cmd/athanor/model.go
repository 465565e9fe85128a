package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
	"github.com/athanor-lab/athanor/planner/askdata"
)

type modelCmd struct {
	Train modelTrainCmd `cmd:"" help:"Train a model on a table or a snapshot and register it."`
	Add   modelAddCmd   `cmd:"" help:"Register an endpoint of the Open Inference Protocol, or a table of predictions."`
	List  modelListCmd  `cmd:"" help:"List the registered models."`
	Show  modelShowCmd  `cmd:"" help:"Show a model: its data, split and calibration."`
}

// registryFlag says where models are kept.
type registryFlag struct {
	Dir string `env:"ATHANOR_MODELS" default:"${default_data}/models" help:"Folder of the registry."`
}

func (r registryFlag) registry() models.Dir { return models.Dir(r.Dir) }

type modelTrainCmd struct {
	registryFlag
	Name string `arg:"" help:"Name of the model; training again makes another version of it."`
	Spec string `required:"" help:"Campaign document; its space and objectives are inputs and outputs."`
	Data string `required:"" help:"Table of experiments (CSV), or the folder of a snapshot of outcomes."`
	Seed uint64 `help:"Seed of split and training; by default the document's."`
	JSON bool   `name:"json" help:"Print the entry as JSON."`
}

func (c *modelTrainCmd) Run(t *terminal) error {
	order, err := orderOf(c.Name, c.Spec, c.Data, t)
	if err != nil {
		return err
	}
	if c.Seed != 0 {
		order.Seed = c.Seed
	}
	m, err := models.Train(order)
	if err != nil {
		return err
	}
	return register(c.registry(), m, c.JSON, t)
}

// register keeps a model and shows it as the registry has it.
func register(d models.Dir, m *models.Model, asJSON bool, t *terminal) error {
	if err := d.Put(m); err != nil {
		return err
	}
	e, err := d.Get(m.Name + "@" + m.Version)
	if err != nil {
		return err
	}
	return showModel(e, asJSON, t)
}

// orderOf reads the document and the rows that a model is made of.
func orderOf(name, spec, data string, t *terminal) (models.Order, error) {
	src, format, err := readDocument(spec)
	if err != nil {
		return models.Order{}, err
	}
	doc, problems := campaign.Parse(src, format)
	problems = about(problems, "space", "objectives")
	problems = append(problems, resolve(&doc, spec, src, format, problems)...)
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(t.err, spec+":"+complaint(p))
		}
		return models.Order{}, quiet{exitInvalid}
	}
	o := models.Order{Name: name, Parameters: doc.Space.Parameters, Objectives: doc.Objectives, Seed: doc.Seed, Source: filepath.Base(data)}
	if data == "" {
		return o, nil
	}
	if st, err := os.Stat(data); err == nil && st.IsDir() {
		o.Rows, err = snapshotRows(data)
		return o, err
	}
	f, err := os.Open(data)
	if err != nil {
		return o, lab.Errorf(lab.Invalid, "read the experiments: %w", err)
	}
	defer f.Close()
	table, err := askdata.Read(f, doc.Space, doc.Objectives)
	if err != nil {
		return o, fmt.Errorf("%s: %w", data, err)
	}
	o.Rows = table.Known
	return o, nil
}

// snapshotRows reads the outcomes of a snapshot, after it was verified.
func snapshotRows(dir string) ([]lab.Known, error) {
	s, err := snapshot.Verify(dir)
	if err != nil {
		return nil, err
	}
	var rows []lab.Known
	err = s.EachRow(func(line []byte) error {
		var r dataset.Row
		if err := json.Unmarshal(line, &r); err != nil {
			return lab.Errorf(lab.Invalid, "%s holds other rows than outcomes of experiments: %w", dir, err)
		}
		k := lab.Known{Number: len(rows) + 1, Failed: r.State != lab.OutcomeSucceeded}
		for _, m := range r.Settings {
			k.Settings = append(k.Settings, lab.Setting{Name: m.Name, Value: m.Value.Value, Unit: m.Value.Unit})
		}
		for _, m := range r.Observed {
			if m.Value.Value != nil {
				k.Observed = append(k.Observed, lab.Measured{Name: m.Name, Value: *m.Value.Value, Sigma: m.Value.Sigma, Unit: m.Value.Unit})
			}
		}
		rows = append(rows, k)
		return nil
	})
	return rows, err
}

type modelAddCmd struct {
	registryFlag
	Name     string `arg:"" help:"Name of the model."`
	Spec     string `required:"" help:"Campaign document; its space and objectives are inputs and outputs."`
	Table    string `xor:"what" required:"" help:"Predictions (CSV): a column to each parameter and objective."`
	Endpoint string `xor:"what" required:"" help:"Address of a server that speaks the Open Inference Protocol v2, as in http://127.0.0.1:8000."`
	Model    string `help:"Name of the model there; by default the same."`
	Version  string `help:"Its version there; by default the server chooses."`
	Input    string `help:"Name of one FP64 tensor that takes all inputs; by default there is a tensor to each parameter."`
	JSON     bool   `name:"json" help:"Print the entry as JSON."`
}

func (c *modelAddCmd) Run(t *terminal) error {
	order, err := orderOf(c.Name, c.Spec, c.Table, t)
	if err != nil {
		return err
	}
	if c.Table != "" {
		m, err := models.OfTable(order)
		if err != nil {
			return err
		}
		return register(c.registry(), m, c.JSON, t)
	}
	if c.Model == "" {
		c.Model = c.Name
	}
	m, err := models.AtServer(c.Name, models.Server{URL: c.Endpoint, Model: c.Model, Version: c.Version, Input: c.Input}, order.Parameters, order.Objectives)
	if err != nil {
		return err
	}
	return register(c.registry(), m, c.JSON, t)
}

type modelListCmd struct {
	registryFlag
	JSON bool `name:"json" help:"Print the entries as JSON."`
}

func (c *modelListCmd) Run(t *terminal) error {
	all, err := c.registry().List()
	if err != nil {
		return err
	}
	if c.JSON {
		out := make([]modelView, len(all))
		for i, e := range all {
			out[i] = viewOf(e)
		}
		return printJSON(t.out, out)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tKIND\tROWS\tEXPLAINED\tIN 95 %\tADDED")
	for _, e := range all {
		explained, covered := "", ""
		for _, q := range e.Model.Quality {
			explained += fmt.Sprintf("%.2f ", q.Explained)
			covered += fmt.Sprintf("%.2f ", q.Covered95)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", e.Model.Name, e.Model.Version, e.Model.Kind, e.Model.Data.Used, explained, covered, e.AddedAt.Format("2006-01-02 15:04"))
	}
	return w.Flush()
}

type modelShowCmd struct {
	registryFlag
	Ref  string `arg:"" help:"NAME, the latest version, or NAME@VERSION."`
	JSON bool   `name:"json" help:"Print the entry as JSON."`
}

func (c *modelShowCmd) Run(t *terminal) error {
	e, err := c.registry().Get(c.Ref)
	if err != nil {
		return err
	}
	return showModel(e, c.JSON, t)
}

// modelView is a model without its weights and points.
type modelView struct {
	models.Entry
	Model models.Model `json:"model"`
}

func viewOf(e models.Entry) modelView {
	v := modelView{Entry: e, Model: *e.Model}
	v.Model.Networks, v.Model.Points, v.Model.Predictions = nil, nil, nil
	return v
}

func showModel(e models.Entry, asJSON bool, t *terminal) error {
	if asJSON {
		return printJSON(t.out, viewOf(e))
	}
	m := e.Model
	fmt.Fprintf(t.out, "%s@%s, %s\n", m.Name, m.Version, m.Kind)
	if s := m.Server; s != nil {
		fmt.Fprintf(t.out, "asked at %s as %s\n", s.URL, s.Model)
		return nil
	}
	fmt.Fprintf(t.out, "made of %s: %d rows, %d of them usable, SHA-256 %s\n", m.Data.Name, m.Data.Rows, m.Data.Used, m.Data.SHA256)
	if m.Split == nil {
		return nil
	}
	fmt.Fprintf(t.out, "%d rows trained it, %d calibrated it, and on %d that it never saw:\n", m.Split.Train, m.Split.Calibrate, m.Split.Test)
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "OBJECTIVE\tEXPLAINED\tERROR\tIN 50 %\tIN 80 %\tIN 95 %")
	for i, q := range m.Quality {
		fmt.Fprintf(w, "%s\t%.2f\t%.3g %s\t%.2f\t%.2f\t%.2f\n", m.Objectives[i].Name, q.Explained, q.RMSE, m.Objectives[i].Unit, q.Covered50, q.Covered80, q.Covered95)
	}
	return w.Flush()
}

// consult adds to a brief what the model that its policy names says; "" and
// "auto" name none.
func consult(ctx context.Context, d models.Dir, b *lab.Brief) error {
	ref := b.Policy.Model
	if ref == "" || ref == "auto" {
		return nil
	}
	e, err := d.Get(ref)
	if err != nil {
		return fmt.Errorf("plan.model: %w", err)
	}
	b.Sources = append(b.Sources, e.Model.Source(ctx, http.DefaultClient, *b))
	return nil
}
