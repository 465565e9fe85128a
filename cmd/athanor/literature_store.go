package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/shelf"
)

// corpusFlags say which corpus a command is about, and where it is kept.
type corpusFlags struct {
	Corpus      string `default:"default" placeholder:"NAME|DIR" help:"A corpus of the laboratory by its name, or a folder of its own."`
	PostgresURL string `name:"postgres" env:"ATHANOR_POSTGRES_URL" placeholder:"URL" help:"The laboratory's database; by default the one that athanor up runs for this user, and without one a folder of this user."`
}

// databaseFile holds the address of the database that `athanor up` runs, in its
// data directory, for this user's eyes only.
const databaseFile = "database"

// opened is a corpus in the store that keeps it.
type opened struct {
	literature.Store
	name  string
	where string // for people
	close func()
}

// open finds the store. A corpus that looks like a path is a folder.
func (f corpusFlags) open(ctx context.Context, t *terminal) (*opened, error) {
	if strings.ContainsRune(f.Corpus, filepath.Separator) || f.Corpus == "." || f.Corpus == ".." || isDir(f.Corpus) {
		dir, err := filepath.Abs(f.Corpus)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "corpus %s: %w", f.Corpus, err)
		}
		return &opened{Store: shelf.Open(filepath.Dir(dir)), name: filepath.Base(dir), where: dir, close: func() {}}, literature.CheckCorpus(filepath.Base(dir))
	}
	if err := literature.CheckCorpus(f.Corpus); err != nil {
		return nil, err
	}
	home := defaultData(t.getenv)
	url := f.PostgresURL
	if b, err := os.ReadFile(filepath.Join(home, databaseFile)); url == "" && err == nil {
		url = strings.TrimSpace(string(b))
	}
	if url == "" {
		dir := filepath.Join(home, "literature")
		return &opened{Store: shelf.Open(dir), name: f.Corpus, where: filepath.Join(dir, f.Corpus), close: func() {}}, nil
	}
	db, err := postgres.Open(ctx, url, t.logger)
	if err != nil {
		return nil, err
	}
	return &opened{Store: db.Library(), name: f.Corpus, where: "the laboratory's database", close: db.Close}, nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// library reads the whole corpus; one without papers is an error that says what
// to do.
func (o *opened) library(ctx context.Context) (*corpus.Library, error) {
	papers, err := o.Papers(ctx, o.name)
	if err != nil {
		return nil, err
	}
	if len(papers) == 0 {
		return nil, lab.Errorf(lab.NotFound, "corpus %s (%s) has no papers; put some in with athanor literature import FILE", o.name, o.where)
	}
	l := new(corpus.Library)
	l.Add(papers...)
	return l, nil
}
