// Package bluesky reads documents of the Bluesky event model (JSON Lines of
// [name, document] pairs, or of objects with "name" and "doc") as tables.
//
// Every stream of every run is one table of its events: a column to a data key
// with its unit, its time, and what the start and the stop of the run say. A
// run that was aborted has its exit status and reason in every row: a failure
// is no negative result.
//
// What is easily taken wrong: event pages hold events side by side; a run
// without a stop document is told, since it may be cut.
package bluesky

import (
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset/jsontable"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// names are the documents of the event model.
var names = []string{"start", "descriptor", "event", "event_page", "stop", "resource", "datum", "datum_page", "stream_resource", "stream_datum"}

// Pair returns the name and the document of a line.
func Pair(v any) (name string, doc *jsontable.Object, ok bool) {
	switch v := v.(type) {
	case []any:
		if len(v) == 2 {
			name, _ = v[0].(string)
			doc, ok = v[1].(*jsontable.Object)
		}
	case *jsontable.Object:
		name = v.Text("name")
		if doc, ok = v.Get("doc").(*jsontable.Object); !ok {
			doc, ok = v.Get("document").(*jsontable.Object)
		}
	}
	return name, doc, ok && slices.Contains(names, name)
}

// run is what is known of a run before its events are read.
type run struct {
	start, stop *jsontable.Object
}

// stream is a table to be.
type stream struct {
	name  string
	units map[string]string
}

type reader struct {
	path    string
	most    int
	runs    map[string]*run    // by the uid of the start
	streams map[string]*stream // by their name
	of      map[string]string  // stream by the uid of its descriptor
	runOf   map[string]string  // run by the uid of its descriptor
	order   []string
	motors  []string // that the starts name: what was moved
	other   int      // documents that point to arrays in other files
}

// Open opens a file of documents. One that is cut or broken inside is
// [lab.Invalid]: an event without its descriptor means nothing.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	r := &reader{path: path, most: o.Limits.RecordBytes, runs: map[string]*run{}, streams: map[string]*stream{}, of: map[string]string{}, runOf: map[string]string{}}
	if err := r.survey(); err != nil {
		return nil, err
	}
	var notes []tabular.Note
	for uid, one := range r.runs {
		if one.stop == nil {
			notes = append(notes, tabular.Note{Code: "no_stop", Text: "run " + uid + " has no stop document; the file may be cut"})
		}
	}
	slices.SortFunc(notes, func(a, b tabular.Note) int { return strings.Compare(a.Text, b.Text) })
	if r.other > 0 {
		notes = append(notes, tabular.Note{Code: "external_data", Text: "some documents name arrays in other files, which are not read; their rows have the references"})
	}
	var tables []*tabular.Table
	for _, name := range r.order {
		to := o
		if o.Sheet != name && (o.Sheet != "" || name != r.order[0]) {
			to.Names = nil
		}
		t, err := tabular.NewTable(name, "bluesky", r.streams[name].units, to, func(yield func(tabular.Fields) error) error { return r.events(name, yield) })
		if err != nil {
			return nil, err
		}
		t.Notes = append(t.Notes, notes...)
		t.Known = map[string]tabular.Known{}
		for _, n := range t.Layout.Names {
			if _, data := r.streams[name].units[n]; !data {
				t.Known[n] = tabular.About
			} else if slices.Contains(r.motors, n) {
				t.Known[n] = tabular.Chosen
			} else {
				t.Known[n] = tabular.Seen
			}
		}
		tables = append(tables, t)
	}
	if len(tables) == 0 {
		return nil, lab.Errorf(lab.Invalid, "%s has no descriptor document, so no events", path)
	}
	return tabular.NewSource(tables, o, nil)
}

func (r *reader) each(yield func(name string, d *jsontable.Object, offset int64) error) error {
	n := 0
	return jsontable.EachLine(r.path, r.most, func(raw []byte, offset int64, _ bool) error {
		n++
		v, err := jsontable.Parse(raw)
		if err != nil {
			return lab.Errorf(lab.Invalid, "document %d: %w; the file may be cut", n, err)
		}
		name, d, ok := Pair(v)
		if !ok {
			return lab.Errorf(lab.Invalid, "document %d is none of %q", n, names)
		}
		return yield(name, d, offset)
	})
}

