package literature

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// NewExtraction is what an extractor found in a paper, each finding with its
// paper, its extractor and its anchor.
func NewExtraction(p Paper, extractor string, found []Finding, at time.Time) Extraction {
	text := p.Reading()
	for i := range found {
		found[i].Paper, found[i].Extractor, found[i].Anchor = p.ID, extractor, Anchor(text, found[i])
	}
	return Extraction{Paper: p.ID, Extractor: extractor, TextHash: p.TextHash(), Findings: found, At: at}
}

// anchorReach is how many bytes of a finding's sentence, to each side, are looked
// at to know it again.
const anchorReach = 120

// Anchor names a finding by the words around it, up to 120 bytes of its sentence to
// each side, and its place among them. It is the same in another text that has these
// words: the abstract of a paper whose PDF came later.
func Anchor(text string, f Finding) string {
	start, end := min(f.Number.Start, f.UnitSpan.Start), max(f.Number.End, f.HighSpan.End, f.UnitSpan.End)
	around := Span{max(f.Sentence.Start, start-anchorReach), min(f.Sentence.End, end+anchorReach)}
	words := strings.TrimRight(around.Of(text), "\n ") // the last sentence of an abstract ends otherwise than that of a text
	if words == "" {
		return ""
	}
	at := func(s Span) [2]int { return [2]int{s.Start - around.Start, s.End - around.Start} }
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", words, at(f.Number), at(f.UnitSpan)))
	return hex.EncodeToString(sum[:8])
}

// FindingID names a finding by its paper, its place and the kind of its extractor,
// so that finding it again, by a later version of the rules too, gives the same. The
// place is its anchor or, where it has none, counted in the text of the given hash.
func FindingID(f Finding, textHash string) string {
	if f.Anchor == "" {
		return placeID(f, textHash, f.Extractor)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", f.Paper, f.Anchor, kindOf(f.Extractor)))
	return hex.EncodeToString(sum[:8])
}

// placeID is how findings were named before they had anchors.
func placeID(f Finding, textHash, extractor string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d:%d\x00%d:%d\x00%s", f.Paper, textHash, f.Number.Start, f.Number.End, f.UnitSpan.Start, f.UnitSpan.End, extractor))
	return hex.EncodeToString(sum[:8])
}

// version is that of the rules, or of the questions to a model: "rules/1", "llm/1:name".
var version = regexp.MustCompile(`^([a-z]+)/\d+`)

// kindOf is an extractor without its version.
func kindOf(extractor string) string { return version.ReplaceAllString(extractor, "$1") }

// Replaces reports whether what one extractor finds stands for what the other found
// in the same paper: two versions of one do.
func Replaces(extractor, other string) bool { return kindOf(extractor) == kindOf(other) }

// Apply gives findings what people said of them, words oldest first. What people
// stood for stays in the list, at its end, when no extractor finds it any more.
func Apply(found []Found, words []Correction) []Found {
	by := map[string][]Correction{}
	for _, c := range words {
		by[c.Finding] = append(by[c.Finding], c)
	}
	met := map[string]bool{}
	for i := range found {
		f := &found[i]
		first := version.ReplaceAllString(f.Finding.Extractor, "$1/1")
		var said []Correction
		for _, id := range slices.Compact([]string{placeID(f.Finding, f.TextHash, first), f.ID}) { // its name before there were anchors, and now
			met[id] = true
			said = append(said, by[id]...)
		}
		f.hear(said)
	}
	for _, c := range words {
		if met[c.Finding] {
			continue
		}
		met[c.Finding] = true
		said := by[c.Finding]
		last := said[len(said)-1]
		if last.Was == nil || last.Verdict != Accepted && last.Verdict != Corrected {
			continue
		}
		f := Found{ID: c.Finding, Finding: *last.Was, TextHash: last.TextHash}
		f.hear(said)
		found = append(found, f)
	}
	return found
}

// hear takes what people said, oldest first.
func (f *Found) hear(said []Correction) {
	f.History, f.Correction = said, nil
	if n := len(said); n > 0 && said[n-1].Verdict != Reopened {
		f.Correction = &said[n-1]
	}
}

// Status is what people made of a finding: "found" where nobody has said anything.
func (f Found) Status() string {
	if f.Correction == nil {
		return "found"
	}
	return string(f.Correction.Verdict)
}

// Piece is a part of a passage, and what of a finding it is.
type Piece struct {
	Text string `json:"text"`
	// Is is "value", "unit" or "operation", and "" for what stands around them.
	Is string `json:"is,omitempty"`
}

// passageReach is how many bytes around its sentence a person sees of a text, and
// most of the sentence to each side of the finding.
const (
	passageReach = 240
	sentenceSeen = 600
)

// Passage cuts the text around a finding into pieces, of which those that the
// finding names are marked; nil where its spans are not in the text.
func Passage(text string, f Finding) []Piece {
	type mark struct {
		Span
		is string
	}
	marks := []mark{{f.Number, "value"}, {f.UnitSpan, "unit"}}
	if f.HighSpan != f.Number {
		marks = append(marks, mark{f.HighSpan, "value"})
	}
	if f.Verb.End > f.Verb.Start {
		marks = append(marks, mark{f.Verb, "operation"})
	}
	slices.SortFunc(marks, func(a, b mark) int { return a.Start - b.Start })
	start, end := marks[0].Start, marks[0].End
	for _, m := range marks {
		end = max(end, m.End)
		if m.Start < 0 || m.End > len(text) || m.Start > m.End {
			return nil
		}
	}
	from := max(0, f.Sentence.Start-passageReach, start-sentenceSeen)
	to := min(len(text), f.Sentence.End+passageReach, end+sentenceSeen)
	from, to = min(from, start), max(to, end)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	var out []Piece
	add := func(a, b int, is string) {
		if b > a {
			out = append(out, Piece{text[a:b], is})
		}
	}
	at := from
	for _, m := range marks {
		if m.Start < at { // one within another is marked once
			m.Start = min(at, m.End)
		}
		add(at, m.Start, "")
		add(m.Start, m.End, m.is)
		at = max(at, m.End)
	}
	add(at, to, "")
	if from > 0 && len(out) > 0 {
		out[0].Text = "…" + out[0].Text
	}
	if to < len(text) {
		out = append(out, Piece{Text: "…"})
	}
	return out
}
