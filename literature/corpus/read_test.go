package corpus_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
)

func read(t *testing.T, name, src string) corpus.Import {
	t.Helper()
	in, err := corpus.Read(name, strings.NewReader(src), corpus.Limits{})
	if err != nil {
		t.Fatalf("Read(%s): %v", name, err)
	}
	return in
}

// bulk is one work as each form tells it.
var bulk = map[string]string{
	"a.bib":         "@string{j = \"J. Test\"}\n@article{k1, title = {The {HMG-CoA} pathway in M\\\"uller cells}, author={M{\\\"u}ller, Eva and Ng, Bo}, journal = j, year = 2019, doi = {https://doi.org/10.1000/ABC.1}, abstract={One--two.}}",
	"a.ris":         "TY  - JOUR\r\nTI  - The HMG-CoA pathway in Müller cells\r\nAU  - Müller, Eva\r\nAU  - Ng, Bo\r\nJO  - J. Test\r\nPY  - 2019/05/01\r\nDO  - 10.1000/abc.1\r\nAB  - One–two.\r\nER  - \r\n",
	"a.csv":         "Title,Authors,Source title,Year,DOI,Abstract\nThe HMG-CoA pathway in Müller cells,\"Müller, Eva; Ng, Bo\",J. Test,2019,10.1000/abc.1,One–two.\n",
	"a.jsonl":       `{"title":"The HMG-CoA pathway in Müller cells","authors":["Müller, Eva","Ng, Bo"],"journal":"J. Test","year":2019,"doi":"10.1000/abc.1","abstract":"One–two."}`,
	"openalex.json": `{"meta":{"count":1},"results":[{"id":"https://openalex.org/W1","doi":"https://doi.org/10.1000/abc.1","title":"The HMG-CoA pathway in Müller cells","publication_year":2019,"is_retracted":false,"authorships":[{"author":{"display_name":"Müller, Eva"}},{"author":{"display_name":"Ng, Bo"}}],"primary_location":{"source":{"display_name":"J. Test"}},"abstract_inverted_index":{"One–two.":[0]}}]}`,
	"epmc.json":     `{"resultList":{"result":[{"id":"1","source":"MED","doi":"10.1000/abc.1","title":"The HMG-CoA pathway in <i>Müller</i> cells.","authorString":"Müller, Eva, Ng, Bo.","pubYear":"2019","journalInfo":{"journal":{"title":"J. Test"}},"abstractText":"One–two."}]}}`,
	"s2.json":       `{"data":[{"paperId":"x","externalIds":{"DOI":"10.1000/ABC.1"},"title":"The HMG-CoA pathway in Müller cells","abstract":"One–two.","year":2019,"venue":"J. Test","authors":[{"name":"Müller, Eva"},{"name":"Ng, Bo"}]}]}`,
	"crossref.json": `{"message":{"items":[{"DOI":"10.1000/ABC.1","title":["The HMG-CoA pathway in Müller cells"],"abstract":"<jats:p>One–two.</jats:p>","author":[{"family":"Müller","given":"Eva"},{"family":"Ng","given":"Bo"}],"container-title":["J. Test"],"issued":{"date-parts":[[2019,5]]}}]}}`,
}

