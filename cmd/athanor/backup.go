package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

type backupCmd struct {
	Data string `default:"${default_data}" help:"The data directory of the laboratory, which may run."`
	File string `arg:"" help:"The backup to write; - for standard output."`
	JSON bool   `name:"json" help:"Print what was backed up as JSON."`
}

func (c *backupCmd) Run(ctx context.Context, t *terminal) error {
	var x embedded.Index
	write := func(w io.Writer) (err error) {
		x, err = embedded.Backup(ctx, c.Data, w)
		if runs := (*embedded.InUseError)(nil); errors.As(err, &runs) {
			x, err = embedded.BackupRunning(ctx, c.Data, w, err)
		}
		return err
	}
	if c.File == "-" {
		return write(t.out)
	}
	if err := writeWhole(c.File, write); err != nil {
		return lab.Errorf(lab.Conflict, "%w; a laboratory can be backed up while athanor up runs it, and when it is closed", err)
	}
	if err := os.Chmod(c.File, 0o600); err != nil {
		return fmt.Errorf("close %s to others: %w", c.File, err)
	}
	return c.tell(t, x)
}

func (c *backupCmd) tell(t *terminal, x embedded.Index) error {
	if c.JSON {
		return printJSON(t.out, map[string]any{"file": c.File, "files": x.Files, "bytes": x.Bytes, "running": x.Athanor == embedded.LiveVersion, "stood_still_s": x.Stood})
	}
	if x.Athanor == embedded.LiveVersion {
		fmt.Fprintf(t.out, "backed up while it ran; Temporal and the simulated devices stood still for %.0f ms\n", 1000*x.Stood)
	}
	_, err := fmt.Fprintf(t.out, "%s: %d files, %.1f MB; it holds the database's password and all data: keep it as you keep them\n", c.File, x.Files, float64(x.Bytes)/1e6)
	return err
}

type restoreCmd struct {
	File string `arg:"" help:"The backup; - for standard input."`
	Data string `required:"" help:"The data directory to make; it must not be there or be empty."`
	JSON bool   `name:"json" help:"Print what was restored as JSON."`
}

func (c *restoreCmd) Run(ctx context.Context, t *terminal) error {
	in := os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return lab.Errorf(lab.Invalid, "read the backup: %w", err)
		}
		defer f.Close()
		in = f
	}
	x, err := embedded.Restore(ctx, in, c.Data, t.getenv("ATHANOR_PG_BIN"))
	if err != nil {
		return lab.Errorf(lab.Invalid, "%w", err)
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"data": c.Data, "files": x.Files, "bytes": x.Bytes})
	}
	_, err = fmt.Fprintf(t.out, "%s: %d files, %.1f MB; athanor up --data %s goes on with its campaigns\n", c.Data, x.Files, float64(x.Bytes)/1e6, c.Data)
	return err
}

// recallCmd does for services of the user's own what athanor up does for a
// directory that athanor restore made.
type recallCmd struct {
	Postgres string   `name:"postgres" env:"ATHANOR_POSTGRES_URL" required:"" placeholder:"URL" help:"The database that was restored. No gateway, worker or server may run yet."`
	Gone     []string `name:"gone" placeholder:"DEVICE" help:"Devices that will not answer any more. May be said later, too."`
}

func (c *recallCmd) Run(ctx context.Context, t *terminal) error {
	db, err := postgres.Open(ctx, c.Postgres, t.logger)
	if err != nil {
		return err
	}
	defer db.Close()
	still, err := db.Restoring(ctx)
	if err == nil && !still {
		err = db.Restored(ctx)
	}
	if err == nil {
		err = db.Gone(ctx, c.Gone)
	}
	if err != nil {
		return err
	}
	silent, err := db.Silent(ctx)
	if err == nil {
		_, err = fmt.Fprintf(t.out, "%d devices will be asked before anything is decided\n", len(silent))
	}
	return err
}
