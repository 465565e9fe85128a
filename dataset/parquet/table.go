package parquet

import (
	"encoding/json"
	"io"
	"iter"

	"github.com/athanor-lab/athanor/dataset/columnar"
	"github.com/athanor-lab/athanor/lab"
)

// WriteTable writes rows of a fixed type, a struct with `parquet` tags, in
// batches. units are by path. A batch may be used again after it was yielded.
func WriteTable[Row any](w io.Writer, schema string, units map[string]lab.Unit, batches iter.Seq2[[]Row, error]) error {
	m, err := metadata(schema, units)
	if err != nil {
		return err
	}
	out, err := columnar.New[Row](w, schema, m)
	if err != nil {
		return err
	}
	for batch, err := range batches {
		if err != nil {
			return err // the caller's own
		}
		if err := out.Write(batch); err != nil {
			return err
		}
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