// TestEveryFormTellsTheSamePaper reads one work from each form and wants one
// record.
func TestEveryFormTellsTheSamePaper(t *testing.T) {
	t.Parallel()
	want := literature.Paper{
		ID: "doi:10.1000/abc.1", DOI: "10.1000/abc.1", Title: "The HMG-CoA pathway in Müller cells", Abstract: "One–two.",
		Authors: []string{"Müller, Eva", "Ng, Bo"}, Year: 2019, Journal: "J. Test",
	}
	for name, src := range bulk {
		in := read(t, name, src)
		if len(in.Papers) != 1 || len(in.Quarantined) != 0 {
			t.Errorf("%s: got %d papers, quarantined %+v", name, len(in.Papers), in.Quarantined)
			continue
		}
		got := in.Papers[0]
		if name == "epmc.json" { // its authors are one string whose commas are ambiguous
			got.Authors = want.Authors
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(literature.Paper{}, "Source", "URL")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestBrokenRecordsAreQuarantined wants a reason for each broken record and the
// sound ones around it.
func TestBrokenRecordsAreQuarantined(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file, src string
		papers          int
		reasons         []string
	}{
		{"BibTeXUnclosed", "x.bib", "@article{a, title={One}}\n@article{b, title={Two\n@article{c, title={Three}}", 2, []string{"not closed"}},
		{"BibTeXNoEquals", "x.bib", "@article{a, title {One}}\n@article{c, title={Three}}", 1, []string{"no ="}},
		{"BibTeXNoTitle", "x.bib", "@article{a, year=2020}", 0, []string{"no title"}},
		{"BibTeXMacros", "x.bib", "@string{a=\"" + strings.Repeat("x", 3<<20) + "\"}\n@article{k, title=a # a}\n@article{c, title={Three}}", 1, []string{"macros"}},
		{"RISNoEnd", "x.ris", "TY  - JOUR\nTI  - A\nTY  - JOUR\nTI  - B\nER  - \n", 1, []string{"no line \"ER"}},
		{"CSVQuotes", "x.csv", "title,year\n\"a \"b\" c\",2001\nd,2002\n", 1, []string{"quotes"}},
		{"CSVFields", "x.csv", "title,year\na\nb,2002\n", 1, []string{"1 fields and the headings 2"}},
		{"JSONLSyntax", "x.jsonl", "{\"title\":\"a\"}\n{\"title\":\n{\"title\":\"b\"}\n[1]\n", 2, []string{"unexpected end", "object"}},
		{"JSONTail", "x.json", `[{"title":"a"}] {"title": nope}`, 1, []string{"nothing after it"}},
		{"NotUTF8", "x.jsonl", "{\"title\":\"a\xe9b\"}\n{\"title\":\"b\"}", 1, []string{"not UTF-8"}},
		{"Year", "x.csv", "title,year\na,1999\n", 1, nil},
		{"CrossrefYear", "x.json", `{"DOI":"10.1000/1","title":["a"],"issued":{"date-parts":[[99999]]}}`, 0, []string{"year 99999"}},
		{"WrongTypes", "x.jsonl", `{"title":{"a":1}}`, 0, []string{"neither text nor a number"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := read(t, c.file, c.src)
			if len(in.Papers) != c.papers || len(in.Quarantined) != len(c.reasons) {
				t.Fatalf("got %d papers and %+v, want %d and %d", len(in.Papers), in.Quarantined, c.papers, len(c.reasons))
			}
			for i, q := range in.Quarantined {
				if !strings.Contains(q.Reason, c.reasons[i]) || q.Raw == "" {
					t.Errorf("reason %q of %q, want one with %q", q.Reason, q.Raw, c.reasons[i])
				}
			}
		})
	}
}

// TestLimits wants a large record quarantined and a large file refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	src := `{"title":"` + strings.Repeat("x", 500) + `"}` + "\n" + `{"title":"b"}`
	in, err := corpus.Read("x.jsonl", strings.NewReader(src), corpus.Limits{Record: 100, Raw: 10})
	if err != nil || len(in.Papers) != 1 || len(in.Quarantined) != 1 || len(in.Quarantined[0].Raw) != 10 {
		t.Errorf("got %+v, %v", in, err)
	}
	if _, err := corpus.Read("x.jsonl", strings.NewReader(src), corpus.Limits{File: 100}); err == nil {
		t.Error("a file above the limit was read")
	}
	if _, err := corpus.Read("x.bin", strings.NewReader("\x00\x01"), corpus.Limits{}); err == nil {
		t.Error("a file of no known form was read")
	}
}

// TestUTF16 reads a file with a byte order mark, as some programs save.
func TestUTF16(t *testing.T) {
	t.Parallel()
	src := "\xff\xfe"
	for _, r := range "title\nÅ\n" {
		src += string([]byte{byte(r), byte(r >> 8)})
	}
	if in := read(t, "x.csv", src); len(in.Papers) != 1 || in.Papers[0].Title != "Å" {
		t.Errorf("got %+v", in)
	}
}

// TestRetractions wants the mark from each source that has one.
func TestRetractions(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`{"title":"RETRACTED: A claim"}`,
		`{"title":"[Retracted] A claim","doi":"10.1/1"}`,
		`{"is_retracted":true,"display_name":"A claim"}`,
		`{"id":"1","pubYear":"2001","title":"A claim","pubTypeList":{"pubType":["Journal Article","Retracted Publication"]}}`,
		`{"DOI":"10.1000/1","title":["A claim"],"updated-by":[{"type":"retraction"}]}`,
	} {
		if in := read(t, "x.json", src); len(in.Papers) != 1 || !in.Papers[0].Retracted {
			t.Errorf("%s: got %+v", src, in)
		}
	}
	if in := read(t, "x.json", `{"title":"Retracted papers are still cited"}`); in.Papers[0].Retracted {
		t.Error("a paper about retractions is not retracted")
	}
}

