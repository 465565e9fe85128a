package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// imports is the workflows' way to imports.
type imports struct {
	db      *postgres.DB
	control *workflows.Control
	most    int // physical rows to a part
}

// lookForImports is how often a worker looks for imports that nobody began.
const lookForImports = 2 * time.Second

// start begins the workflows of imports that are on record and not done, until
// ctx ends. Whoever asks for an import only writes it into the database.
func (i *imports) start(ctx context.Context, logger *slog.Logger) {
	begun := map[string]bool{}
	for ; ctx.Err() == nil; pause(ctx, lookForImports) {
		ids, err := i.db.OpenImports(ctx)
		for _, id := range ids {
			if err == nil && !begun[id] {
				err = i.control.StartImport(ctx, id)
				begun[id] = err == nil
			}
		}
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "start imports", "err", err)
		}
	}
}

// rowsToAPart bounds what one activity imports: it begins to read the file anew.
const rowsToAPart = 1 << 23

// errEnough ends a part.
var errEnough = errors.New("enough for this part")

// ImportSome implements [workflows.Importer].
func (i *imports) ImportSome(ctx context.Context, id string, onRecord func(row int)) (p workflows.ImportProgress, err error) {
	imp, err := i.db.Import(ctx, id)
	if err != nil {
		return p, err
	}
	if imp.Summary == nil {
		imp.Summary, err = i.part(ctx, imp, onRecord)
	}
	if err != nil {
		switch lab.KindOf(err) {
		case lab.Invalid, lab.NotFound, lab.Conflict, lab.Unsafe:
			err = errors.Join(err, i.db.FailImport(ctx, id, err.Error()))
		default: // the next try may be better
		}
		return p, err
	}
	if imp, err = i.db.Import(ctx, id); err != nil {
		return p, err
	}
	p.Row = imp.LastRow
	if s := imp.Summary; s != nil {
		p.Done, p.Imported, p.Quarantined = true, s.Rows.Imported, s.Rows.Quarantined
	}
	return p, nil
}

// part imports up to rowsToAPart more rows; the summary is nil when there are more.
func (i *imports) part(ctx context.Context, imp postgres.Import, onRecord func(row int)) (_ *importer.Summary, err error) {
	dir, err := os.MkdirTemp("", "athanor-import-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, filepath.Base(imp.Source))
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(i.db.CopyFile(ctx, imp.SHA256, f), f.Close()); err != nil {
		return nil, err
	}
	o, err := importer.Job{Path: path, Open: formats.Open, Mapping: &imp.Mapping}.Look()
	if err != nil {
		return nil, err
	}
	defer o.Close() //nolint:errcheck // it was only read
	if o.Import() != imp.ID {
		return nil, lab.Errorf(lab.Conflict, "the file and the mapping are of the import %s, not of %s", o.Import(), imp.ID)
	}
	w := i.db.WriteImport(ctx, imp, onRecord)
	sum, err := importer.Run(o.Table, o.SHA256, o.Mapping, until(w.Sinks(), imp.LastRow+i.most))
	if errors.Is(err, errEnough) {
		return nil, w.Close(nil)
	}
	if err = errors.Join(w.Close(err), err); err != nil {
		return nil, err
	}
	return &sum, i.db.FinishImport(ctx, imp.ID, sum)
}

// until lets rows through up to the end of the chunk that row belongs to.
func until(s importer.Sinks, row int) importer.Sinks {
	last := importer.ChunkOf(max(row, 1))
	enough := func(row int) error {
		if importer.ChunkOf(row) > last {
			return errEnough
		}
		return nil
	}
	return importer.Sinks{
		Row: func(r *importer.Row) error {
			if err := enough(r.Source.Row); err != nil {
				return err
			}
			return s.Row(r)
		},
		Held: func(h importer.Held) error {
			if err := enough(h.Source.Row); err != nil {
				return err
			}
			return s.Held(h)
		},
		Entry: func(e importer.Entry) error {
			if err := enough(e.Row); err != nil {
				return err
			}
			return s.Entry(e)
		},
	}
}
