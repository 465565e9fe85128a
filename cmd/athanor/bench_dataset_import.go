package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// importFigures compare an import, from the bytes of a file to rows, held rows
// and ledger on record, with COPY of the same file into a table.
type importFigures struct {
	ImportRatio    float64 `json:"import_ratio_to_copy"`     // of rows a second, wall time, best of the rounds
	ImportCPURatio float64 `json:"import_cpu_ratio_to_copy"` // of rows to the CPU second, server and client
	ImportRate     float64 `json:"import_rows_per_s"`
	CopyRate       float64 `json:"copy_rows_per_s"`
	ImportRSS      float64 `json:"import_rss_mb"` // the most of the process
	ImportMB       float64 `json:"import_file_mb"`
	Cells          string  `json:"import_ledger"`
}

// importColumns are the columns of the table, and what they are in SQL.
var importColumns = [][2]string{
	{"run id", "text"},
	{"solvent", "text"},
	{"base", "text"},
	{"temperature (°C)", "float8"},
	{"time [min]", "int8"},
	{"flow_rate [mL/min]", "float8"},
	{"volume (mL)", "float8"},
	{"pressure [bar]", "float8"},
	{"catalyst_loading [mmol]", "float8"},
	{"yield [%{mol}]", "float8"},
	{"conversion [%{mol}]", "float8"},
	{"remark", "text"},
}

func writeRuns(path string, n int, seed uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i, c := range importColumns {
		fmt.Fprintf(w, "%s%s", []string{"", ","}[min(i, 1)], c[0])
	}
	r := rand.New(rand.NewPCG(seed, 2))
	var b []byte
	number := func(x float64, digits int) { b = append(strconv.AppendFloat(b, x, 'f', digits, 64), ',') }
	for i := range n {
		b = fmt.Appendf(b[:0], "\nr%07d,%s,%s,", i, []string{"DMSO", "DMF", "MeCN", "toluene"}[r.IntN(4)], []string{"KOAc", "K3PO4", "CsOAc"}[r.IntN(3)])
		number(20+r.Float64()*100, 1)
		number(float64(10+r.IntN(600)), 0)
		number(1+r.Float64()*4, 2)
		number(1+r.Float64()*9, 3)
		number(1+r.Float64()*9, 2)
		number(0.01+r.Float64(), 4)
		if r.IntN(20) == 0 {
			b = append(b, "NA,"...)
		} else {
			number(10+r.Float64()*80, 2)
		}
		number(10+r.Float64()*80, 2)
		if r.IntN(10) == 0 {
			b = append(b, "bubbles"...)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return errors.Join(w.WriteByte('\n'), w.Flush(), f.Close())
}

func (c *benchDatasetCmd) imports(ctx context.Context, p *embedded.Postgres, dir string) (f importFigures, err error) {
	path := filepath.Join(dir, "runs.csv")
	if err := writeRuns(path, c.Rows, c.Seed); err != nil {
		return f, err
	}
	if st, err := os.Stat(path); err == nil {
		f.ImportMB = float64(st.Size()) / 1e6
	}
	var copyCPU, importCPU float64
	for round := range c.Rounds {
		name := "round" + strconv.Itoa(round)
		if err := postgres.CreateDatabase(ctx, p.URL(), name); err != nil {
			return f, err
		}
		url := p.DatabaseURL(name)
		db, err := postgres.Open(ctx, url, nil) // for its migrations
		if err != nil {
			return f, err
		}
		db.Close()
		if err := postgres.Settle(ctx, url); err != nil {
			return f, err
		}
		cpu, began := treeCPU(), time.Now()
		if err := copyFile(ctx, url, path, c.Rows); err != nil {
			return f, err
		}
		f.CopyRate = max(f.CopyRate, float64(c.Rows)/time.Since(began).Seconds())
		copyCPU = least(copyCPU, treeCPU()-cpu)
		if err := postgres.Settle(ctx, url); err != nil {
			return f, err
		}
		var a importAnswer
		cpu = treeCPU()
		if err := c.child(ctx, "import", path, url, &a); err != nil {
			return f, err
		}
		importCPU = least(importCPU, treeCPU()-cpu)
		if a.Rows != c.Rows {
			return f, lab.Errorf(lab.Internal, "%d rows were imported, want %d", a.Rows, c.Rows)
		}
		f.ImportRate, f.ImportRSS, f.Cells = max(f.ImportRate, float64(c.Rows)/a.Seconds), max(f.ImportRSS, a.RSS), a.Ledger
	}
	f.ImportRatio, f.ImportCPURatio = f.ImportRate/f.CopyRate, copyCPU/importCPU
	return f, nil
}

func least(so, x float64) float64 {
	if so == 0 || x < so {
		return x
	}
	return so
}

func copyFile(ctx context.Context, url, path string, want int) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	n, err := postgres.CopyCSV(ctx, url, "plain", importColumns, in)
	if err == nil && n != int64(want) {
		err = lab.Errorf(lab.Internal, "COPY has loaded %d rows, want %d", n, want)
	}
	return err
}

type importAnswer struct {
	Rows    int     `json:"rows"`
	Seconds float64 `json:"seconds"` // from the file to the finished record; without the start of the process and the migrations
	RSS     float64 `json:"rss_mb"`
	Ledger  string  `json:"ledger"`
	CPU     float64 `json:"cpu_s"` // of the process, meanwhile
}

// importPart imports a file into a database.
func (c *benchDatasetCmd) importPart(ctx context.Context, t *terminal) (any, error) {
	db, err := postgres.Open(ctx, c.Postgres, t.logger)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	began, cpu := time.Now(), ownCPU()
	s, err := importInto(ctx, db, importer.Job{Path: c.File}, nil)
	if err != nil {
		return nil, err
	}
	a := importAnswer{Rows: s.Rows.Imported, Seconds: time.Since(began).Seconds(), Ledger: s.String(), CPU: ownCPU() - cpu}
	a.RSS, err = peakMB()
	return a, err
}

// importInto imports the file of a job into the database, or goes on with it.
func importInto(ctx context.Context, db *postgres.DB, job importer.Job, onDone func(row int)) (importer.Summary, error) {
	o, err := job.Look()
	if err != nil {
		return importer.Summary{}, err
	}
	defer o.Close() //nolint:errcheck // it was only read
	i, err := db.BeginImport(ctx, postgres.Import{ID: o.Import(), SHA256: o.SHA256, Source: filepath.Base(job.Path), Mapping: o.Mapping})
	if err != nil {
		return importer.Summary{}, err
	}
	if i.Summary != nil {
		return *i.Summary, nil // it was imported before
	}
	w := db.WriteImport(ctx, i, onDone)
	s, err := importer.Run(o.Table, o.SHA256, o.Mapping, w.Sinks())
	if err = errors.Join(w.Close(err), err); err != nil {
		return s, err
	}
	return s, db.FinishImport(ctx, i.ID, s)
}
