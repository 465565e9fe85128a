package pdf

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Flow turns the lines of a page into running text: words that a line's end
// divides are joined, line ends become spaces, and signs that cannot be seen are
// left out. A line that is much shorter than those around it still ends nothing:
// sentences are found by their full stops.
func Flow(page string) string {
	var out []byte
	for line := range strings.Lines(strings.ReplaceAll(strings.ToValidUTF8(page, ""), "\r", "\n")) {
		line = strings.Join(strings.Fields(strings.Map(visible, line)), " ")
		if line == "" {
			continue
		}
		first, _ := utf8.DecodeRuneInString(line)
		switch stem, soft := bytes.CutSuffix(out, []byte("\u00ad")); {
		case soft:
			out = stem
		case bytes.HasSuffix(out, []byte("-")) && unicode.IsLower(first) && endsInLetter(out[:len(out)-1]):
			out = out[:len(out)-1]
		case len(out) > 0:
			out = append(out, ' ')
		}
		out = append(out, line...)
	}
	return strings.ReplaceAll(string(out), "\u00ad", "")
}

func endsInLetter(s []byte) bool {
	r, _ := utf8.DecodeLastRune(s)
	return unicode.IsLower(r)
}

// visible drops control and format characters; PDFium writes U+0002 and U+FFFE
// for a hyphen at the end of a line.
func visible(r rune) rune {
	switch {
	case r == 0x02 || r == 0xFFFE:
		return 0xAD
	case r == '\n' || r == '\t':
		return ' '
	case r == 0xAD:
		return r
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
		return -1
	}
	return r
}
