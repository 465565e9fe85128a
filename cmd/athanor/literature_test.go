package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// athanor runs a command line and returns its output and exit status.
func athanor(t *testing.T, home string, args ...string) (string, int) {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	out, errs := open("out"), open("err")
	env := map[string]string{"ATHANOR_HOME": home}
	status := run(args, out, errs, func(name string) string { return env[name] })
	out.Close()
	errs.Close()
	said, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(errs.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("athanor %s: %d\n%s", strings.Join(args, " "), status, told)
	return string(said), status
}

// decoded runs a command that must succeed and decodes what it prints.
func decoded[T any](t *testing.T, home string, args ...string) T {
	t.Helper()
	var v T
	said, status := athanor(t, home, args...)
	if status != 0 {
		t.Fatalf("athanor %v ended with %d", args, status)
	}
	if err := json.Unmarshal([]byte(said), &v); err != nil {
		t.Fatalf("athanor %v: %v in %s", args, err, said)
	}
	return v
}

const bib = `@article{a, title={Direct arylation of imidazoles with palladium}, doi={10.1000/a}, year=2019, abstract={The coupling was stirred at 110 °C for 16 h.}}
@article{b, title={Direct Arylation of Imidazoles with Palladium}, year=2020, abstract={Preprint.}}
@article{c, title={Withdrawn: Cobalt oxides from gels}, year=2011, abstract={The gel was dried at 80 °C.}}
@article{broken, title=
`

// TestLiteratureCommands imports, ranks, screens with two reviewers, and corrects
// a finding, in a folder and without a server.
func TestLiteratureCommands(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "a.bib")
	if err := os.WriteFile(file, []byte(bib), 0o600); err != nil {
		t.Fatal(err)
	}
	corpus := "--corpus=" + filepath.Join(dir, "corpus")
	first := decoded[imported](t, home, "literature", "import", corpus, "--json", file)
	if first.Papers != 3 || first.Works != 2 || first.Duplicates != 1 || first.Retracted != 1 || first.Quarantined != 1 || first.Findings != 3 || first.Files[0].Receipt.New != 3 {
		t.Errorf("imported %+v", first)
	}
	again := decoded[imported](t, home, "literature", "import", corpus, "--json", file)
	if again.Papers != 3 || again.Quarantined != 1 || again.Findings != 3 || again.Files[0].Receipt.Unchanged != 3 {
		t.Errorf("imported again %+v", again)
	}
	list := decoded[[]ranked](t, home, "literature", "rank", corpus, "--json", "palladium arylation")
	if len(list) != 1 || list[0].ID != "doi:10.1000/a" || len(list[0].Also) != 1 {
		t.Errorf("ranked %+v", list)
	}
	if said, status := athanor(t, home, "literature", "screen", corpus, "--reviewer=ann", "--label=doi:10.1000/a=yes", "palladium"); status != 0 || !strings.Contains(said, "1 of 2 works read: 1 relevant") {
		t.Errorf("screened: %d, %s", status, said)
	}
	st := decoded[reviewStatus](t, home, "literature", "screen", corpus, "--reviewer=bo", "--label=doi:10.1000/a=no", "--json", "palladium")
	if st.Irrelevant != 1 || len(st.Next) != 1 || !cmp.Equal(st.Agreement.Names, []string{"ann", "bo"}) || !cmp.Equal(st.Agreement.Conflicts, []string{"doi:10.1000/a"}) {
		t.Errorf("status %+v", st)
	}
	found := decoded[[]shownFinding](t, home, "literature", "findings", corpus, "--json", "--only=temperature")
	if len(found) != 2 || found[0].Value != 110 || found[0].Text != "The coupling was stirred at 110 °C for 16 h." || found[0].Status != "found" {
		t.Fatalf("findings %+v", found)
	}
	fixed := decoded[[]shownFinding](t, home, "literature", "findings", corpus, "--json", "--correct="+found[0].ID, "--value=120", "--by=ann")
	if len(fixed) != 1 || fixed[0].Value != 120 || fixed[0].Status != "corrected" || fixed[0].Found == nil || fixed[0].Found.Value != 110 {
		t.Errorf("corrected %+v", fixed)
	}
	near := decoded[[]ranked](t, home, "literature", "rank", corpus, "--json", "--embed=../../literature/embed/testdata/static", "palladium arylation")
	if len(near) == 0 || near[0].ID != "doi:10.1000/a" {
		t.Errorf("ranked with a model of a directory: %+v", near)
	}
	for _, args := range [][]string{
		{"literature", "rank", corpus, "--embed=" + dir, "palladium"}, // no model is there
		{"literature", "import", corpus, filepath.Join(dir, "missing.bib")},
		{"literature", "import", corpus},
		{"literature", "import", corpus, "--from=scopus", "--query=x"},
		{"literature", "rank", "--corpus=empty", "x"},
		{"literature", "rank", "--corpus=a b", "x"},
		{"literature", "screen", corpus, "--label=none=yes", "x"},
		{"literature", "findings", corpus, "--reject=none"},
		{"literature", "findings", corpus, "--value=3"},
	} {
		if _, status := athanor(t, home, args...); status != exitInvalid {
			t.Errorf("athanor %v ended with %d, want %d", args, status, exitInvalid)
		}
	}
}

