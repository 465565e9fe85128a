package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Canonical returns an export, JSONL or CSV, without what differs between two
// runs of one campaign: ids, devices and times. In JSONL, what a transfer or
// a handover was told of devices, slots and samples goes too, and a UUID inside any text becomes
// "<uuid>". Equal runs have equal canonical exports, byte for byte.
func Canonical(r io.Reader) ([]byte, error) {
	buf := bufio.NewReader(r)
	first, err := buf.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read an export: %w", err)
	case first[0] == '{':
		return canonicalJSONL(buf)
	default:
		return canonicalCSV(buf)
	}
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func canonicalJSONL(r io.Reader) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	names := func(c Cell) bool { return slices.Contains([]string{"from", "to", "sample"}, c.Name) }
	handed := func(c Cell) bool { return slices.Contains([]string{"slot", "peer", "token"}, c.Name) }
	err := ReadJSONL(r, func(row Row) error {
		for i := range row.Steps {
			row.Steps[i].Params = slices.DeleteFunc(row.Steps[i].Params, names)
			if c := row.Steps[i].Command; c == lab.CommandGive || c == lab.CommandTake {
				row.Steps[i].Params = slices.DeleteFunc(row.Steps[i].Params, handed)
			}
		}
		// The same row without its last two fields.
		type left struct {
			Row
			IDs   *RowIDs   `json:"ids,omitempty"`
			Clock *RowClock `json:"clock,omitempty"`
		}
		return enc.Encode(left{Row: row})
	})
	return uuid.ReplaceAll(out.Bytes(), []byte("<uuid>")), err
}

func canonicalCSV(r io.Reader) ([]byte, error) {
	var run []string
	for _, c := range Columns(lab.Document{}) {
		if c.Run {
			run = append(run, c.Name)
		}
	}
	var out bytes.Buffer
	in, w := csv.NewReader(r), csv.NewWriter(&out)
	w.UseCRLF = true
	keep := -1
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "read an export: %w", err)
		}
		if keep < 0 {
			keep = len(record) - len(run)
			if keep < 0 || !slices.Equal(record[keep:], run) {
				return nil, lab.Errorf(lab.Invalid, "read an export: the header does not end with %q", run)
			}
		}
		if err := w.Write(record[:keep]); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return uuid.ReplaceAll(out.Bytes(), []byte("<uuid>")), w.Error()
}
