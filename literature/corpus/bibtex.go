package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// bibtex reads the entries of a BibTeX file. An entry ends, broken or not, where
// a line begins with an @, so that one missing brace costs one entry and no
// file makes the reader look at a byte more than twice.
func (in *reader) bibtex(src []byte) {
	macros := map[string]string{}
	line, counted, boundary := 1, 0, 0
	budget := in.limits.Record // macros may expand each other: twenty doublings are a million bytes
	for i := 0; i < len(src); {
		at := bytes.IndexByte(src[i:], '@')
		if at < 0 {
			return
		}
		start := i + at
		line += bytes.Count(src[counted:start], []byte("\n"))
		counted = start
		if boundary <= start {
			boundary = nextEntry(src, start+1)
		}
		b := &bibParser{src: src[:boundary], at: start + 1, macros: macros, budget: &budget}
		kind := strings.ToLower(b.name())
		if kind == "comment" || kind == "preamble" || kind == "" {
			b.skipGroup()
			i = max(b.at, start+1)
			continue
		}
		key, fields, err := b.entry(kind == "string")
		if kind == "string" && err == nil {
			maps.Copy(macros, fields)
			i = b.at
			continue
		}
		in.n++
		if err != nil {
			in.reject(line, src[start:boundary], "@%s %s: %v", kind, key, err)
			i = boundary
			continue
		}
		raw := src[start:b.at]
		if in.sound(line, raw) {
			in.accept(bibPaper(key, fields), line, raw)
		}
		i = b.at
	}
}

// nextEntry returns where the next line begins with an @ at or after i.
func nextEntry(src []byte, i int) int {
	if n := bytes.Index(src[i:], []byte("\n@")); n >= 0 {
		return i + n + 1
	}
	return len(src)
}

// bibParser reads one entry. budget is how many bytes the macros of the whole
// file may still expand to.
type bibParser struct {
	src    []byte
	at     int
	budget *int
	macros map[string]string
}

func (b *bibParser) space() {
	for b.at < len(b.src) && bytes.IndexByte([]byte(" \t\r\n"), b.src[b.at]) >= 0 {
		b.at++
	}
}

func (b *bibParser) peek() byte {
	if b.at >= len(b.src) {
		return 0
	}
	return b.src[b.at]
}

// name reads letters, digits and the punctuation that keys may have.
func (b *bibParser) name() string {
	b.space()
	start := b.at
	for c := b.peek(); c > ' ' && bytes.IndexByte([]byte(`{}(),="#%`), c) < 0; c = b.peek() {
		b.at++
	}
	return string(b.src[start:b.at])
}

func (b *bibParser) skipGroup() {
	b.space()
	if b.peek() == '{' {
		_, _ = b.braced() // a comment that never ends has no content either
	}
}

// entry reads {key, field = value, …} or, for @string, {name = value}.
func (b *bibParser) entry(isString bool) (key string, fields map[string]string, err error) {
	b.space()
	open := b.peek()
	if open != '{' && open != '(' {
		return "", nil, errors.New("an entry begins with {")
	}
	end := byte('}')
	if open == '(' {
		end = ')'
	}
	b.at++
	fields = map[string]string{}
	if !isString {
		key = b.name()
	}
	for {
		b.space()
		if b.peek() == ',' {
			b.at++
			continue
		}
		switch b.peek() {
		case 0:
			return key, nil, errors.New("the entry is not closed; a brace or quote is missing")
		case end:
			b.at++
			return key, fields, nil
		}
		name := strings.ToLower(b.name())
		b.space()
		if name == "" || b.peek() != '=' {
			return key, nil, fmt.Errorf("field %q has no = after it", name)
		}
		b.at++
		value, err := b.value()
		if err != nil {
			return key, nil, fmt.Errorf("field %q: %w", name, err)
		}
		if _, twice := fields[name]; !twice {
			fields[name] = value
		}
		if b.space(); b.peek() != ',' && b.peek() != end {
			return key, nil, fmt.Errorf("field %q is not followed by a comma or the end of the entry", name)
		}
	}
}

// value reads pieces joined by #.
func (b *bibParser) value() (string, error) {
	var out strings.Builder
	for {
		b.space()
		switch c := b.peek(); c {
		case '{':
			s, err := b.braced()
			if err != nil {
				return "", err
			}
			out.WriteString(s)
		case '"':
			s, err := b.quoted()
			if err != nil {
				return "", err
			}
			out.WriteString(s)
		default:
			word := b.name()
			if word == "" {
				return "", errors.New("there is no value")
			}
			if macro, ok := b.macros[strings.ToLower(word)]; ok {
				if *b.budget -= len(macro); *b.budget < 0 {
					return "", errors.New("the macros of the file expand to more than a record may have")
				}
				word = macro
			}
			out.WriteString(word)
		}
		if b.space(); b.peek() != '#' {
			return out.String(), nil
		}
		b.at++
	}
}

func (b *bibParser) braced() (string, error) {
	start, depth := b.at+1, 0
	for ; b.peek() != 0; b.at++ {
		switch b.src[b.at] {
		case '\\':
			b.at++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				b.at++
				return string(b.src[start : b.at-1]), nil
			}
		}
	}
	return "", errors.New("a { is not closed")
}

func (b *bibParser) quoted() (string, error) {
	b.at++
	start, depth := b.at, 0
	for ; b.peek() != 0; b.at++ {
		switch b.src[b.at] {
		case '\\':
			b.at++
		case '{':
			depth++
		case '}':
			depth--
		case '"':
			if depth <= 0 {
				b.at++
				return string(b.src[start : b.at-1]), nil
			}
		}
	}
	return "", errors.New("a quote is not closed")
}

func bibPaper(key string, f map[string]string) literature.Paper {
	p := literature.Paper{
		DOI: f["doi"], PMID: f["pmid"], Title: unTeX(f["title"]), Abstract: unTeX(f["abstract"]),
		Journal: unTeX(f["journal"]), URL: f["url"], Source: literature.Source{Key: key},
	}
	if p.Journal == "" {
		p.Journal = unTeX(f["journaltitle"] + f["booktitle"])
	}
	if p.DOI == "" && strings.Contains(p.URL, "doi.org/") {
		p.DOI = p.URL
	}
	if p.Year = year(f["year"]); p.Year == 0 {
		p.Year = year(f["date"])
	}
	if strings.EqualFold(f["archiveprefix"], "arxiv") || strings.EqualFold(f["eprinttype"], "arxiv") {
		p.ArXiv = f["eprint"]
	}
	for _, a := range splitAnd(f["author"]) {
		p.Authors = append(p.Authors, unTeX(a))
	}
	for _, k := range strings.FieldsFunc(f["keywords"], func(r rune) bool { return r == ',' || r == ';' }) {
		p.Keywords = append(p.Keywords, unTeX(k))
	}
	return p
}

// splitAnd splits a list of names at the word "and" outside braces.
func splitAnd(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ' ', '\n', '\t':
			if depth == 0 && len(s) > i+4 && strings.EqualFold(s[i+1:i+4], "and") && (s[i+4] == ' ' || s[i+4] == '\n' || s[i+4] == '\t') {
				out = append(out, s[start:i])
				start, i = i+4, i+3
			}
		}
	}
	if rest := strings.TrimSpace(s[start:]); rest != "" {
		out = append(out, rest)
	}
	return out
}
