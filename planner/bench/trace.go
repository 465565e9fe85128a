package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// TraceFormat names a line of the files that [Traces] reads.
const TraceFormat = "athanor-bench-trace/1"

// Trace is one campaign of another planner.
type Trace struct {
	Format  string    `json:"format"`
	Dataset string    `json:"dataset"`
	Table   string    `json:"table"`   // the [Table.Digest] of the table it was made on
	Planner string    `json:"planner"` // with its setting, as "botorch-mixed"
	Version string    `json:"version"` // package and version
	Seed    int       `json:"seed"`
	Starts  int       `json:"starts"` // how many of Order were given
	Order   []int     `json:"order"`  // rows of the table as they were evaluated
	CPUMS   []float64 `json:"cpu_ms"` // of each suggestion after the starts
	Repeats int       `json:"repeats"`
	Drawn   int       `json:"drawn"`
}

// maxTrace bounds a line, in bytes.
const maxTrace = 4 << 20

// Traces reads every .jsonl and .jsonl.gz file of a directory, a campaign to a
// line. Where a file is there both plain and compressed the plain one counts.
func Traces(dir string) ([]Trace, error) { return folderOf(dir, ReadTraces) }

// folderOf reads the traces of every file of a directory.
func folderOf[T any](dir string, read func(io.Reader) ([]T, error)) ([]T, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "list the traces of other planners: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".jsonl") {
			names = append(names, name)
		}
	}
	for _, e := range entries {
		if plain, ok := strings.CutSuffix(e.Name(), ".gz"); ok && strings.HasSuffix(plain, ".jsonl") && !slices.Contains(names, plain) {
			names = append(names, e.Name())
		}
	}
	var out []T
	for _, name := range names {
		more, err := fileOf(filepath.Join(dir, name), read)
		if err != nil {
			return nil, fmt.Errorf("read the traces of %s: %w", name, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

func fileOf[T any](path string, read func(io.Reader) ([]T, error)) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, lab.Errorf(lab.Invalid, "decompress: %w", err)
		}
	}
	return read(r)
}

// ReadTraces reads a campaign to a line. Errors are of kind [lab.Invalid] and
// name the line. A last line without an end is left out: it was being written.
func ReadTraces(r io.Reader) ([]Trace, error) {
	return linesOf(r, func(t Trace) error {
		if t.Format != TraceFormat {
			return lab.Errorf(lab.Invalid, "format is %q, not %q", t.Format, TraceFormat)
		}
		if t.Planner == "" || t.Seed < 1 || t.Starts < 0 || t.Starts > len(t.Order) {
			return lab.Errorf(lab.Invalid, "a trace has a planner, a seed from 1 and %d of %d evaluations as starts", t.Starts, len(t.Order))
		}
		return nil
	})
}

// linesOf reads what check has nothing against, an object to a line.
func linesOf[T any](r io.Reader, check func(T) error) ([]T, error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	var out []T
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "line %d: %w", number, err)
		}
		if len(line) > maxTrace {
			return nil, lab.Errorf(lab.Invalid, "line %d has %d bytes; a campaign has at most %d", number, len(line), maxTrace)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var t T
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, lab.Errorf(lab.Invalid, "line %d: %w", number, err)
		}
		if err := check(t); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		out = append(out, t)
	}
}

// fits returns why a trace cannot be compared with our campaign from the given
// starts, or nothing.
func (t *Table) fits(tr Trace, starts []int, budget int) string {
	switch {
	case len(tr.Order) != budget:
		return fmt.Sprintf("has %d evaluations, not %d", len(tr.Order), budget)
	case tr.Starts != len(starts) || !slices.Equal(tr.Order[:tr.Starts], starts):
		return "has other starts"
	}
	done := make([]bool, len(t.Value))
	for i, row := range tr.Order {
		if row < 0 || row >= len(done) {
			return fmt.Sprintf("evaluates row %d of %d", row, len(done))
		}
		if done[row] {
			return fmt.Sprintf("evaluates row %d again at %d", row, i+1)
		}
		done[row] = true
	}
	return ""
}
