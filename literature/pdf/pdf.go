package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/athanor-lab/athanor/lab"
)

// Limits bound what a file may cost. A zero field has its default.
type Limits struct {
	Bytes  int           // of the file, default 64 MiB
	Pages  int           // that are read, default 400
	Text   int           // bytes that are kept, default 8 MiB
	Memory int           // bytes of the sandbox, default 512 MiB
	Time   time.Duration // to read one file, default 30 s
}

func (l Limits) filled() Limits {
	fill := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	fill(&l.Bytes, 64<<20)
	fill(&l.Pages, 400)
	fill(&l.Text, 8<<20)
	fill(&l.Memory, 512<<20)
	if l.Time <= 0 {
		l.Time = 30 * time.Second
	}
	return l
}

// Document is what a file says.
type Document struct {
	Title string // from its metadata, "" when it has none
	Pages int    // in the file
	Text  string // as [Flow] leaves it, a page to a line
	// Cut says which limit ended the reading before the end, "" for none.
	Cut string
}

// Reader reads files one after another. It is safe for concurrent use. Its first
// file costs a few seconds of compiling, unless a cache has it.
type Reader struct {
	limits Limits
	cache  wazero.CompilationCache
	mu     sync.Mutex
	pool   pdfium.Pool
	cancel context.CancelFunc
}

// Open returns a Reader. dir, if it is not "", is a directory of the caller's that
// keeps the compiled sandbox from one process to the next.
func Open(dir string, limits Limits) (*Reader, error) {
	r := &Reader{limits: limits.filled(), cache: wazero.NewCompilationCache()}
	if dir != "" {
		var err error
		if r.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, lab.Errorf(lab.Unavailable, "keep the PDF reader in %s: %w", dir, err)
		}
	}
	return r, nil
}

// Close frees what the Reader holds.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	return r.cache.Close(context.Background())
}

// drop ends the sandbox, whatever it is doing.
func (r *Reader) drop() {
	if r.pool != nil {
		r.cancel()
		_ = r.pool.Close() // it was told to end; that it ended badly changes nothing
		r.pool = nil
	}
}

const wasmPage = 64 << 10

// start makes a sandbox without files, where there is none.
func (r *Reader) start() error {
	if r.pool != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	pool, err := webassembly.Init(webassembly.Config{
		Context: ctx, MaxTotal: 1, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
			WithMemoryLimitPages(uint32(r.limits.Memory / wasmPage)).WithCloseOnContextDone(true).WithCompilationCache(r.cache),
	})
	if err != nil {
		cancel()
		return lab.Errorf(lab.Internal, "start the PDF reader: %w", err)
	}
	r.pool, r.cancel = pool, cancel
	return nil
}

// errCut ends the reading of a file whose beginning is kept.
var errCut = errors.New("cut")

// Read reads a file. An error of kind [lab.Invalid] says why the file cannot be
// read; what was read before a limit is returned with [Document.Cut].
func (r *Reader) Read(ctx context.Context, file []byte) (Document, error) {
	var d Document
	if len(file) > r.limits.Bytes {
		return d, lab.Errorf(lab.Invalid, "the PDF has %d bytes; at most %d are read", len(file), r.limits.Bytes)
	}
	if !strings.Contains(string(file[:min(len(file), 1024)]), "%PDF-") {
		return d, lab.Errorf(lab.Invalid, "the file does not begin as a PDF does, with %%PDF-")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.start(); err != nil {
		return d, err
	}
	ctx, stop := context.WithTimeout(ctx, r.limits.Time)
	defer stop()
	defer context.AfterFunc(ctx, r.cancel)() // stops the sandbox in the middle of what it does
	err := r.read(ctx, file, &d)
	switch {
	case ctx.Err() != nil:
		r.drop()
		if errors.Is(ctx.Err(), context.Canceled) {
			return Document{}, lab.Errorf(lab.Unavailable, "read a PDF: %w", ctx.Err())
		}
		if d.Text == "" {
			return d, lab.Errorf(lab.Invalid, "nothing of the PDF was read in %v; it may be made to be slow", r.limits.Time)
		}
		d.Cut = fmt.Sprintf("only a part was read in %v", r.limits.Time)
	case errors.Is(err, errCut):
	case err != nil:
		r.drop() // a sandbox that failed has memory nobody knows the state of
		return d, err
	}
	d.Text = strings.TrimSpace(d.Text)
	return d, nil
}

// read fills d; what of it is filled when it fails is true of the file.
func (r *Reader) read(ctx context.Context, file []byte, d *Document) error {
	in, err := r.pool.GetInstanceWithContext(ctx)
	if err != nil {
		return lab.Errorf(lab.Internal, "start the PDF reader: %w", err)
	}
	defer in.Close() //nolint:errcheck // the next file gets a new one
	doc, err := in.OpenDocument(&requests.OpenDocument{File: &file})
	if err != nil {
		if errors.Is(err, pdfiumerrors.ErrPassword) {
			return lab.Errorf(lab.Invalid, "the PDF is encrypted; save it without a password")
		}
		return lab.Errorf(lab.Invalid, "the PDF cannot be opened: %w", err)
	}
	n, err := in.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: doc.Document})
	if err != nil {
		return lab.Errorf(lab.Invalid, "the PDF's pages cannot be counted: %w", err)
	}
	d.Pages = n.PageCount
	if meta, err := in.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: doc.Document, Tag: "Title"}); err == nil {
		d.Title = strings.TrimSpace(meta.Value)
	}
	var failed int
	var text strings.Builder
	defer func() { d.Text = strings.ToValidUTF8(text.String()[:min(text.Len(), r.limits.Text)], "") }()
	for i := range d.Pages {
		if i == r.limits.Pages {
			d.Cut = fmt.Sprintf("the first %d of %d pages were read", i, d.Pages)
			return errCut
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := page(in, doc.Document, i)
		if err != nil { // one page may be broken and the others whole
			failed++
			continue
		}
		text.WriteString(Flow(s))
		text.WriteByte('\n')
		if text.Len() > r.limits.Text {
			d.Cut = fmt.Sprintf("the first %d bytes of text were kept, of %d of %d pages", r.limits.Text, i+1, d.Pages)
			return errCut
		}
	}
	switch {
	case d.Pages <= 0:
		return lab.Errorf(lab.Invalid, "the PDF has no pages")
	case failed == d.Pages:
		return lab.Errorf(lab.Invalid, "none of the PDF's %d pages can be read", d.Pages)
	case failed > 0:
		d.Cut = fmt.Sprintf("%d of %d pages cannot be read", failed, d.Pages)
	}
	if strings.TrimSpace(text.String()) == "" {
		return lab.Errorf(lab.Invalid, "the PDF has no text on its %d pages; a scan needs character recognition first", d.Pages)
	}
	return nil
}

func page(in pdfium.Pdfium, doc references.FPDF_DOCUMENT, i int) (string, error) {
	t, err := in.GetPageText(&requests.GetPageText{Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc, Index: i}}})
	if err != nil {
		return "", err
	}
	return t.Text, nil
}
