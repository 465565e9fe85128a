package corpus

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// columns names, for each field, how tools head its column.
var columns = map[string][]string{
	"title":    {"title", "article title", "document title", "primary_title", "display_name"},
	"abstract": {"abstract", "abstract note", "text", "notes_abstract"},
	"authors":  {"authors", "author", "author full names", "author names"},
	"year":     {"year", "publication year", "publication_year", "pubyear", "date", "publication date"},
	"doi":      {"doi", "doi link"},
	"pmid":     {"pmid", "pubmed id", "pubmed_id"},
	"arxiv":    {"arxiv", "arxiv id", "arxiv_id"},
	"journal":  {"journal", "source title", "publication title", "journal/book", "secondary_title", "venue"},
	"keywords": {"keywords", "author keywords"},
	"url":      {"url", "link"},
	"key":      {"id", "key", "record_id"},
	"retract":  {"is_retracted", "retracted"},
}

// table reads CSV or TSV with a line of headings.
func (in *reader) table(src []byte, comma rune) error {
	r := csv.NewReader(bytes.NewReader(src))
	r.Comma, r.FieldsPerRecord = comma, -1
	head, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return lab.Errorf(lab.Invalid, "read the headings: %v", err)
	}
	at := map[string]int{}
	for field, names := range columns {
		for i, h := range slices.Backward(head) {
			for _, name := range names {
				if strings.EqualFold(strings.TrimSpace(h), name) {
					at[field] = i
				}
			}
		}
	}
	if _, ok := at["title"]; !ok {
		return lab.Errorf(lab.Invalid, "no column is headed title; the headings are %q", head)
	}
	for from := r.InputOffset(); ; from = r.InputOffset() {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		in.n++
		raw := src[from:min(r.InputOffset(), int64(len(src)))]
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			in.reject(bad.StartLine, raw, "%v; a field with quotes in it is written in quotes, and they twice", bad.Err)
			continue
		}
		if err != nil {
			return lab.Errorf(lab.Invalid, "read record %d: %v", in.n, err)
		}
		line, _ := r.FieldPos(0)
		if !in.sound(line, raw) {
			continue
		}
		if len(row) != len(head) {
			in.reject(line, raw, "the row has %d fields and the headings %d", len(row), len(head))
			continue
		}
		in.accept(rowPaper(row, at), line, raw)
	}
}

func rowPaper(row []string, at map[string]int) literature.Paper {
	get := func(field string) string {
		if i, ok := at[field]; ok {
			return row[i]
		}
		return ""
	}
	list := func(s string) []string {
		if !strings.Contains(s, ";") { // commas stand inside names
			return []string{s}
		}
		return strings.Split(s, ";")
	}
	return literature.Paper{
		Title: get("title"), Abstract: get("abstract"), Authors: list(get("authors")), Year: year(get("year")), DOI: get("doi"), PMID: get("pmid"),
		ArXiv: get("arxiv"), Journal: get("journal"), Keywords: list(get("keywords")), URL: get("url"),
		Retracted: strings.EqualFold(get("retract"), "true") || get("retract") == "1", Source: literature.Source{Key: get("key")},
	}
}
