package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
)

// stopWords carry no meaning of their own. They keep their place, so that the
// phrase "carbon in steel" is not "carbon steel".
var stopWords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq("a an and are as at be but by for from has have if in into is it its no not of on or such that the their then there these they this to was we were which will with") {
		m[w] = true
	}
	return m
}()

// Stem returns the Snowball stem of a lower-case English word.
func Stem(word string) string { return english.Stem(word, false) }

// token is a word of a text, lower case, and where it is among the words.
type token struct {
	word string
	at   int
}

// maxWord bounds a token in bytes: what is longer is no word, and stemming it
// would cost its square.
const maxWord = 64

// eachWord calls yield with each maximal run of letters and digits, lower case.
// The words of plain ASCII that are already lower case are not copied.
func eachWord(text string, yield func(word string)) {
	for i := 0; i < len(text); {
		start, upper, wide := i, false, false
		for i < len(text) {
			c := text[i]
			if c < utf8.RuneSelf {
				if c >= 'A' && c <= 'Z' {
					upper = true
				} else if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
					break
				}
				i++
				continue
			}
			r, n := utf8.DecodeRuneInString(text[i:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				break
			}
			wide = true
			i += n
		}
		if i > start {
			w := text[start:i]
			if upper || wide {
				w = strings.ToLower(w)
			}
			if len(w) <= maxWord {
				yield(w)
			}
			continue
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		i += n
	}
}

// Words returns the words of text, lower case and neither stemmed nor filtered.
func Words(text string) []string {
	var out []string
	eachWord(text, func(w string) { out = append(out, w) })
	return out
}
