package pdf_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/pdf"
)

// write makes a PDF of the objects, numbered from 1, of which the first is the
// catalogue.
func write(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at = append(at, b.Len())
	fmt.Fprintf(&b, "%d 0 obj\n<< /Title (A title) >>\nendobj\n", len(at))
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, len(at), xref)
	return b.Bytes()
}

func stream(dict, body string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(body), body)
}

func deflated(body []byte) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(body) // a buffer takes all
	_ = z.Close()
	return stream("/Filter /FlateDecode", b.String())
}

const font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"

// document makes a PDF of pages, each of lines.
func document(pages ...[]string) []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", font}
	var kids []string
	for _, lines := range pages {
		var body strings.Builder
		body.WriteString("BT /F1 10 Tf 12 TL 50 750 Td\n")
		for _, l := range lines {
			fmt.Fprintf(&body, "(%s) Tj T*\n", l)
		}
		body.WriteString("ET")
		n := len(objects) + 1
		kids = append(kids, fmt.Sprintf("%d 0 R", n))
		objects = append(objects, fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", n+1), stream("", body.String()))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages))
	return write(objects...)
}

// cacheDir is shared by the tests, since compiling costs seconds.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "athanor-pdf-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cacheDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func open(t testing.TB, limits pdf.Limits) *pdf.Reader {
	t.Helper()
	r, err := pdf.Open(cacheDir, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestRead reads two pages, whose lines run on.
func TestRead(t *testing.T) {
	r := open(t, pdf.Limits{})
	d, err := r.Read(t.Context(), document([]string{"The gel was dried at 80 degC for", "12 h and cal-", "cined at 500 degC."}, []string{"Second page."}))
	if err != nil {
		t.Fatal(err)
	}
	want := pdf.Document{Title: "A title", Pages: 2, Text: "The gel was dried at 80 degC for 12 h and calcined at 500 degC.\nSecond page."}
	if d != want {
		t.Errorf("got %+v, want %+v", d, want)
	}
	// What it reads is the same the second time.
	if again, err := r.Read(t.Context(), document([]string{"Other."})); err != nil || again.Text != "Other." {
		t.Errorf("second file: %+v, %v", again, err)
	}
}

// TestLimits wants what was read before a limit, and to be told of the limit.
func TestLimits(t *testing.T) {
	var pages [][]string
	for i := range 10 {
		pages = append(pages, []string{fmt.Sprintf("This is page %d.", i)})
	}
	file := document(pages...)
	r := open(t, pdf.Limits{Pages: 3, Bytes: len(file)})
	d, err := r.Read(t.Context(), file)
	if err != nil || d.Pages != 10 || strings.Count(d.Text, "page") != 3 || !strings.Contains(d.Cut, "first 3 of 10 pages") {
		t.Errorf("three pages: %+v, %v", d, err)
	}
	if _, err := r.Read(t.Context(), append(file, ' ')); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a byte too many: %v", err)
	}
	d, err = open(t, pdf.Limits{Text: 40}).Read(t.Context(), file)
	if err != nil || len(d.Text) > 40 || d.Cut == "" {
		t.Errorf("forty bytes: %+v, %v", d, err)
	}
}

// hostile are files that no scientist made, and what must come of them: "" for
// any answer that is one.
func hostile() map[string][]byte {
	page := func(contents string) []byte {
		return write("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [4 0 R] /Count 1 >>", font,
			"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> /XObject << /X 6 0 R >> >> /Contents 5 0 R >>", contents,
			stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>", "/X Do /X Do"))
	}
	bomb := bytes.Repeat([]byte("BT /F1 9 Tf (x) Tj ET\n"), 4<<20)
	files := map[string][]byte{
		"Empty":          nil,
		"NotPDF":         []byte("<html>"),
		"HeadOnly":       []byte("%PDF-1.7\n"),
		"Garbage":        append([]byte("%PDF-1.7\n"), noise(100_000)...),
		"CountsABillion": write("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 1000000000 >>"),
		"PagesInACircle": write("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
		"FormsInACircle": page(stream("", "/X Do")),
		"Bomb":           page(deflated(bomb)),
		"DeepArrays":     write("<< /Type /Catalog /Pages 2 0 R /A " + strings.Repeat("[", 100_000) + " >>"),
		"LongLie":        page("<< /Length 4000000000 >>\nstream\nBT (x) Tj ET\nendstream"),
		"Script":         write("<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (while(1);) >> >>", "<< /Type /Pages /Kids [] /Count 0 >>"),
		"Outside":        page(stream("/F (/etc/passwd) /FFilter /None", "")),
	}
	whole := document([]string{"A page."})
	files["Half"] = whole[:len(whole)/2]
	return files
}

func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestHostile reads what is made to break or to stall a reader, and wants each
// refused with a reason or read within its limits, and the next file read.
func TestHostile(t *testing.T) {
	r := open(t, pdf.Limits{Time: 5 * time.Second, Text: 1 << 20, Memory: 128 << 20})
	if _, err := r.Read(t.Context(), document([]string{"Fine."})); err != nil { // compiles
		t.Fatal(err)
	}
	for name, file := range hostile() {
		began := time.Now()
		d, err := r.Read(t.Context(), file)
		took := time.Since(began)
		t.Logf("%s: %v, %d bytes of text, %q, %v", name, took.Round(time.Millisecond), len(d.Text), d.Cut, err)
		if err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: %v, want an answer or an error of kind invalid", name, err)
		}
		if len(d.Text) > 1<<20 || strings.Contains(d.Text, "root:") {
			t.Errorf("%s: %d bytes of text, or a file of this machine: %.80s", name, len(d.Text), d.Text)
		}
		if took > 5*time.Minute {
			t.Errorf("%s took %v of 5 s", name, took)
		}
		if d, err := r.Read(t.Context(), document([]string{"Fine."})); err != nil || d.Text != "Fine." {
			t.Fatalf("after %s: %+v, %v", name, d, err)
		}
	}
}

// TestTime gives a file that takes seconds a tenth of one.
func TestTime(t *testing.T) {
	file := hostile()["FormsInACircle"]
	r := open(t, pdf.Limits{Time: 100 * time.Millisecond})
	if _, err := r.Read(t.Context(), file); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "100ms") {
		t.Errorf("got %v, want to be told of the 100 ms", err)
	}
}

// TestCancel wants a reader that is told to stop to stop, and to go on with the
// next file.
func TestCancel(t *testing.T) {
	r := open(t, pdf.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Read(ctx, document([]string{"Fine."})); lab.KindOf(err) != lab.Unavailable {
		t.Errorf("cancelled: %v", err)
	}
	if d, err := r.Read(t.Context(), document([]string{"Fine."})); err != nil || d.Text != "Fine." {
		t.Errorf("after it: %+v, %v", d, err)
	}
}

// FuzzRead changes bytes of a whole file and wants no panic, no hang and a kind
// for every refusal.
func FuzzRead(f *testing.F) {
	f.Add(document([]string{"A page."}))
	f.Add(write("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"))
	r := open(f, pdf.Limits{Time: 2 * time.Second, Memory: 64 << 20})
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := r.Read(t.Context(), file); err != nil && lab.KindOf(err) != lab.Invalid {
			t.Error(err)
		}
	})
}

// FuzzFlow wants text without line ends or signs that cannot be seen.
func FuzzFlow(f *testing.F) {
	f.Add("A line-\nend and hy\u00ad\nphen\x02\r\nated \u202e.")
	f.Fuzz(func(t *testing.T, s string) {
		if got := pdf.Flow(s); strings.ContainsAny(got, "\n\r\x00\u00ad\u202e") {
			t.Errorf("%q became %q", s, got)
		}
	})
}

// BenchmarkRead reads a page of fifty lines.
func BenchmarkRead(b *testing.B) {
	lines := make([]string, 50)
	for i := range lines {
		lines[i] = "The gel was dried at 80 degC for 12 h and calcined at 500 degC in air, then cooled."
	}
	file := document(lines)
	r := open(b, pdf.Limits{})
	if _, err := r.Read(b.Context(), file); err != nil { // compiles
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := r.Read(b.Context(), file); err != nil {
			b.Fatal(err)
		}
	}
}