// TestLibraryGroups adds records of one work and of others, twice.
func TestLibraryGroups(t *testing.T) {
	t.Parallel()
	in := read(t, "x.jsonl", strings.Join([]string{
		`{"title":"Selective oxidation of methane over oxides","year":2020,"arxiv":"2001.00001v2"}`,
		`{"title":"Selective Oxidation of Methane over Oxides","year":2021,"doi":"10.1000/m","abstract":"long"}`,
		`{"title":"RETRACTED: Selective oxidation of methane over oxides","year":2021,"pmid":"77"}`,
		`{"title":"Selective oxidation of methane over oxides","year":1990}`,
		`{"title":"Editorial","year":2021,"doi":"10.1000/e1"}`,
		`{"title":"Editorial","year":2021,"doi":"10.1000/e2"}`,
	}, "\n"))
	var l corpus.Library
	if got, want := l.Add(in.Papers...), (corpus.Added{New: 4, Duplicates: 2}); got != want {
		t.Errorf("added %+v, want %+v", got, want)
	}
	if got, want := l.Add(in.Papers...), (corpus.Added{Unchanged: 6}); got != want {
		t.Errorf("added again %+v, want %+v", got, want)
	}
	groups := l.Groups()
	if len(groups) != 4 || len(groups[0].Members) != 3 || !groups[0].Retracted || groups[0].Best.DOI != "10.1000/m" {
		t.Errorf("groups %+v", groups)
	}
	update := in.Papers[0]
	update.Abstract = "now with one"
	if got, want := l.Add(update), (corpus.Added{Updated: 1}); got != want {
		t.Errorf("updated %+v, want %+v", got, want)
	}
}

// FuzzRead wants no panic, and every record either read or quarantined, for any
// bytes under any name.
func FuzzRead(f *testing.F) {
	for name, src := range bulk {
		f.Add(name, []byte(src))
	}
	f.Add("x.xml", []byte(jats))
	f.Add("x.bib", []byte("@string{a=a#a}@article{x,title=a#a,author={\\'{e} and {and}}}"))
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		in, err := corpus.Read(name, strings.NewReader(string(src)), corpus.Limits{File: 1 << 20, Record: 1 << 12})
		if err != nil {
			return
		}
		for _, p := range in.Papers {
			if p.Title == "" || p.ID == "" || p.Source.Record < 1 {
				t.Errorf("kept %+v", p)
			}
		}
		for _, q := range in.Quarantined {
			if q.Reason == "" {
				t.Errorf("no reason for %+v", q)
			}
		}
		var l corpus.Library
		l.Add(in.Papers...)
		if again := l.Add(in.Papers...); again.New != 0 || again.Duplicates != 0 {
			t.Errorf("adding twice: %+v", again)
		}
		l.Groups()
	})
}

