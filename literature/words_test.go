package literature_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/literature"
)

// in is a finding whose number, unit and verb are where they first stand in a text.
func in(text, number, unit, verb string) literature.Finding {
	span := func(s string) literature.Span {
		i := strings.Index(text, s)
		return literature.Span{Start: i, End: i + len(s)}
	}
	f := literature.Finding{Number: span(number), HighSpan: span(number), UnitSpan: span(unit), Verb: span(verb)}
	f.Sentence = literature.Span{Start: strings.LastIndex(text[:f.Number.Start], "\n") + 1, End: len(text)}
	return f
}

// TestPassage marks what a finding names, cuts only between letters, and is nothing
// where the text is another one.
func TestPassage(t *testing.T) {
	t.Parallel()
	text := "Before.\nIt was dried at 80 °C then."
	f := in(text, "80", "°C", "dried")
	want := []literature.Piece{{Text: "Before.\nIt was "}, {Text: "dried", Is: "operation"}, {Text: " at "}, {Text: "80", Is: "value"}, {Text: " "}, {Text: "°C", Is: "unit"}, {Text: " then."}}
	if diff := cmp.Diff(want, literature.Passage(text, f)); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
	if got := literature.Passage("It was.", f); got != nil {
		t.Errorf("of another text: %+v", got)
	}
	long := strings.Repeat("ö", 4001) + "80 °C" + strings.Repeat("ö", 4001)
	all := ""
	for _, p := range literature.Passage(long, in(long, "80", "°C", "")) {
		if !utf8.ValidString(p.Text) {
			t.Errorf("a letter was cut: %q", p.Text)
		}
		all += p.Text
	}
	if len(all) > 4000 || !strings.HasPrefix(all, "…") || !strings.HasSuffix(all, "…") {
		t.Errorf("%d bytes of a long sentence are shown", len(all))
	}
}

// TestAnchor is the same where the sentence is, and another for another number.
func TestAnchor(t *testing.T) {
	t.Parallel()
	one, more := "It was dried at 80 °C then.", "A title\nIt was dried at 80 °C then.\nAnd the body.\n"
	a := literature.Anchor(one, in(one, "80", "°C", ""))
	f := in(more, "80", "°C", "")
	f.Sentence.End = strings.Index(more, "And")
	if b := literature.Anchor(more, f); a == "" || a != b {
		t.Errorf("anchors %q and %q", a, b)
	}
	if b := literature.Anchor(one, in(one, "t 80", "°C", "")); a == b {
		t.Error("another place has the same anchor")
	}
}

// TestVersionsOfAnExtractor replace each other and name a finding alike; models do not.
func TestVersionsOfAnExtractor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{{"rules/1", "rules/12", true}, {"llm/1:m", "llm/2:m", true}, {"llm/1:m", "llm/1:n", false}, {"rules/1", "llm/1:rules", false}} {
		f, g := literature.Finding{Anchor: "x", Extractor: c.a}, literature.Finding{Anchor: "x", Extractor: c.b}
		if literature.Replaces(c.a, c.b) != c.want || (literature.FindingID(f, "h") == literature.FindingID(g, "i")) != c.want {
			t.Errorf("%s and %s are of one kind: want %v", c.a, c.b, c.want)
		}
	}
	f := literature.Finding{Paper: "p", Anchor: "x", Extractor: "rules/2"}
	old := literature.Finding{Paper: "p", Extractor: "rules/1"}
	word := literature.Correction{Finding: literature.FindingID(old, "h"), Verdict: literature.Rejected}
	if got := literature.Apply([]literature.Found{{ID: literature.FindingID(f, "h"), Finding: f, TextHash: "h"}}, []literature.Correction{word}); got[0].Status() != "rejected" {
		t.Errorf("what was said under the former name is lost: %+v", got[0])
	}
}
