package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/lab"
)

// benchDatasetCmd measures what goes into the dataset and what comes out.
type benchDatasetCmd struct {
	Rows   int      `default:"1000000" help:"Rows of every table."`
	Rounds int      `default:"3" help:"How often each side does its work, in turn; the best counts."`
	Python string   `default:"python3" env:"ATHANOR_PYTHON" help:"Python with duckdb, and pyarrow and polars, to compare with; what is absent is null."`
	Seed   uint64   `default:"7" help:"Seed of the tables."`
	Only   []string `enum:"parquet,jsonl,import,export" default:"parquet,jsonl,import,export" help:"What to measure: parquet, jsonl, import, export."`
	JSON   bool     `name:"json" help:"Print one JSON object."`

	// A part runs in a process of its own, whose memory is measured.
	Part     string `hidden:"" enum:",import,export" default:""`
	File     string `hidden:""`
	Postgres string `hidden:""`
}

// datasetFigures is what the bench prints. Ratios are of one run.
type datasetFigures struct {
	parquetFigures
	jsonlFigures
	importFigures
	exportFigures
	Rows       int        `json:"rows"`
	Rounds     int        `json:"rounds"`
	Conditions conditions `json:"conditions"`
}

func (c *benchDatasetCmd) Run(ctx context.Context, t *terminal) error {
	if c.Rows < 1000 || c.Rounds < 1 {
		return lab.Errorf(lab.Invalid, "%d rows, %d rounds: want at least 1000 and 1", c.Rows, c.Rounds)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	if c.Part != "" {
		return c.part(ctx, t)
	}
	dir, err := os.MkdirTemp("", "athanor-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the bench: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
		return err
	}
	out := datasetFigures{Rows: c.Rows, Rounds: c.Rounds, Conditions: conditionsNow(c.Seed)}
	if err := c.measure(ctx, t, dir, &out); err != nil {
		return err
	}
	out.Conditions.LoadAfter = load()
	if c.JSON {
		return json.NewEncoder(t.out).Encode(out)
	}
	return out.print(t)
}

func (c *benchDatasetCmd) measure(ctx context.Context, t *terminal, dir string, out *datasetFigures) error {
	only := func(what string) bool { return slices.Contains(c.Only, what) }
	if only("parquet") {
		fmt.Fprintln(t.err, "athanor: writing Parquet")
		var err error
		if out.parquetFigures, err = benchParquet(ctx, c, dir); err != nil {
			return err
		}
	}
	if only("jsonl") {
		fmt.Fprintln(t.err, "athanor: writing JSON Lines")
		var err error
		if out.jsonlFigures, err = benchJSONL(c, dir); err != nil {
			return err
		}
	}
	if !only("import") && !only("export") {
		return nil
	}
	p, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: dir, Logger: t.logger})
	if err != nil {
		return err
	}
	defer func() { _ = p.Stop(context.WithoutCancel(ctx)) }() // it is thrown away
	out.Conditions.PostgreSQL = p.Version()
	if only("import") {
		fmt.Fprintln(t.err, "athanor: importing CSV into PostgreSQL")
		if out.importFigures, err = c.imports(ctx, p, dir); err != nil {
			return err
		}
	}
	if only("export") {
		fmt.Fprintln(t.err, "athanor: exporting from PostgreSQL")
		if out.exportFigures, err = c.exports(ctx, p, dir); err != nil {
			return err
		}
	}
	return nil
}

// print tells what was measured.
func (f datasetFigures) print(t *terminal) error {
	if f.CPU > 0 {
		ratio := "no DuckDB to compare with"
		if f.Ratio != nil {
			ratio = fmt.Sprintf("%.2f of DuckDB's CPU, %.2f of its bytes", *f.Ratio, *f.SizeRatio)
		}
		fmt.Fprintf(t.out, "Parquet, zstd: %.2f CPU s and %.1f MB for %d rows of 12 columns; %s; rows that read back differently: %v\n", f.CPU, f.MB, f.Rows, ratio, f.Differing)
	}
	if f.JSONLMB > 0 {
		fmt.Fprintf(t.out, "JSON Lines: %.0f MB/s, %.0f MB to a CPU s; the same bytes as they are: %.0f MB/s\n", f.JSONLRate, f.JSONLCPU, f.DiskRate)
	}
	if f.ImportRate > 0 {
		fmt.Fprintf(t.out, "import of CSV into PostgreSQL: %.0f rows/s, %.2f of COPY's %.0f (by CPU %.2f); %.0f MB\n", f.ImportRate, f.ImportRatio, f.CopyRate, f.ImportCPURatio, f.ImportRSS)
	}
	if f.ExportRate > 0 {
		fmt.Fprintf(t.out, "export of experiments from PostgreSQL: %.0f rows/s, %.0f MB of memory, %.1f MB of file\n", f.ExportRate, f.ExportRSS, f.ExportMB)
	}
	return nil
}

// child runs a part of the bench in a process of its own and reads its answer.
func (c *benchDatasetCmd) child(ctx context.Context, part, file, url string, answer any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "dataset", "--part", part, "--file", file, "--postgres", url, "--rows", strconv.Itoa(c.Rows), "--seed", strconv.FormatUint(c.Seed, 10))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("run the part %s: %w", part, err)
	}
	return json.Unmarshal(b, answer)
}

func (c *benchDatasetCmd) part(ctx context.Context, t *terminal) error {
	run := map[string]func(context.Context, *terminal) (any, error){"import": c.importPart, "export": c.exportPart}[c.Part]
	answer, err := run(ctx, t)
	if err != nil {
		return err
	}
	return json.NewEncoder(t.out).Encode(answer)
}

// ownCPU returns the CPU seconds that this process has used.
func ownCPU() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

// peakMB returns the most memory that this process has had, in MB of 10⁶ bytes.
func peakMB() (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("measure the memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kb float64
			if _, err := fmt.Sscan(rest, &kb); err == nil {
				return kb * 1024 / 1e6, nil
			}
		}
	}
	return 0, fmt.Errorf("measure the memory: %s has no VmHWM", filepath.Join("/proc", "self", "status"))
}