// survey reads what is about events: starts, descriptors, stops.
func (r *reader) survey() error {
	return r.each(func(name string, d *jsontable.Object, _ int64) error {
		uid := d.Text("uid")
		switch name {
		case "start":
			r.runs[uid] = &run{start: d}
			motors, _ := d.Get("motors").([]any)
			for _, m := range motors {
				if name, ok := m.(string); ok {
					r.motors = append(r.motors, name)
				}
			}
		case "stop":
			if of := r.runs[d.Text("run_start")]; of != nil {
				of.stop = d
			}
		case "descriptor":
			return r.descriptor(uid, d)
		case "event", "event_page":
			if _, ok := r.of[d.Text("descriptor")]; !ok {
				return lab.Errorf(lab.Invalid, "an %s is of the descriptor %q, which does not come before it", name, d.Text("descriptor"))
			}
		default:
			r.other++
		}
		return nil
	})
}

func (r *reader) descriptor(uid string, d *jsontable.Object) error {
	if r.runs[d.Text("run_start")] == nil {
		return lab.Errorf(lab.Invalid, "the descriptor %q is of the run %q, which does not come before it", uid, d.Text("run_start"))
	}
	name := d.Text("name")
	if name == "" {
		name = "primary"
	}
	s := r.streams[name]
	if s == nil {
		s = &stream{name: name, units: map[string]string{}}
		r.streams[name], r.order = s, append(r.order, name)
		if name == "primary" { // the one that the run is about goes first
			slices.SortStableFunc(r.order, func(a, b string) int { return boolInt(b == "primary") - boolInt(a == "primary") })
		}
	}
	keys, _ := d.Get("data_keys").(*jsontable.Object)
	if keys == nil {
		return lab.Errorf(lab.Invalid, "the descriptor %q has no data_keys", uid)
	}
	for i, k := range keys.Names {
		key, ok := keys.Values[i].(*jsontable.Object)
		if !ok {
			continue
		}
		unit := key.Text("units")
		if was, known := s.units[k]; known && was != unit {
			return lab.Errorf(lab.Invalid, "the data key %q of the stream %q is in %q and in %q; import the runs one by one", k, name, was, unit)
		}
		s.units[k] = unit
	}
	r.of[uid], r.runOf[uid] = name, d.Text("run_start")
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// events gives the events of a stream, those of pages one by one.
func (r *reader) events(name string, yield func(tabular.Fields) error) error {
	return r.each(func(kind string, d *jsontable.Object, offset int64) error {
		of := d.Text("descriptor")
		if kind != "event" && kind != "event_page" || r.of[of] != name {
			return nil
		}
		if kind == "event" {
			return yield(r.row(of, d, -1, offset))
		}
		seq, ok := d.Get("seq_num").([]any)
		if !ok {
			return yield(jsontable.Broken(jsontable.JSON(d), offset))
		}
		for i := range seq {
			if err := yield(r.row(of, d, i, offset)); err != nil {
				return err
			}
		}
		return nil
	})
}

// row is an event, or the i-th of a page.
func (r *reader) row(of string, d *jsontable.Object, i int, offset int64) tabular.Fields {
	f := tabular.Fields{Offset: offset}
	emit := func(name, text string) {
		f.Cells = append(f.Cells, tabular.Field{Name: name, Cell: tabular.Cell{Text: text, Offset: offset}})
	}
	at := func(v any) any {
		list, ok := v.([]any)
		switch {
		case i < 0:
			return v
		case ok && i < len(list):
			return list[i]
		default:
			return nil
		}
	}
	if data, ok := d.Get("data").(*jsontable.Object); ok {
		for k, n := range data.Names {
			jsontable.Flatten(n, at(data.Values[k]), emit)
		}
	}
	for k, n := range d.Names {
		switch n {
		case "data", "descriptor":
		case "timestamps", "filled":
			if inner, ok := d.Values[k].(*jsontable.Object); ok {
				for j, key := range inner.Names {
					jsontable.Flatten(n+"."+key, at(inner.Values[j]), emit)
				}
			}
		default:
			jsontable.Flatten("event."+n, at(d.Values[k]), emit)
		}
	}
	one := r.runs[r.runOf[of]]
	jsontable.Flatten("start", one.start, emit)
	if one.stop != nil {
		jsontable.Flatten("stop", one.stop, emit)
	}
	return f
}