// TestScreenByKeys types answers, takes one back, and checks whether enough is read
// in two sittings.
func TestScreenByKeys(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	var lines []string
	for i := range 60 {
		word := "solar cell"
		if i%10 == 0 {
			word = "direct arylation"
		}
		lines = append(lines, fmt.Sprintf(`{"title":"Paper %d on a %s","doi":"10.1000/%d","abstract":"The %s number %d."}`, i, word, i, word, i))
	}
	file := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	corpus := filepath.Join(dir, "corpus")
	if _, status := athanor(t, home, "literature", "import", "--corpus="+corpus, file); status != 0 {
		t.Fatal("not imported")
	}
	sit := func(keys string) string {
		t.Helper()
		o, err := corpusFlags{Corpus: corpus}.open(t.Context(), &terminal{getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		r, err := openReview(t.Context(), o, "arylation", "ann", 0.95)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		in := strings.NewReader(keys)
		if err := r.ask(t.Context(), &out, func() (rune, error) { k, _, err := in.ReadRune(); return k, err }, 0.95); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if said := sit("?bynbuq"); !strings.Contains(said, "1 of 60 works read") && !strings.Contains(said, "2 of 60 works read") {
		t.Errorf("first sitting: %s", said)
	}
	sit(strings.Repeat("y", 4))
	said := sit("s" + strings.Repeat("n", 20))
	if !strings.Contains(said, "20 checked") {
		t.Errorf("checking: %s", said)
	}
	if said := sit(strings.Repeat("n", 5)); !strings.Contains(said, "25 checked") {
		t.Errorf("the check did not go on where it was: %s", said)
	}
	if said := sit("s" + strings.Repeat("n", 60)); !strings.Contains(said, "all papers are read") {
		t.Errorf("to the end: %s", said)
	}
}

// TestImportFromAService reads two pages from a mirror that fails in between, and
// goes on where it stopped.
func TestImportFromAService(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch {
		case asked == 1:
			fmt.Fprint(w, `{"meta":{"count":2,"next_cursor":"two"},"results":[{"id":"W1","display_name":"One","doi":"10.1000/1","authorships":[]}]}`)
		case asked == 2:
			http.Error(w, "no more today", http.StatusForbidden)
		case r.URL.Query().Get("cursor") != "two":
			t.Errorf("asked %s", r.URL)
		default:
			fmt.Fprint(w, `{"meta":{"count":2,"next_cursor":null},"results":[{"id":"W2","display_name":"Two","doi":"10.1000/2","authorships":[]}]}`)
		}
	}))
	t.Cleanup(s.Close)
	args := []string{"literature", "import", "--corpus=" + filepath.Join(dir, "c"), "--from=openalex", "--query=gel", "--service-url=" + s.URL, "--json"}
	if _, status := athanor(t, home, args...); status != exitInvalid {
		t.Errorf("a refusal ended with %d", status)
	}
	if got := decoded[imported](t, home, args...); got.Papers != 2 {
		t.Errorf("after going on: %+v", got)
	}
	if got := decoded[imported](t, home, args...); got.Papers != 2 || asked != 3 {
		t.Errorf("read to its end: %+v, asked %d times", got, asked)
	}
}

