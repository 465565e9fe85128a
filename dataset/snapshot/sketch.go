package snapshot

import (
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Sketch tells how alike texts are: one byte of each of 64 minima of hashes of the
// text's shingles, in hex (Broder, "On the resemblance and containment of
// documents", 1997; Li & König, "b-bit minwise hashing", 2010). Of texts whose
// shingles have the Jaccard similarity J in common, about J + (1-J)/256 of the
// bytes are equal, with a standard deviation of 0.05 at J = 0.8. "" is no text.
type Sketch string

// Numbers of a sketch.
const (
	sketchBytes = 64
	// shingleWords is how many words after each other make a shingle.
	shingleWords = 3
	// alikeBytes is from how many equal bytes on two texts are nearly the same:
	// those of a Jaccard similarity of 0.8.
	alikeBytes = 51
	// bandBytes is how many neighbouring bytes must be equal for two texts to be
	// compared at all: of 16 such bands, one is with a probability of 0.9998 at J = 0.8.
	bandBytes = 4
)

// SketchOf returns the sketch of a text. Case and punctuation do not count, and
// numbers do to three digits.
func SketchOf(text string) Sketch {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".+-%=#@[]()/", r)
	})
	for i, w := range words {
		w = strings.Trim(w, ".")
		if x, err := strconv.ParseFloat(w, 64); err == nil {
			w = strconv.FormatFloat(x, 'e', nearDigits-1, 64)
		}
		words[i] = w
	}
	if words = slices.DeleteFunc(words, func(w string) bool { return w == "" }); len(words) == 0 {
		return ""
	}
	var least [sketchBytes]uint64
	for i := range least {
		least[i] = ^uint64(0)
	}
	h := fnv.New64a()
	for i := range max(1, len(words)-shingleWords+1) {
		h.Reset()
		for _, w := range words[i:min(i+shingleWords, len(words))] {
			_, _ = h.Write([]byte(w)) // it never fails
			_, _ = h.Write([]byte{0})
		}
		of := h.Sum64()
		for k := range least {
			least[k] = min(least[k], mixed(of+uint64(k)*0x9e3779b97f4a7c15))
		}
	}
	var low [sketchBytes]byte
	for i, x := range least {
		low[i] = byte(x)
	}
	return Sketch(hex.EncodeToString(low[:]))
}

// mixed is the finalizer of splitmix64 (Steele, Lea & Flood, 2014).
func mixed(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// bytes returns the bytes of a sketch; ok is false for none.
func (s Sketch) bytes() (b [sketchBytes]byte, ok bool) {
	if len(s) != 2*sketchBytes {
		return b, false
	}
	_, err := hex.Decode(b[:], []byte(s))
	return b, err == nil
}

// alike reports whether texts with these sketches are nearly the same.
func alike(a, b *[sketchBytes]byte) bool {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return n >= alikeBytes
}
