package corpus

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// jats reads articles of the Journal Article Tag Suite, as PubMed Central and Europe
// PMC give full texts: one, or several in any element around them. No entity but
// XML's own is expanded, and nothing outside the file is read.
// https://jats.nlm.nih.gov/publishing/
func (in *reader) jats(src []byte) {
	d := xml.NewDecoder(bytes.NewReader(src))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	for {
		from := d.InputOffset()
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			in.n++
			in.reject(0, src[from:], "byte %d: %v; nothing after it can be read", from, err)
			return
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == "article" {
			in.n++
			a := &jatsArticle{d: d}
			a.related(start)
			err := a.read()
			raw := src[from:min(d.InputOffset(), int64(len(src)))]
			if err != nil {
				in.reject(0, raw, "article: %v", err)
				return
			}
			if in.sound(0, raw) {
				in.accept(a.paper(), 0, raw)
			}
		}
	}
}

// jatsArticle is an article on its way.
type jatsArticle struct {
	d        *xml.Decoder
	path     []string
	p        literature.Paper
	kind     string // of an id
	names    []string
	body     strings.Builder
	abstract strings.Builder
	title    strings.Builder
}

// maxDepth bounds how deep elements may be in each other.
const maxDepth = 200

// skipped are elements whose text is no sentence of the article.
var skipped = map[string]bool{"table-wrap": true, "xref": true, "ref-list": true, "disp-formula": true, "tex-math": true, "object-id": true, "label": true, "sub-article": true, "response": true, "graphic": true, "supplementary-material": true}

// read goes through the article to its end.
func (a *jatsArticle) read() error {
	for {
		t, err := a.d.Token()
		if errors.Is(err, io.EOF) {
			return errors.New("the file ends before the article does")
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(a.path) > maxDepth {
				return errors.New("elements are deeper in each other than in any article")
			}
			a.related(t)
			if skipped[t.Name.Local] {
				if err := a.d.Skip(); err != nil {
					return err
				}
				continue
			}
			a.path = append(a.path, t.Name.Local)
			if t.Name.Local == "article-id" {
				a.kind = attr(t, "pub-id-type")
			}
		case xml.EndElement:
			if len(a.path) == 0 {
				return nil
			}
			a.end(t.Name.Local)
			a.path = a.path[:len(a.path)-1]
		case xml.CharData:
			a.text(string(t))
		}
	}
}

// related notes a retraction: of this kind of article, or by a notice about it.
func (a *jatsArticle) related(t xml.StartElement) {
	a.p.Retracted = a.p.Retracted || t.Name.Local == "related-article" && attr(t, "related-article-type") == "retraction-forward"
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (a *jatsArticle) in(name string) bool {
	return slices.Contains(a.path, name)
}

// text puts characters where they belong.
func (a *jatsArticle) text(s string) {
	if len(a.path) == 0 {
		return
	}
	one := strings.TrimSpace(s)
	last := a.path[len(a.path)-1]
	switch {
	case a.in("body"):
		a.body.WriteString(strings.ReplaceAll(s, "\n", " "))
	case a.in("abstract"):
		a.abstract.WriteString(s)
	case a.in("article-title") && a.in("title-group"):
		a.title.WriteString(s)
	case one == "" || !a.in("front"):
	case last == "article-id" && a.kind == "doi" && a.p.DOI == "":
		a.p.DOI = one
	case last == "article-id" && a.kind == "pmid" && a.p.PMID == "":
		a.p.PMID = one
	case last == "journal-title" && a.p.Journal == "":
		a.p.Journal = one
	case last == "year" && a.in("pub-date") && a.p.Year == 0:
		a.p.Year = year(one)
	case last == "kwd":
		a.p.Keywords = append(a.p.Keywords, one)
	case (last == "surname" || last == "given-names") && a.in("contrib"):
		a.names = append(a.names, one)
	}
}

// end closes what an element began.
func (a *jatsArticle) end(name string) {
	switch name {
	case "p", "title", "sec":
		if a.in("body") {
			a.body.WriteByte('\n')
		} else if a.in("abstract") {
			a.abstract.WriteByte(' ')
		}
	case "contrib":
		if len(a.names) > 0 {
			a.p.Authors = append(a.p.Authors, strings.Join(a.names, ", "))
			a.names = nil
		}
	}
}

func (a *jatsArticle) paper() literature.Paper {
	a.p.Title, a.p.Abstract, a.p.Text = a.title.String(), a.abstract.String(), a.body.String()
	a.p.Source.Format = "jats"
	return a.p
}
