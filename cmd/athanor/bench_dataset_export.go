package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// exportFigures are of experiments streamed from PostgreSQL into a Parquet file.
type exportFigures struct {
	ExportRSS  float64 `json:"export_rss_mb"` // the most of the process
	ExportRate float64 `json:"export_rows_per_s"`
	ExportMB   float64 `json:"export_file_mb"`
}

func (c *benchDatasetCmd) exports(ctx context.Context, p *embedded.Postgres, dir string) (f exportFigures, err error) {
	if err := postgres.CreateDatabase(ctx, p.URL(), "experiments"); err != nil {
		return f, err
	}
	url := p.DatabaseURL("experiments")
	if err := c.loadExperiments(ctx, url); err != nil {
		return f, err
	}
	var a struct {
		Seconds float64 `json:"seconds"`
		RSS     float64 `json:"rss_mb"`
	}
	path := filepath.Join(dir, "experiments.parquet")
	if err := c.child(ctx, "export", path, url, &a); err != nil {
		return f, err
	}
	f.ExportRSS, f.ExportRate = a.RSS, float64(c.Rows)/a.Seconds
	if st, err := os.Stat(path); err == nil {
		f.ExportMB = float64(st.Size()) / 1e6
	}
	return f, nil
}

func (c *benchDatasetCmd) loadExperiments(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	campaign := datasettest.Campaign(1)
	if _, _, err := db.InsertCampaign(ctx, postgres.Submission{Campaign: campaign, Source: []byte("{}"), Format: "json"}); err != nil {
		return err
	}
	return db.LoadOutcomes(ctx, campaign.ID, c.Rows, func(number int) lab.Outcome { return datasettest.Outcome(campaign.ID, number) })
}

// exportPart streams a campaign from the database into a file.
func (c *benchDatasetCmd) exportPart(ctx context.Context, t *terminal) (any, error) {
	db, err := postgres.Open(ctx, c.Postgres, t.logger)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	began := time.Now()
	row, err := db.Campaign(ctx, datasettest.Campaign(1).ID)
	if err != nil {
		return nil, err
	}
	f, err := os.Create(c.File)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = parquet.Export(ctx, row.Campaign, db.EachOutcome, w)
	if err = errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	rss, err := peakMB()
	return struct {
		Seconds float64 `json:"seconds"`
		RSS     float64 `json:"rss_mb"`
	}{time.Since(began).Seconds(), rss}, err
}
