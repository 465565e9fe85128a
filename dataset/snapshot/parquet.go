package snapshot

import (
	"io"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/internal/ahead"
	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// Parquet writes rows that are of one shape, with a typed column to each
// parameter and objective.
func (s Snapshot) Parquet(w io.Writer) error {
	switch s.Rows {
	case OutcomeRows:
		return parquet.WriteRows(w, s.Shape, Decoded[dataset.Row](s))
	case ImportedRows:
		return parquet.WriteImported(w, s.Shape, Decoded[importer.Row](s))
	default:
		return lab.Errorf(lab.Invalid, "rows of the form %q have no Parquet form", s.Rows)
	}
}

// Decoded gives the rows of s by key, as Row: what a row has besides is passed over.
func Decoded[Row any](s Snapshot) parquet.Each[Row] {
	read := func(line []byte) (row Row, err error) {
		if err := jsonline.Unmarshal(line, &row); err != nil {
			return row, lab.Errorf(lab.Invalid, "a row of %s: %w", s.Dir, err)
		}
		return row, nil
	}
	return func(yield func(Row) error) error { return ahead.Each(s.EachRow, read, yield) }
}
