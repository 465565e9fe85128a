package campaign_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "candidates.yaml")
	got, problems := campaign.Resolve(doc, os.DirFS("testdata/files"))
	if problems != nil {
		t.Fatal(problems)
	}
	want := [][]lab.Value{
		{lab.Label("KOAc"), lab.Number(90)},
		{lab.Label("KOAc"), lab.Number(105)},
		{lab.Label("KOPiv"), lab.Number(120)},
		{lab.Label("CsOAc"), lab.Number(90)},
		{lab.Label("CsOAc"), lab.Number(105)},
	}
	if diff := cmp.Diff(want, got.Space.Pool); diff != "" {
		t.Errorf("Pool (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]float64{{4.76, 1.38}, {5.03, 1.38}, {4.76, 1.67}}, got.Space.Parameters[0].DescriptorValues); diff != "" {
		t.Errorf("DescriptorValues (-want +got):\n%s", diff)
	}
	if problems := campaign.Check(got, laboratory(t)); problems != nil {
		t.Errorf("Check of what was resolved: %v", problems)
	}
	if doc.Space.Pool != nil || doc.Space.Parameters[0].DescriptorValues != nil {
		t.Error("Resolve changed the document that it was given")
	}
}

// TestResolveRefuses gives files that are not what the document says.
func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	bases, pool := string(read(t, "testdata/files/bases.csv")), string(read(t, "testdata/files/pool.csv"))
	for _, c := range []struct{ name, bases, pool, want string }{
		{"Absent", "", pool, `space.parameters[0].descriptors.file: "bases.csv" cannot be read: file does not exist`},
		{"NoCSV", bases, "a,b\n\"", `"pool.csv" is no CSV`},
		{"NoRows", bases, "temperature,base\n", `"pool.csv" has no rows`},
		{"NoText", "a,b\n\xff,1\n", pool, `is not UTF-8 text`},
		{"NoColumn", bases, strings.Replace(pool, "temperature", "temp", 1), `has no column "temperature"`},
		{"NoNumber", bases, strings.Replace(pool, "105.0", "hot", 1), `line 6, temperature: "hot" is no number; a value`},
		{"NaN", bases, strings.Replace(pool, "105.0", "NaN", 1), `line 6, temperature: "NaN" is no number; a value`},
		{"NoValue", bases, strings.Replace(pool, "105.0", "106", 1), `line 6, temperature: 106 is none of [90, 105, 120]`},
		{"NoLevel", bases, strings.Replace(pool, "KOPiv", "KOpiv", 1), `line 4, base: "KOpiv" is no level; did you mean "KOPiv"?`},
		{"Twice", bases, pool + "6,90,KOAc\n", `line 7 is the point of line 2 again`},
		{"Many", bases, pool + strings.Repeat("7,91,KOAc\n", 15), `has 5 more complaints of this kind`},
		{"NoLevelRow", strings.Replace(bases, "CsOAc", "CsOPiv", 1), pool, `has no row for level "CsOAc"`},
		{"LevelTwice", bases + "KOAc,1,1\n", pool, `line 6 describes "KOAc" again`},
		{"DescriptorNoNumber", strings.Replace(bases, "1.67", "big", 1), pool, `line 5, radius: "big" is no number`},
		{"DescriptorAlone", "level\nKOAc\nKOPiv\nCsOAc\n", pool, `has one column`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc, _ := program(t, "candidates.yaml")
			files := fstest.MapFS{"pool.csv": {Data: []byte(c.pool)}}
			if c.bases != "" {
				files["bases.csv"] = &fstest.MapFile{Data: []byte(c.bases)}
			}
			doc.Space.Candidates.SHA256 = hash(c.pool)
			doc.Space.Parameters[0].Descriptors.SHA256 = hash(c.bases)
			_, problems := campaign.Resolve(doc, files)
			for _, p := range problems {
				if strings.Contains(p.String(), c.want) && p.Right != "" {
					return
				}
			}
			t.Errorf("%v; want %q", problems, c.want)
		})
	}
	doc, _ := program(t, "candidates.yaml")
	doc.Space.Candidates.SHA256 = hash("something else")
	got, problems := campaign.Resolve(doc, os.DirFS("testdata/files"))
	if len(problems) != 1 || problems[0].Path != "space.candidates.sha256" || got.Space.Pool != nil {
		t.Errorf("another file: %v, %d points", problems, len(got.Space.Pool))
	}
	campaign.Locate(problems, read(t, "testdata/good/candidates.yaml"), "")
	if problems[0].Line != 7 {
		t.Errorf("the complaint is put in line %d, want 7", problems[0].Line)
	}
}

// TestResolveComposition wants a column to a part.
func TestResolveComposition(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "composition.yaml")
	const csv = "metals.Fe,metals.Ni,metals.Co\n0.1,0.9,0\n0.5,0.2,0.3\n"
	doc.Space.Candidates = &lab.File{File: "a.csv", SHA256: hash(csv)}
	got, problems := campaign.Resolve(doc, fstest.MapFS{"a.csv": {Data: []byte(csv)}})
	if problems != nil {
		t.Fatal(problems)
	}
	want := [][]lab.Value{{lab.Parts([]float64{0.9, 0.1, 0})}, {lab.Parts([]float64{0.2, 0.5, 0.3})}}
	if diff := cmp.Diff(want, got.Space.Pool); diff != "" {
		t.Errorf("Pool (-want +got):\n%s", diff)
	}
	for bad, want := range map[string]string{
		"0.1,0.8,0":     "add up to 0.9",
		"0.15,0.85,0":   "not on the grid",
		"-0.1,1.1,0":    "-0.1 is no fraction",
		"0.1,0.9,nickl": `"nickl" is no number`,
	} {
		src := csv + bad + "\n"
		doc.Space.Candidates.SHA256 = hash(src)
		if _, problems := campaign.Resolve(doc, fstest.MapFS{"a.csv": {Data: []byte(src)}}); len(problems) != 1 || !strings.Contains(problems[0].Wrong, want) {
			t.Errorf("%s: %v, want %q", bad, problems, want)
		}
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
