package embed

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/athanor-lab/athanor/lab"
)

// tokenizer cuts texts into the tokens of a model: what a tokenizer.json of WordPiece
// or of whole words says (Hugging Face, tokenizers; J. Devlin et al., BERT, 2018).
type tokenizer struct {
	vocab   map[string]int
	unknown int // left out of texts; -1 for none
	prefix  string
	longest int // of a word, in characters
	whole   bool
	lower   bool
	strip   bool // accents
	clean   bool // control characters
	chinese bool // each character a word
	punct   bool // each sign a word
}

// stage is a normalizer or pre-tokenizer.
type stage struct {
	Type          string  `json:"type"`
	Clean         bool    `json:"clean_text"`
	Chinese       bool    `json:"handle_chinese_chars"`
	StripAccents  *bool   `json:"strip_accents"`
	Lowercase     bool    `json:"lowercase"`
	Normalizers   []stage `json:"normalizers"`
	PreTokenizers []stage `json:"pretokenizers"`
}

func newTokenizer(raw []byte) (*tokenizer, error) {
	var file struct {
		Normalizer   *stage `json:"normalizer"`
		PreTokenizer *stage `json:"pre_tokenizer"`
		Model        struct {
			Type    string          `json:"type"`
			Unknown string          `json:"unk_token"`
			Prefix  string          `json:"continuing_subword_prefix"`
			Longest int             `json:"max_input_chars_per_word"`
			Vocab   json.RawMessage `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, lab.Errorf(lab.Invalid, "it is no JSON of this form: %w", err)
	}
	m := file.Model
	if m.Type != "WordPiece" && m.Type != "WordLevel" {
		return nil, lab.Errorf(lab.Invalid, "its model is %q; WordPiece and WordLevel are read", m.Type)
	}
	t := &tokenizer{unknown: -1, prefix: m.Prefix, longest: m.Longest, whole: m.Type == "WordLevel"}
	if err := json.Unmarshal(m.Vocab, &t.vocab); err != nil || len(t.vocab) == 0 {
		return nil, lab.Errorf(lab.Invalid, "its vocab is no object of tokens and numbers")
	}
	for _, id := range t.vocab {
		if id < 0 {
			return nil, lab.Errorf(lab.Invalid, "its vocab has the number %d", id)
		}
	}
	if id, ok := t.vocab[m.Unknown]; ok {
		t.unknown = id
	}
	if t.longest <= 0 {
		t.longest = 100
	}
	if err := t.normalize(file.Normalizer); err != nil {
		return nil, err
	}
	return t, t.cut(file.PreTokenizer)
}

// normalize takes what is done to the letters.
func (t *tokenizer) normalize(s *stage) error {
	if s == nil {
		return nil
	}
	switch s.Type {
	case "BertNormalizer":
		t.clean, t.chinese, t.lower, t.strip = s.Clean, s.Chinese, s.Lowercase, s.Lowercase
		if s.StripAccents != nil {
			t.strip = *s.StripAccents
		}
	case "Lowercase":
		t.lower = true
	case "StripAccents":
		t.strip = true
	case "NFC", "NFD", "NFKC", "NFKD", "Strip": // composed letters are the same words once accents are stripped
	case "Sequence":
		for _, n := range s.Normalizers {
			if err := t.normalize(&n); err != nil {
				return err
			}
		}
	default:
		return lab.Errorf(lab.Invalid, "its normalizer is %q; BertNormalizer, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD, Strip and Sequences of them are read", s.Type)
	}
	return nil
}

// cut takes how words are told apart.
func (t *tokenizer) cut(s *stage) error {
	if s == nil {
		return nil
	}
	switch s.Type {
	case "BertPreTokenizer", "Whitespace", "Punctuation":
		t.punct = true
	case "WhitespaceSplit":
	case "Sequence":
		for _, p := range s.PreTokenizers {
			if err := t.cut(&p); err != nil {
				return err
			}
		}
	default:
		return lab.Errorf(lab.Invalid, "its pre_tokenizer is %q; BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation and Sequences of them are read", s.Type)
	}
	return nil
}

// most is the largest number of a token.
func (t *tokenizer) most() int {
	most := 0
	for _, id := range t.vocab {
		most = max(most, id)
	}
	return most
}

// encode returns the tokens of a text that the vocabulary has.
func (t *tokenizer) encode(text string) []int {
	var out []int
	for _, word := range t.words(text) {
		out = t.pieces(out, word)
	}
	return out
}

// words tells the words of a text apart.
func (t *tokenizer) words(text string) []string {
	if t.strip {
		text = norm.NFD.String(text)
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case t.clean && (r == 0 || r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) && r != '\t' && r != '\n' && r != '\r'):
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case t.strip && unicode.Is(unicode.Mn, r):
		case t.chinese && ideograph(r), t.punct && sign(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		case t.lower:
			b.WriteString(strings.ToLower(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return strings.Fields(b.String())
}

// sign reports whether BERT takes a character for punctuation: those of Unicode, and
// all of ASCII that is neither letter nor figure.
func sign(r rune) bool {
	return r >= 33 && r <= 47 || r >= 58 && r <= 64 || r >= 91 && r <= 96 || r >= 123 && r <= 126 || unicode.IsPunct(r)
}

// ideograph reports whether a character is of the blocks that BERT takes for words.
func ideograph(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}

// pieces adds a word's tokens: itself, or the longest piece from the left, and so on. A
// word of which a piece is unknown is unknown.
func (t *tokenizer) pieces(out []int, word string) []int {
	if t.whole {
		if id, ok := t.vocab[word]; ok && id != t.unknown {
			out = append(out, id)
		}
		return out
	}
	if utf8.RuneCountInString(word) > t.longest {
		return out
	}
	whole := len(out)
	for start := 0; start < len(word); {
		end := len(word)
		for ; end > start; end-- {
			if end < len(word) && !utf8.RuneStart(word[end]) {
				continue
			}
			piece := word[start:end]
			if start > 0 {
				piece = t.prefix + piece
			}
			if id, ok := t.vocab[piece]; ok {
				if id != t.unknown {
					out = append(out, id)
				}
				break
			}
		}
		if end == start {
			return out[:whole]
		}
		start = end
	}
	return out
}