// TestWhole makes records of texts that have none beside them.
func TestWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		title, text, wantTitle, wantDOI string
	}{
		{"On gels", "On gels. https://doi.org/10.1000/x.\nSee 10.1000/y.", "On gels", "10.1000/x"},
		{"Microsoft Word - a.docx", "Two: 10.1000/x and 10.1000/y.", "my paper", ""},
		{"", "Nothing.", "my paper", ""},
	} {
		in := corpus.Whole("dir/my paper.pdf", "pdf", c.title, c.text)
		if len(in.Papers) != 1 {
			t.Fatalf("%+v", in)
		}
		p := in.Papers[0]
		if p.Title != c.wantTitle || p.DOI != c.wantDOI || p.Text != c.text || p.Source.Format != "pdf" || p.ID == "" {
			t.Errorf("%+v: got %+v", c, p)
		}
	}
	// What a list of references says of it stays, and its text is added.
	known := read(t, "x.json", `{"title":"On gels and their drying","doi":"10.1000/x","year":2001}`).Papers[0]
	merged := known.Merged(corpus.Whole("a.pdf", "pdf", "", "10.1000/x").Papers[0])
	if merged.Title != known.Title || merged.Text != "10.1000/x" || merged.Year != 2001 {
		t.Errorf("merged into %+v", merged)
	}
	if in := read(t, "x.json", `{"title":"a title","abstract":"a","full_text":"b\nc  d"}`); in.Papers[0].Reading() != "a\nb\nc d" {
		t.Errorf("full text: %+v", in.Papers[0])
	}
}

const jats = `<?xml version="1.0"?><!DOCTYPE article [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<pmc-articleset><article xmlns:xlink="x"><front><journal-meta><journal-title-group><journal-title>J. Gels</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="pmid">77</article-id><article-id pub-id-type="doi">10.1000/J</article-id>
<title-group><article-title>Drying of <italic>gels</italic> &#x2013; a study</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Ng</surname><given-names>Bo</given-names></name></contrib></contrib-group>
<pub-date><year>2019</year></pub-date><abstract><title>Aim</title><p>Gels dry.</p></abstract><kwd-group><kwd>sol-gel</kwd></kwd-group></article-meta></front>
<body><sec><title>Methods</title><p>The gel was dried at
80 &#xB0;C <xref>[1]</xref> for 12 h&x;.</p><table-wrap><p>99</p></table-wrap></sec></body><back><ref-list><ref><article-title>Other</article-title></ref></ref-list></back></article>
<article><front><article-meta><title-group><article-title>Two</article-title></title-group><related-article related-article-type="retraction-forward"/></article-meta></front></article>
<article><front/></article>
<article><front>`

// TestJATS reads full texts, one of them retracted, one without a title and one
// that is not whole.
func TestJATS(t *testing.T) {
	t.Parallel()
	in := read(t, "x.xml", jats)
	if len(in.Papers) != 2 || len(in.Quarantined) != 2 {
		t.Fatalf("got %+v", in)
	}
	p := in.Papers[0]
	if p.ID != "doi:10.1000/j" || p.PMID != "77" || p.Title != "Drying of gels – a study" || p.Year != 2019 || p.Journal != "J. Gels" || !cmp.Equal(p.Authors, []string{"Ng, Bo"}) ||
		!cmp.Equal(p.Keywords, []string{"sol-gel"}) || p.Abstract != "Aim Gels dry." || p.Text != "Methods\nThe gel was dried at 80 °C for 12 h&x;." || p.Source.Format != "jats" {
		t.Errorf("read %+v", p)
	}
	if !in.Papers[1].Retracted {
		t.Errorf("the second is retracted: %+v", in.Papers[1])
	}
	deep := read(t, "x.xml", "<article>"+strings.Repeat("<sec>", 10_000))
	if len(deep.Papers) != 0 || len(deep.Quarantined) != 1 {
		t.Errorf("depth: %+v", deep)
	}
}