// TestFindingsOfAModel has a model that is right once and wrong once.
func TestFindingsOfAModel(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "a.bib")
	if err := os.WriteFile(file, []byte(bib), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer, err := json.Marshal(`{"findings":[{"parameter":"temperature","value":"110","unit":"°C","quote":"at 110 °C"},{"parameter":"temperature","value":"900","unit":"°C","quote":"at 900 °C"}]}`)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"choices":[{"message":{"content":%s}}]}`, answer)
	}))
	t.Cleanup(s.Close)
	corpus := "--corpus=" + filepath.Join(dir, "c")
	if _, status := athanor(t, home, "literature", "import", corpus, file); status != 0 {
		t.Fatal("not imported")
	}
	found := decoded[[]shownFinding](t, home, "literature", "findings", corpus, "--json", "--llm="+s.URL, "--model=m")
	by := map[string]int{}
	for _, f := range found {
		by[f.Extractor]++
		if f.Value == 900 {
			t.Errorf("kept what no paper says: %+v", f)
		}
	}
	if by["llm/1:m"] != 1 {
		t.Errorf("findings by extractor: %v", by)
	}
}

// TestRankWithEndpoints has embeddings move a paper without the question's words up,
// and a second opinion turn the order around.
func TestRankWithEndpoints(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	file := filepath.Join(dir, "a.jsonl")
	src := `{"title":"Gels","doi":"10.1000/1","abstract":"sol gel"}
{"title":"Xerogels dried","doi":"10.1000/2","abstract":"aerogel"}
{"title":"Metals","doi":"10.1000/3","abstract":"steel"}`
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Inputs, Texts []string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/rerank" {
			fmt.Fprint(w, `[{"index":1,"score":0.9},{"index":0,"score":0.1}]`)
			return
		}
		var out [][]float64
		for _, x := range q.Inputs {
			v := []float64{0, 1}
			if strings.Contains(strings.ToLower(x), "gel") {
				v = []float64{1, 0}
			}
			out = append(out, v)
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	rank := func(args ...string) (ids []string) {
		t.Helper()
		for _, r := range decoded[[]ranked](t, home, append([]string{"literature", "rank", "--json", "gel", file}, args...)...) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"doi:10.1000/1"}},
		{[]string{"--expand"}, []string{"doi:10.1000/1"}},
		{[]string{"--embed=" + s.URL, "--embed-kind=tei"}, []string{"doi:10.1000/1", "doi:10.1000/2"}},
		{[]string{"--embed=" + s.URL, "--embed-kind=tei", "--rerank=" + s.URL}, []string{"doi:10.1000/2", "doi:10.1000/1"}},
	} {
		if diff := cmp.Diff(c.want, rank(c.args...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.args, diff)
		}
	}
	if _, status := athanor(t, home, "literature", "rank", "gel", file, "--embed="+s.URL); status != exitInvalid {
		t.Errorf("no model: ended with %d", status)
	}
}

// TestCheckFindings goes through the findings line by line: accepts one, corrects one,
// makes a mistake, takes one back, and exports all that was said.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	home, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "a.bib")
	if err := os.WriteFile(file, []byte(bib), 0o600); err != nil {
		t.Fatal(err)
	}
	corpus := filepath.Join(dir, "corpus")
	if _, status := athanor(t, home, "literature", "import", "--corpus="+corpus, file); status != 0 {
		t.Fatal("not imported")
	}
	o, err := corpusFlags{Corpus: corpus}.open(t.Context(), &terminal{getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	l, err := o.library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check := func(lines string) string {
		t.Helper()
		found, err := o.Findings(t.Context(), o.name)
		if err != nil {
			t.Fatal(err)
		}
		var list []shownFinding
		for _, f := range found {
			p, _ := l.Paper(f.Finding.Paper)
			list = append(list, shown(f, p))
		}
		var out strings.Builder
		if err := (&checking{o: o, library: l, out: &out, by: "ana"}).run(t.Context(), found, list, strings.NewReader(lines)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	said := check("c value=warm\nc value=120 unit=K why==cmd() typo in the text\na\nb\nq\n")
	for _, want := range []string{"3 findings to check", "was ⟦stirred⟧ at ⟦110⟧ ⟦°C⟧ for 16 h.", `"warm" is no number`, "[2 of 3]"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if said := check(""); !strings.Contains(said, "2 findings to check") {
		t.Errorf("after one is checked and one was taken back: %s", said)
	}
	csv, _ := athanor(t, home, "literature", "findings", "--corpus="+corpus, "--format=csv")
	if n := strings.Count(csv, "\n"); n != 5 { // a heading, three findings, of which one has two words
		t.Errorf("%d lines:\n%s", n, csv)
	}
	for _, want := range []string{",corrected,temperature,120,120,K,stirred,false,The coupling was stirred at 110 °C for 16 h.,ana,", `,"value 120, unit K",'=cmd() typo in the text`, ",reopened,,"} {
		if !strings.Contains(csv, want) {
			t.Errorf("the table does not have %q:\n%s", want, csv)
		}
	}
}
