package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/athanor-lab/athanor/dataset/columnar"
	"github.com/athanor-lab/athanor/lab"
)

//go:embed bench_dataset.py
var benchPython string

// observation is a row of the table that is written: what a laboratory's
// observations look like, with an id that is random, as ids are.
type observation struct {
	ExperimentID string   `parquet:"experiment_id"`
	Campaign     string   `parquet:"campaign,dict"`
	Device       string   `parquet:"device,dict"`
	Solvent      string   `parquet:"solvent,dict"`
	State        string   `parquet:"state,dict"`
	RawSHA256    string   `parquet:"raw_sha256,dict"` // of a plate of 96
	Number       int32    `parquet:"number,delta"`
	FinishedAt   int64    `parquet:"finished_at,timestamp(microsecond),delta"`
	Temperature  *float64 `parquet:"temperature,optional,dict"`
	Yield        *float64 `parquet:"yield,optional,dict"`
	Confirmed    bool     `parquet:"confirmed"`
	Remark       *string  `parquet:"remark,optional,dict"`
}

// observationColumns are the types of the columns in DuckDB.
var observationColumns = [][2]string{
	{"experiment_id", "VARCHAR"},
	{"campaign", "VARCHAR"},
	{"device", "VARCHAR"},
	{"solvent", "VARCHAR"},
	{"state", "VARCHAR"},
	{"raw_sha256", "VARCHAR"},
	{"number", "INTEGER"},
	{"finished_at", "TIMESTAMPTZ"},
	{"temperature", "DOUBLE"},
	{"yield", "DOUBLE"},
	{"confirmed", "BOOLEAN"},
	{"remark", "VARCHAR"},
}

func makeObservations(n int, seed uint64) []observation {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := make([]observation, n)
	at := int64(1_790_000_000_000_000) // microseconds: September 2026
	raw := ""
	for i := range rows {
		var id [16]byte
		for j := range id {
			id[j] = byte(r.Uint32())
		}
		if i%96 == 0 {
			sum := sha256.Sum256(id[:])
			raw = hex.EncodeToString(sum[:])
		}
		at += r.Int64N(4_000_000)
		o := &rows[i]
		o.ExperimentID = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
		o.Campaign, o.Number = fmt.Sprintf("campaign %04d", i/5000), int32(i%5000+1)
		o.Device = "heater-" + strconv.Itoa(r.IntN(40))
		o.Solvent = []string{"DMSO", "DMF", "MeCN", "toluene", "THF", "water"}[r.IntN(6)]
		o.State = []string{"succeeded", "succeeded", "succeeded", "failed"}[r.IntN(4)]
		o.RawSHA256, o.FinishedAt, o.Confirmed = raw, at, r.IntN(3) > 0
		if r.IntN(20) > 0 {
			x := float64(200+r.IntN(1000)) / 10
			o.Temperature = &x
		}
		if o.State == "succeeded" {
			x := float64(r.IntN(10000)) / 100
			o.Yield = &x
		}
		if r.IntN(10) == 0 {
			s := fmt.Sprintf("bubbles at %d min", r.IntN(600))
			o.Remark = &s
		}
	}
	return rows
}

func writeObservations(w io.Writer, rows []observation) error {
	out, err := columnar.New[observation](w, "bench/1", nil)
	if err != nil {
		return err
	}
	return errors.Join(out.Write(rows), out.Close())
}

// csvOf writes the rows as text, so that the others have them by another way.
func csvOf(path string, rows []observation) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i, c := range observationColumns {
		fmt.Fprintf(w, "%s%s", []string{"", ","}[min(i, 1)], c[0])
	}
	var b []byte
	for i := range rows {
		o := &rows[i]
		b = append(b[:0], '\n')
		for _, s := range []string{o.ExperimentID, o.Campaign, o.Device, o.Solvent, o.State, o.RawSHA256} {
			b = append(append(b, s...), ',')
		}
		b = append(strconv.AppendInt(b, int64(o.Number), 10), ',')
		b = append(time.UnixMicro(o.FinishedAt).UTC().AppendFormat(b, "2006-01-02 15:04:05.000000Z07:00"), ',')
		for _, x := range []*float64{o.Temperature, o.Yield} {
			if x != nil {
				b = strconv.AppendFloat(b, *x, 'g', -1, 64)
			}
			b = append(b, ',')
		}
		b = append(strconv.AppendBool(b, o.Confirmed), ',')
		if o.Remark != nil {
			b = append(b, *o.Remark...)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return errors.Join(w.WriteByte('\n'), w.Flush(), f.Close())
}

// others is a Python that has DuckDB.
type others struct {
	cmd      *exec.Cmd
	in       *json.Encoder
	out      *json.Decoder
	pipe     io.Closer
	stderr   bytes.Buffer
	Versions map[string]string
}

// startOthers returns nil where there is no Python, or none with DuckDB.
func startOthers(ctx context.Context, python string) (*others, error) {
	if _, err := exec.LookPath(python); err != nil {
		return nil, nil //nolint:nilerr // there is none, and it is not missed
	}
	o := &others{cmd: exec.CommandContext(ctx, python, "-c", benchPython)}
	in, err := o.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.cmd.Stderr = &o.stderr
	o.in, o.out, o.pipe = json.NewEncoder(in), json.NewDecoder(out), in
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", python, err)
	}
	if err := o.out.Decode(&o.Versions); err != nil {
		return nil, errors.Join(o.told(err), o.close())
	}
	if o.Versions["duckdb"] == "" {
		return nil, o.close()
	}
	return o, nil
}

