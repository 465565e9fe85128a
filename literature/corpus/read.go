package corpus

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// Limits bound what an import may hold. A zero field has its default.
type Limits struct {
	File   int64 // bytes of the whole file, default 256 MiB
	Record int   // bytes of a record, default 4 MiB
	Raw    int   // bytes kept of a quarantined record, default 64 KiB
}

func (l Limits) filled() Limits {
	if l.File <= 0 {
		l.File = 256 << 20
	}
	if l.Record <= 0 {
		l.Record = 4 << 20
	}
	if l.Raw <= 0 {
		l.Raw = 64 << 10
	}
	return l
}

// Import is what a file held.
type Import struct {
	Format      string                   `json:"format"`
	Papers      []literature.Paper       `json:"papers"`
	Quarantined []literature.Quarantined `json:"quarantined"`
}

// reader collects an import.
type reader struct {
	file   string
	limits Limits
	out    Import
	n      int
}

// Read reads a whole file. name is used for its extension and in the records'
// source; the content decides where the two disagree. The error, of kind
// [lab.Invalid], is about the file as a whole: too large, or in no known form.
func Read(name string, r io.Reader, limits Limits) (Import, error) {
	limits = limits.filled()
	src, err := io.ReadAll(io.LimitReader(r, limits.File+1))
	if err != nil {
		return Import{}, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(src)) > limits.File {
		return Import{}, lab.Errorf(lab.Invalid, "read %s: it is larger than %d bytes; split it into several files", name, limits.File)
	}
	src = decodeBOM(src)
	in := &reader{file: filepath.Base(name), limits: limits}
	in.out.Format = detect(name, src)
	switch in.out.Format {
	case "bibtex":
		in.bibtex(src)
	case "ris":
		in.ris(src)
	case "csv":
		err = in.table(src, ',')
	case "tsv":
		err = in.table(src, '\t')
	case "json":
		in.json(src)
	case "jsonl":
		in.lines(src)
	case "jats":
		in.jats(src)
	default:
		err = lab.Errorf(lab.Invalid, "read %s: it is not BibTeX, RIS, CSV with a title column, JSON, JSONL or JATS XML", name)
	}
	return in.out, err
}

// decodeBOM removes a byte order mark and turns UTF-16 into UTF-8.
func decodeBOM(src []byte) []byte {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if len(src) < 2 {
		return src
	}
	little, big := src[0] == 0xff && src[1] == 0xfe, src[0] == 0xfe && src[1] == 0xff
	if !little && !big {
		return src
	}
	units := make([]uint16, 0, len(src)/2)
	for i := 2; i+1 < len(src); i += 2 {
		a, b := uint16(src[i]), uint16(src[i+1])
		if little {
			a, b = b, a
		}
		units = append(units, a<<8|b)
	}
	return []byte(string(utf16.Decode(units)))
}

// detect names the form of a file by how its content begins and, where that
// leaves a choice, by its extension.
func detect(name string, src []byte) string {
	head := strings.TrimSpace(string(src[:min(len(src), 4096)]))
	ext := strings.ToLower(filepath.Ext(name))
	switch {
	case head == "":
		return map[string]string{".bib": "bibtex", ".ris": "ris", ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}[ext]
	case ext == ".jsonl" || ext == ".ndjson":
		return "jsonl"
	case ext == ".bib":
		return "bibtex"
	case ext == ".ris":
		return "ris"
	case ext == ".csv":
		return "csv"
	case ext == ".tsv":
		return "tsv"
	case head[0] == '<' && (ext == ".xml" || ext == ".nxml" || strings.Contains(head, "<article")):
		return "jats"
	case head[0] == '{' || head[0] == '[':
		return "json"
	case strings.HasPrefix(head, "TY  -"):
		return "ris"
	case head[0] == '@' || strings.Contains(head, "\n@"):
		return "bibtex"
	}
	first, _, _ := strings.Cut(strings.ToLower(head), "\n")
	if strings.Contains(first, "title") {
		if strings.Contains(first, "\t") {
			return "tsv"
		}
		return "csv"
	}
	return ""
}

// reject quarantines the record that was counted last.
func (in *reader) reject(line int, raw []byte, format string, args ...any) {
	if len(raw) > in.limits.Raw {
		raw = raw[:in.limits.Raw]
	}
	in.out.Quarantined = append(in.out.Quarantined, literature.Quarantined{
		Source: in.file, Record: in.n, Line: line, Reason: fmt.Sprintf(format, args...), Raw: strings.ToValidUTF8(string(raw), "\uFFFD"),
	})
}

// sound reports whether the bytes of a record may be looked at, and quarantines
// it when not.
func (in *reader) sound(line int, raw []byte) bool {
	if len(raw) > in.limits.Record {
		in.reject(line, raw, "the record has %d bytes; at most %d are read", len(raw), in.limits.Record)
		return false
	}
	if !utf8.Valid(raw) {
		in.reject(line, raw, "byte %d of the record is not UTF-8; save the file as UTF-8", firstInvalid(raw))
		return false
	}
	return true
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// accept keeps a paper, or quarantines it when it says too little to be found.
func (in *reader) accept(p literature.Paper, line int, raw []byte) {
	p = clean(p)
	if p.Title == "" {
		in.reject(line, raw, "the record has no title; a paper needs one")
		return
	}
	if p.Year != 0 && (p.Year < 1000 || p.Year > 2999) {
		in.reject(line, raw, "the year %d is not between 1000 and 2999", p.Year)
		return
	}
	p.Source.File, p.Source.Record = in.file, in.n
	if p.Source.Format == "" {
		p.Source.Format = in.out.Format
	}
	p.ID = identify(p)
	in.out.Papers = append(in.out.Papers, p)
}
