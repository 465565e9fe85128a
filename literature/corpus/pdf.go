package corpus

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// Whole makes a record of a text that is a paper and has no record beside it, such
// as that of a PDF: title is what its metadata says, or "", and each line of text a
// page. It is the paper of a DOI only where its first page names exactly one. A
// text without a title has the file's name for one.
func Whole(name, format, title, text string) Import {
	in := &reader{file: filepath.Base(name), limits: Limits{}.filled(), n: 1}
	in.out.Format = format
	page, _, _ := strings.Cut(text, "\n")
	p := literature.Paper{Title: title, Text: text}
	if untitled(title) {
		p.Title = strings.TrimSuffix(in.file, filepath.Ext(in.file))
	}
	var dois []string
	for _, m := range doiForm.FindAllString(page, 20) {
		if d := NormalDOI(m); d != "" && !slices.Contains(dois, d) {
			dois = append(dois, d)
		}
	}
	if len(dois) == 1 {
		p.DOI = dois[0]
	}
	in.accept(p, 0, []byte(page))
	return in.out
}

// untitled reports whether a title was put there by a program.
func untitled(title string) bool {
	t := strings.ToLower(strings.TrimSpace(title))
	return len(t) < 4 || t == "untitled" || strings.HasPrefix(t, "microsoft word") || strings.HasSuffix(t, ".doc") || strings.HasSuffix(t, ".docx") || strings.HasSuffix(t, ".pdf") || strings.HasSuffix(t, ".tex")
}
