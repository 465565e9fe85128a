package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/dataset/tables"
)

// jsonlFigures are of the table as JSON Lines, from memory into a file that is
// synced, beside the same bytes written as they are.
type jsonlFigures struct {
	JSONLMB     float64 `json:"jsonl_mb"`
	JSONLRate   float64 `json:"jsonl_mb_per_s"`     // best of the rounds
	JSONLCPU    float64 `json:"jsonl_mb_per_cpu_s"` // best of the rounds
	DiskRate    float64 `json:"disk_mb_per_s"`      // best of the rounds
	JSONLToDisk float64 `json:"jsonl_ratio_to_disk"`
}

func benchJSONL(c *benchDatasetCmd, dir string) (f jsonlFigures, err error) {
	rows := makeObservations(c.Rows, c.Seed)
	path := filepath.Join(dir, "observations.jsonl")
	for range c.Rounds {
		began, used := time.Now(), ownCPU()
		size, err := writeSynced(path, func(w io.Writer) error { return tables.NewLines[observation](w).Write(rows) })
		if err != nil {
			return f, err
		}
		f.JSONLMB = float64(size) / 1e6
		f.JSONLRate, f.JSONLCPU = max(f.JSONLRate, f.JSONLMB/time.Since(began).Seconds()), max(f.JSONLCPU, f.JSONLMB/(ownCPU()-used))
		b, err := os.ReadFile(path)
		if err != nil {
			return f, err
		}
		began = time.Now()
		if _, err := writeSynced(path, func(w io.Writer) error { _, err := w.Write(b); return err }); err != nil {
			return f, err
		}
		f.DiskRate = max(f.DiskRate, f.JSONLMB/time.Since(began).Seconds())
	}
	f.JSONLToDisk = f.JSONLRate / f.DiskRate
	return f, os.Remove(path)
}

// writeSynced writes a file that is on the disk when it returns, and its size.
func writeSynced(path string, write func(io.Writer) error) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 256<<10)
	err = errors.Join(write(w), w.Flush(), f.Sync())
	at, told := f.Seek(0, io.SeekCurrent)
	return at, errors.Join(err, told, f.Close())
}
