package dataset

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// ExportJSONL writes the campaign to w as JSON Lines, a [Row] to an experiment,
// by number.
func ExportJSONL(ctx context.Context, c lab.Campaign, each Each, w io.Writer) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // for readers, not for browsers
	err := each(ctx, c.ID, func(o lab.Outcome) error {
		row, err := RowOf(c, o)
		if err != nil {
			return err
		}
		return enc.Encode(row)
	})
	if err != nil {
		return fmt.Errorf("export %s: %w", c.ID, err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("export %s: %w", c.ID, err)
	}
	return nil
}

// ReadJSONL calls yield for every row of an export, and returns its error as it
// is. Anything else than rows of [RowSchema] is [lab.Invalid], with the line.
func ReadJSONL(r io.Reader, yield func(Row) error) error {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, readErr := lines.ReadBytes('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, readErr)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var row Row
			if err := jsonline.Unmarshal(line, &row); err != nil {
				return lab.Errorf(lab.Invalid, "line %d is no row of an export: %w", n, err)
			}
			if row.Schema != RowSchema {
				return lab.Errorf(lab.Invalid, "line %d has the schema %q, want %q", n, row.Schema, RowSchema)
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		if readErr != nil {
			return nil //nolint:nilerr // it is the end
		}
	}
}