func (o *others) ask(question, answer any) error {
	if err := o.in.Encode(question); err != nil {
		return o.told(err)
	}
	if err := o.out.Decode(answer); err != nil {
		return o.told(err)
	}
	return nil
}

func (o *others) told(err error) error {
	return fmt.Errorf("ask Python: %w; it says: %s", err, bytes.TrimSpace(o.stderr.Bytes()))
}

func (o *others) close() error {
	_ = o.pipe.Close() // its input ends, and so does it
	return o.cmd.Wait()
}

// parquetFigures compares the writers, both from memory, on one core each.
type parquetFigures struct {
	Ratio     *float64          `json:"parquet_zstd_cpu_ratio_to_duckdb"` // null without DuckDB
	SizeRatio *float64          `json:"parquet_zstd_size_ratio_to_duckdb"`
	CPU       float64           `json:"parquet_cpu_s"` // best of the rounds
	MB        float64           `json:"parquet_mb"`
	DuckCPU   *float64          `json:"duckdb_cpu_s"`
	DuckMB    *float64          `json:"duckdb_mb"`
	Differing map[string]int    `json:"read_back_differing_rows"` // by reader; empty without any
	Versions  map[string]string `json:"readers"`
}

func benchParquet(ctx context.Context, c *benchDatasetCmd, dir string) (f parquetFigures, err error) {
	rows := makeObservations(c.Rows, c.Seed)
	o, err := startOthers(ctx, c.Python)
	if err != nil {
		return f, err
	}
	f.Differing, f.Versions = map[string]int{}, map[string]string{}
	if o != nil {
		defer func() { err = errors.Join(err, o.close()) }()
		f.Versions = o.Versions
		text := filepath.Join(dir, "observations.csv")
		if err := csvOf(text, rows); err != nil {
			return f, err
		}
		var loaded struct{ Rows int }
		if err := o.ask(map[string]any{"do": "load", "path": text, "columns": observationColumns}, &loaded); err != nil {
			return f, err
		}
		if loaded.Rows != len(rows) {
			return f, lab.Errorf(lab.Internal, "DuckDB has loaded %d rows, want %d", loaded.Rows, len(rows))
		}
	}
	var file bytes.Buffer
	var duck struct {
		CPU   float64 `json:"cpu_s"`
		Bytes float64 `json:"bytes"`
	}
	best := 0.0
	for round := range max(c.Rounds, 1) {
		file.Reset()
		began := ownCPU()
		if err := writeObservations(&file, rows); err != nil {
			return f, err
		}
		if used := ownCPU() - began; round == 0 || used < f.CPU {
			f.CPU = used
		}
		if o == nil {
			continue
		}
		if err := o.ask(map[string]any{"do": "write", "path": filepath.Join(dir, "duckdb.parquet")}, &duck); err != nil {
			return f, err
		}
		if round == 0 || duck.CPU < best {
			best = duck.CPU
		}
	}
	f.MB = float64(file.Len()) / 1e6
	if o == nil {
		return f, nil
	}
	duckMB, ratio, size := duck.Bytes/1e6, f.CPU/best, float64(file.Len())/duck.Bytes
	f.DuckCPU, f.DuckMB, f.Ratio, f.SizeRatio = &best, &duckMB, &ratio, &size
	ours := filepath.Join(dir, "athanor.parquet")
	if err := os.WriteFile(ours, file.Bytes(), 0o600); err != nil {
		return f, err
	}
	var compared struct{ Differing map[string]int }
	err = o.ask(map[string]any{"do": "compare", "path": ours}, &compared)
	f.Differing = compared.Differing
	return f, err
}
