package corpus

import (
	"bytes"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// risField is a line of RIS, "TI  - A title", with the lines that continue it.
type risField struct{ tag, text string }

// ris reads RIS: records from TY to ER. Text between records, as some exporters
// write for people, is no record; a TY without its ER is broken.
func (in *reader) ris(src []byte) {
	var fields []risField
	var raw []byte
	open, began, line := false, 0, 0
	finish := func(ended bool) {
		if !open {
			return
		}
		open = false
		if !in.sound(began, raw) {
			return
		}
		if !ended {
			in.reject(began, raw, "the record has no line \"ER  - \" to end it; the file is cut off or two records run together")
			return
		}
		in.accept(risPaper(fields), began, raw)
	}
	for len(src) > 0 {
		var text []byte
		text, src = nextLine(src)
		line++
		tag, value, ok := risLine(text)
		switch {
		case ok && tag == "TY":
			finish(false)
			in.n++
			open, began, fields, raw = true, line, nil, nil
		case ok && tag == "ER":
			finish(true)
			continue
		}
		if !open {
			continue
		}
		if len(raw) <= in.limits.Record {
			raw = append(append(raw, text...), '\n')
		}
		if ok {
			fields = append(fields, risField{tag, value})
		} else if t := strings.TrimSpace(string(text)); t != "" && len(fields) > 0 {
			fields[len(fields)-1].text += " " + t
		}
	}
	finish(false)
}

// nextLine cuts the first line off src, without its end.
func nextLine(src []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(src, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

func risLine(line []byte) (tag, value string, ok bool) {
	s := string(line)
	if len(s) < 5 || s[2] != ' ' || s[3] != ' ' || s[4] != '-' {
		return "", "", false
	}
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
	if !upper(s[0]) || !upper(s[1]) {
		return "", "", false
	}
	return s[:2], strings.TrimSpace(s[5:]), true
}

func risPaper(fields []risField) literature.Paper {
	var p literature.Paper
	first := func(to *string, v string) {
		if *to == "" {
			*to = v
		}
	}
	for _, f := range fields {
		switch f.tag {
		case "TI", "T1", "CT":
			first(&p.Title, f.text)
		case "AB", "N2":
			first(&p.Abstract, f.text)
		case "AU", "A1":
			p.Authors = append(p.Authors, f.text)
		case "PY", "Y1", "DA":
			if p.Year == 0 {
				p.Year = year(f.text)
			}
		case "DO":
			first(&p.DOI, f.text)
		case "JO", "JF", "T2", "JA":
			first(&p.Journal, f.text)
		case "KW":
			p.Keywords = append(p.Keywords, f.text)
		case "UR", "L1":
			first(&p.URL, f.text)
			if p.DOI == "" && strings.Contains(f.text, "doi.org/") {
				p.DOI = f.text
			}
		case "AN":
			if v, ok := strings.CutPrefix(strings.ToUpper(f.text), "PMID:"); ok {
				p.PMID = v
			}
		case "ID":
			first(&p.Source.Key, f.text)
		}
	}
	return p
}
