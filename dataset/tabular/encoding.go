package tabular

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/athanor-lab/athanor/lab"
)

// widths of a character in the source, so that the offset of a decoded byte is
// known without keeping the source.
type width uint8

const (
	asUTF8  width = iota // as many bytes as decoded
	asByte               // one byte to a character
	asUTF16              // two bytes to a character, four beyond the first plane
)

func (w width) of(lead byte) int64 {
	switch w {
	case asByte:
		if lead&0xC0 == 0x80 {
			return 0
		}
		return 1
	case asUTF16:
		switch {
		case lead&0xC0 == 0x80:
			return 0
		case lead >= 0xF0:
			return 4
		default:
			return 2
		}
	default:
		return 1
	}
}

// encodings are those a file may be in, besides UTF-8.
var encodings = map[string]struct {
	of    encoding.Encoding
	width width
}{
	"utf-16le":     {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), asUTF16},
	"utf-16be":     {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), asUTF16},
	"windows-1252": {charmap.Windows1252, asByte},
	"iso-8859-1":   {charmap.ISO8859_1, asByte},
	"iso-8859-2":   {charmap.ISO8859_2, asByte},
	"iso-8859-5":   {charmap.ISO8859_5, asByte},
	"iso-8859-7":   {charmap.ISO8859_7, asByte},
	"iso-8859-9":   {charmap.ISO8859_9, asByte},
	"iso-8859-15":  {charmap.ISO8859_15, asByte},
	"windows-1250": {charmap.Windows1250, asByte},
	"windows-1251": {charmap.Windows1251, asByte},
	"windows-1253": {charmap.Windows1253, asByte},
	"koi8-r":       {charmap.KOI8R, asByte},
	"macintosh":    {charmap.Macintosh, asByte},
}

// decode returns r as UTF-8, with the width of its characters.
func decode(r io.Reader, name string) (io.Reader, width, error) {
	if name == "utf-8" {
		return r, asUTF8, nil
	}
	e, ok := encodings[name]
	if !ok {
		return nil, 0, lab.Errorf(lab.Invalid, "encoding %q is not known; want utf-8, utf-16le, utf-16be, windows-1252, iso-8859-1 or another of its kind", name)
	}
	return e.of.NewDecoder().Reader(r), e.width, nil
}

// sniffEncoding tells the encoding of a file from its beginning, the length of
// its byte order mark, and whether the encoding was guessed.
func sniffEncoding(head []byte, whole bool) (name string, bom int, guessed bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return "utf-8", 3, false
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return "utf-16le", 2, false
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return "utf-16be", 2, false
	}
	if name := unmarkedUTF16(head); name != "" {
		return name, 0, true
	}
	good, bad := 0, 0
	for b := head; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1 && !whole && len(b) < utf8.UTFMax: // the sample ends inside a character
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		b = b[n:]
	}
	if bad == 0 || good > 4*bad { // the few bad ones are flagged where they stand
		return "utf-8", 0, false
	}
	return guessCharmap(head), 0, true
}

func unmarkedUTF16(head []byte) string {
	if len(head) < 8 {
		return ""
	}
	var zero [2]int
	for i, b := range head {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case zero[1]*10 > half*8 && zero[0]*10 < half:
		return "utf-16le"
	case zero[0]*10 > half*8 && zero[1]*10 < half:
		return "utf-16be"
	default:
		return ""
	}
}

// frequent are the commonest letters of the scripts that single-byte encodings
// are made for, as they follow one another inside words.
var frequent = []struct{ encoding, letters string }{
	{"iso-8859-7", "αοιετσνηυρκπςάέήίόύώωδλμ"},
	{"windows-1251", "оеаинтсрвлкмд"},
	{"koi8-r", "оеаинтсрвлкмд"},
}

// guessCharmap tells apart Latin, where letters above ASCII are rare and alone,
// from Greek and Cyrillic, where words are made of them.
func guessCharmap(head []byte) string {
	var high, pairs int
	for i, b := range head {
		if b >= 0xA0 {
			high++
			if i > 0 && head[i-1] >= 0xA0 {
				pairs++
			}
		}
	}
	if pairs*2 < high {
		return "windows-1252"
	}
	best, most := "windows-1252", 0
	for _, f := range frequent {
		text, err := encodings[f.encoding].of.NewDecoder().Bytes(head)
		if err != nil {
			continue
		}
		n := 0
		for _, r := range string(text) {
			if strings.ContainsRune(f.letters, r) {
				n++
			}
		}
		if n > most {
			best, most = f.encoding, n
		}
	}
	return best
}
