package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/literature/pdf"
)

type litImportCmd struct {
	corpusFlags
	Files []string `arg:"" optional:"" help:"Papers: BibTeX, RIS, CSV, JSON Lines, JATS, PDF, or answers of OpenAlex, Europe PMC, Semantic Scholar and Crossref."`
	liveFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// imported is what an import says of itself.
type imported struct {
	Corpus string         `json:"corpus"`
	Where  string         `json:"where"`
	Files  []importedFile `json:"files"`
	// Of the whole corpus, afterwards.
	Papers      int `json:"papers"`
	Works       int `json:"works"` // groups of records of one work
	Duplicates  int `json:"duplicates"`
	Retracted   int `json:"retracted"` // works
	Quarantined int `json:"quarantined"`
	Findings    int `json:"findings"`
}

type importedFile struct {
	File    string                   `json:"file"`
	Format  string                   `json:"format,omitempty"`
	Records int                      `json:"records"`
	Receipt literature.Receipt       `json:"receipt"`
	Held    []literature.Quarantined `json:"quarantined,omitempty"`
	Error   string                   `json:"error,omitempty"`
}

func (c *litImportCmd) Run(ctx context.Context, t *terminal) error {
	if len(c.Files) == 0 && c.From == "" {
		return lab.Errorf(lab.Invalid, "name files to import, or a source with --from and --query")
	}
	if err := c.liveFlags.check(); err != nil {
		return err
	}
	o, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer o.close()
	out := imported{Corpus: o.name, Where: o.where, Files: []importedFile{}}
	failed := 0
	papers := &pdfs{}
	defer papers.close()
	for _, file := range c.Files {
		f, err := importFile(ctx, o, papers, file)
		if errors.Is(err, context.Canceled) || lab.KindOf(err) == lab.Unavailable {
			return err
		}
		if err != nil {
			failed++
			f.Error = err.Error()
			fmt.Fprintf(t.err, "%s: %s\n", file, printable(err.Error()))
		}
		for _, q := range f.Held {
			fmt.Fprintf(t.err, "%s: record %d%s held back: %s\n", file, q.Record, lineOf(q), printable(q.Reason))
		}
		out.Files = append(out.Files, f)
	}
	var live error
	if c.From != "" {
		var f importedFile
		f, live = c.liveFlags.run(ctx, t, o)
		out.Files = append(out.Files, f)
	}
	if out.Findings, err = extractAll(ctx, o); err != nil {
		return err
	}
	if err := out.count(ctx, o); err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(t.out, out)
	} else {
		err = out.print(t.out)
	}
	switch {
	case err != nil:
		return err
	case live != nil:
		return live
	case failed > 0:
		return quiet{exitInvalid}
	}
	return nil
}

func lineOf(q literature.Quarantined) string {
	if q.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", q.Line)
}

// importFile reads one file into the corpus. A PDF that cannot be read is held
// back as a record is.
func importFile(ctx context.Context, o *opened, papers *pdfs, file string) (importedFile, error) {
	f := importedFile{File: file}
	src, err := readBounded(file, maxLiteratureFile)
	if err != nil {
		return f, err
	}
	var in corpus.Import
	if strings.EqualFold(filepath.Ext(file), ".pdf") || bytes.HasPrefix(src, []byte("%PDF-")) {
		in, err = papers.read(ctx, file, src)
	} else {
		in, err = corpus.Read(file, bytes.NewReader(src), corpus.Limits{})
	}
	if err != nil {
		return f, err
	}
	sum := sha256.Sum256(src)
	f.Format, f.Records, f.Held = in.Format, len(in.Papers), in.Quarantined
	f.Receipt, err = o.Import(ctx, o.name, literature.Batch{
		Source: filepath.Base(file), Digest: hex.EncodeToString(sum[:]), Format: in.Format, Papers: in.Papers, Quarantined: in.Quarantined, At: time.Now().UTC(),
	})
	return f, err
}

const maxLiteratureFile = 256 << 20

