package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/athanor-lab/athanor/literature"
)

var (
	doiForm    = regexp.MustCompile(`10\.\d{4,9}/\S+`)
	arxivForm  = regexp.MustCompile(`(?i)(?:arxiv[:./ ]+(?:abs/|pdf/)?)?((?:[a-z-]+(?:\.[a-z]{2})?/\d{7})|(?:\d{4}\.\d{4,5}))(?:v\d+)?`)
	yearForm   = regexp.MustCompile(`(?:^|\D)([12]\d{3})(?:\D|$)`)
	tagForm    = regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]*)?/?>`)
	digitsForm = regexp.MustCompile(`\d+`)
	// Publishers put the mark in front of the title; a paper about retractions
	// has the word elsewhere.
	retractedTitle = regexp.MustCompile(`(?i)^\W*(?:retracted(?: article| paper)?|withdrawn(?: article)?)\s*[:\]\-–—]`)
)

// NormalDOI returns the DOI in s, lower case and without a resolver in front,
// or "".
func NormalDOI(s string) string {
	return strings.TrimRight(strings.ToLower(doiForm.FindString(strings.TrimSpace(s))), ".,;)>\"'")
}

// normalArXiv returns the arXiv id in s without its version, or "".
func normalArXiv(s string) string {
	m := arxivForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1])
}

// year returns the first year in s, or 0.
func year(s string) int {
	if m := yearForm.FindStringSubmatch(s); m != nil {
		y, _ := strconv.Atoi(m[1]) // four digits by the expression
		return y
	}
	return 0
}

// plain removes markup, control characters and repeated spaces.
func plain(s string) string {
	if strings.ContainsRune(s, '<') {
		s = tagForm.ReplaceAllString(s, " ")
	}
	if strings.ContainsRune(s, '&') {
		s = html.UnescapeString(s)
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) { // zero width and bidirectional marks hide text from a reader
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}

// clean brings a record into the one form in which it is kept and compared.
func clean(p literature.Paper) literature.Paper {
	p.Title, p.Abstract, p.Journal = plain(p.Title), plain(p.Abstract), plain(p.Journal)
	p.DOI, p.ArXiv = NormalDOI(p.DOI), normalArXiv(p.ArXiv)
	p.PMID = digitsForm.FindString(p.PMID)
	p.Authors, p.Keywords = plainAll(p.Authors), plainAll(p.Keywords)
	p.URL = strings.TrimSpace(p.URL)
	p.Text = plainLines(p.Text)
	p.Retracted = p.Retracted || retractedTitle.MatchString(p.Title)
	return p
}

// plainLines is plain line by line.
func plainLines(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if line = plain(line); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func plainAll(list []string) []string {
	var out []string
	for _, s := range list {
		if s = plain(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// NormalTitle is the form in which titles are compared: letters and digits only,
// without accents, case or a mark of retraction.
func NormalTitle(title string) string {
	title = retractedTitle.ReplaceAllString(title, "")
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(title)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// identify names a record by the strongest identifier that it has.
func identify(p literature.Paper) string {
	switch {
	case p.DOI != "":
		return "doi:" + p.DOI
	case p.PMID != "":
		return "pmid:" + p.PMID
	case p.ArXiv != "":
		return "arxiv:" + p.ArXiv
	}
	sum := sha256.Sum256([]byte(NormalTitle(p.Title) + "\x00" + strconv.Itoa(p.Year) + "\x00" + strings.Join(p.Authors, ";") + "\x00" + p.Abstract))
	return "sha256:" + hex.EncodeToString(sum[:12])
}