// readBounded reads a regular file of up to limit bytes.
func readBounded(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read papers: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, lab.Errorf(lab.Invalid, "read %s: it is a folder; name the files in it", file)
	}
	src, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read papers: %w", err)
	}
	if int64(len(src)) > limit {
		return nil, lab.Errorf(lab.Invalid, "read %s: it is larger than %d bytes; split it into several files", file, limit)
	}
	return src, nil
}

// pdfs opens the reader of PDFs with the first of them.
type pdfs struct{ reader *pdf.Reader }

func (p *pdfs) close() {
	if p.reader != nil {
		_ = p.reader.Close() // what was read is read
	}
}

func (p *pdfs) read(ctx context.Context, file string, src []byte) (corpus.Import, error) {
	if p.reader == nil {
		dir := ""
		if cache, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(cache, "athanor", "pdf")
		}
		r, err := pdf.Open(dir, pdf.Limits{})
		if err != nil {
			if r, err = pdf.Open("", pdf.Limits{}); err != nil { // a cache that cannot be written costs seconds only
				return corpus.Import{}, err
			}
		}
		p.reader = r
	}
	held := func(reason string) literature.Quarantined {
		return literature.Quarantined{Source: filepath.Base(file), Record: 1, Reason: reason}
	}
	d, err := p.reader.Read(ctx, src)
	if lab.KindOf(err) == lab.Invalid {
		return corpus.Import{Format: "pdf", Quarantined: []literature.Quarantined{held(err.Error())}}, nil
	}
	if err != nil {
		return corpus.Import{}, err
	}
	in := corpus.Whole(file, "pdf", d.Title, d.Text)
	if d.Cut != "" { // the paper is kept, and what is missing of it is told
		in.Quarantined = append(in.Quarantined, held("a part of the file is missing from the paper's text: "+d.Cut))
	}
	return in, nil
}

// extractAll finds quantities in every text that the rules have not read yet and
// returns how many findings the corpus has by them.
func extractAll(ctx context.Context, o *opened) (int, error) {
	extracted, err := o.Extracted(ctx, o.name)
	if err != nil {
		return 0, err
	}
	read, count := map[string]string{}, 0 // by paper, the hash of the text that was read
	had := map[string]int{}
	for _, e := range extracted {
		if e.Extractor == extract.Version {
			read[e.Paper], had[e.Paper] = e.TextHash, e.Findings
			count += e.Findings
		}
	}
	papers, err := o.Papers(ctx, o.name)
	if err != nil {
		return 0, err
	}
	var put []literature.Extraction
	now := time.Now().UTC()
	for i, p := range papers {
		if hash := p.TextHash(); p.Reading() != "" && read[p.ID] != hash {
			e := literature.NewExtraction(p, extract.Version, extract.Findings(p.Reading()), now)
			count += len(e.Findings) - had[p.ID]
			put = append(put, e)
		}
		if len(put) == 500 || i == len(papers)-1 {
			if err := o.PutFindings(ctx, o.name, put...); err != nil {
				return 0, err
			}
			put = nil
		}
	}
	return count, nil
}

// count says what the corpus has.
func (i *imported) count(ctx context.Context, o *opened) error {
	papers, err := o.Papers(ctx, o.name)
	if err != nil {
		return err
	}
	l := new(corpus.Library)
	l.Add(papers...)
	for _, g := range l.Groups() {
		i.Works++
		if g.Retracted {
			i.Retracted++
		}
	}
	i.Papers, i.Duplicates = len(papers), len(papers)-i.Works
	held, err := o.Quarantined(ctx, o.name)
	i.Quarantined = len(held)
	return err
}

func (i *imported) print(w io.Writer) error {
	for _, f := range i.Files {
		if f.Error == "" {
			fmt.Fprintf(w, "%s: %s, %d records: %d new, %d updated, %d known, %d held back\n", f.File, f.Format, f.Records, f.Receipt.New, f.Receipt.Updated, f.Receipt.Unchanged, len(f.Held))
		}
	}
	_, err := fmt.Fprintf(w, "corpus %s: %d papers of %d works (%d duplicates, %d retracted), %d findings, %d records held back\nkept in %s\n",
		i.Corpus, i.Papers, i.Works, i.Duplicates, i.Retracted, i.Findings, i.Quarantined, i.Where)
	return err
}
