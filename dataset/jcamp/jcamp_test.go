package jcamp_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset/jcamp"
	"github.com/athanor-lab/athanor/lab"
)

func file(table string) string {
	return "##TITLE= t\n##JCAMP-DX= 4.24\n##DATA TYPE= INFRARED SPECTRUM\n##XUNITS= 1/CM\n##YUNITS= ABSORBANCE\n" +
		"##XFACTOR= 1\n##YFACTOR= 0.5\n##FIRSTX= 10\n##LASTX= 17\n##NPOINTS= 8\n" + table + "##END=\n"
}

// TestForms writes the eight ordinates 100, 101, 103, 103, 103, 98, -2 and 0 in
// every form of the standard.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"AFFN":   "##XYDATA= (X++(Y..Y))\n10 100 101 103 103\n14 103 98 -2 0\n",
		"Float":  "##XYDATA= (X++(Y..Y))\n10 1.00E+02 101.0 103 103\n14 103 98 -2.0E+00 0\n",
		"PAC":    "##XYDATA= (X++(Y..Y))\n10+100+101+103+103\n14+103+98-2+0\n",
		"SQZ":    "##XYDATA= (X++(Y..Y))\n10A00A01A03A03\n14A03I8b@\n",
		"DIF":    "##XYDATA= (X++(Y..Y))\n10A00JK%%n\n15I8j00K\n17@\n",
		"DUP":    "##XYDATA= (X++(Y..Y))\n10A00JK%Tn\n15I8j00K\n17@\n",
		"SQZDUP": "##XYDATA= (X++(Y..Y))\n10A00A01A03U\n15I8b@\n",
		"Pairs":  "##XYPOINTS= (XY..XY)\n10,100; 11,101; 12,103; 13,103\n14,103 15,98\n16,-2; 17,0\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blocks, err := jcamp.Read(strings.NewReader(file(table)))
			if err != nil {
				t.Fatal(err)
			}
			if len(blocks) != 1 || len(blocks[0].Curves) != 1 {
				t.Fatalf("%+v, want a block with a curve", blocks)
			}
			c := blocks[0].Curves[0]
			if d := cmp.Diff([]float64{50, 50.5, 51.5, 51.5, 51.5, 49, -1, 0}, c.Y); d != "" {
				t.Errorf("ordinates (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]float64{10, 11, 12, 13, 14, 15, 16, 17}, c.X, cmpopts.EquateApprox(1e-12, 0)); d != "" {
				t.Errorf("abscissas (-want +got):\n%s", d)
			}
		})
	}
}

// TestRefusals wants every fault of a table to be told, with no points given.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ table, says string }{
		"Cut":           {"##XYDATA= (X++(Y..Y))\n10 100 101 103\n", "3 points and the file says 8"},
		"TooMany":       {"##XYDATA= (X++(Y..Y))\n10 1 2 3 4 5 6 7 8 9 10\n", "more points"},
		"Check":         {"##XYDATA= (X++(Y..Y))\n10A00JK%%n\n15I7j00K\n", "check of the DIF form"},
		"Unknown":       {"##XYDATA= (X++(Y..Y))\n10 100 ? 103\n", "not known"},
		"Garbage":       {"##XYDATA= (X++(Y..Y))\n10 100 1#1 103\n", "no digit"},
		"OtherForm":     {"##XYDATA= (T++(Z..Z))\n10 100\n", "the form"},
		"Empty":         {"##XYDATA= (X++(Y..Y))\n", "empty"},
		"LoneDup":       {"##XYDATA= (X++(Y..Y))\n10T\n", "nothing before it"},
		"HugeDup":       {"##XYDATA= (X++(Y..Y))\n10A00S99999999\n", "more points"},
		"NoTable":       {"", "it has none of XYDATA"},
		"OddPairs":      {"##XYPOINTS= (XY..XY)\n10,100; 11\n", "no multiple of 2"},
		"OpenBracket":   {"##PEAK ASSIGNMENTS= (XYA)\n(10, 1, <a>)\n(11, 2, <b>", "not closed"},
		"NoNumberInXY":  {"##XYPOINTS= (XY..XY)\n10,abc\n", "want numbers"},
		"TuplesNoTable": {"##NTUPLES= X\n##SYMBOL= X, Y\n##END NTUPLES=\n", "no ##DATA TABLE="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blocks, err := jcamp.Read(strings.NewReader(file(c.table)))
			if err != nil {
				t.Fatal(err)
			}
			if b := blocks[0]; len(b.Curves) != 0 || !strings.Contains(b.Refused, c.says) {
				t.Errorf("%d curves, refused %q; want none and %q", len(b.Curves), b.Refused, c.says)
			}
		})
	}
	for _, text := range []string{"", "hello", "##JCAMP-DX= 5\n", "PK\x03\x04"} {
		if _, err := jcamp.Read(strings.NewReader(text)); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%q: error %v, want an invalid one", text, err)
		}
	}
}

// TestOfficialFiles decodes the published test files and compares them with
// what an independent decoder makes of them; the four that it returns nothing
// for, and structures, are held to what the file itself says.
func TestOfficialFiles(t *testing.T) {
	t.Parallel()
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	dir := filepath.Join(data, "import", "jcamp-official")
	raw, err := os.ReadFile(filepath.Join(dir, "expected-by-jcampconverter-12.5.3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]struct {
		Title   string
		Spectra []struct {
			N                    int
			X0, XN, Y0, YN, SumY float64
			XUnits               string
		}
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	// The points of the files that the other decoder returns nothing for.
	alone := map[string][]int{"TEST32.DX": {16384}, "TESTSPEC.DX": {16384}, "TESTNTUP.DX": {16384, 16384}, "TESTFID.DX": {16384, 16384}}
	if len(expected) < 20 {
		t.Fatalf("%d files, want at least 20", len(expected))
	}
	for name, blocks := range expected {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := jcamp.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range got {
				if len(b.Curves) == 0 && b.Refused == "" {
					t.Errorf("block %q is silently empty", b.Title)
				}
				for _, c := range b.Curves {
					if len(c.X) == 0 || len(c.X) != len(c.Y) {
						t.Errorf("block %q: a curve of %d and %d points", b.Title, len(c.X), len(c.Y))
					}
				}
				if len(b.Notes) > 0 {
					t.Logf("block %q: %q", b.Title, b.Notes)
				}
				if b.Refused != "" {
					t.Logf("block %q: refused: %s", b.Title, b.Refused)
				}
			}
			if want, ok := alone[name]; ok {
				var n []int
				for _, c := range got[0].Curves {
					n = append(n, len(c.Y))
				}
				if d := cmp.Diff(want, n); d != "" {
					t.Errorf("points (-want +got):\n%s", d)
				}
				// What the file itself says of its first ordinate.
				for i, first := range map[string][]float64{"TEST32.DX": {2259260}, "TESTSPEC.DX": {2254931}, "TESTNTUP.DX": {2254931, -6966283}, "TESTFID.DX": {2980, 6215}}[name] {
					if y := got[0].Curves[i].Y[0]; !near(y, first, 1e-3) {
						t.Errorf("curve %d begins with %v, want %v", i, y, first)
					}
				}
				if name == "TEST32.DX" && sum(got[0].Curves[0].Y) != 618201754 {
					t.Errorf("sum %v, want 618201754 as in the same spectrum of other files", sum(got[0].Curves[0].Y))
				}
				return
			}
			if len(got) != len(blocks) {
				t.Fatalf("%d blocks, want %d", len(got), len(blocks))
			}
			for i, want := range blocks {
				b := got[i]
				if len(b.Curves) != len(want.Spectra) {
					t.Errorf("block %q: %d curves (%s), want %d", b.Title, len(b.Curves), b.Refused, len(want.Spectra))
					continue
				}
				for j, w := range want.Spectra {
					c := b.Curves[j]
					scale := 1.0
					if w.XUnits == "PPM" && strings.EqualFold(c.XUnits, "HZ") { // the other turns hertz into ppm
						scale = 100.4
					}
					if len(c.Y) != w.N || !near(c.X[0], w.X0*scale, 1e-6) || !near(c.Y[0], w.Y0, 1e-9) || !near(c.Y[len(c.Y)-1], w.YN, 1e-9) || !near(sum(c.Y), w.SumY, 1e-9) {
						t.Errorf("curve %d of %q: %d points from (%v, %v) to (%v, %v), sum %v; want %+v", j, b.Title, len(c.Y), c.X[0], c.Y[0], c.X[len(c.X)-1], c.Y[len(c.Y)-1], sum(c.Y), w)
					}
					if !near(c.X[len(c.X)-1], w.XN*scale, 1e-6) && math.Abs(w.XN) > 1e-3 {
						t.Errorf("curve %d of %q ends at %v, want %v", j, b.Title, c.X[len(c.X)-1], w.XN*scale)
					}
				}
			}
		})
	}
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Max(math.Abs(a), math.Abs(b)) }

// FuzzRead wants any text to be read or refused: never a panic, never a curve
// without points, never more than a bounded number of them.
func FuzzRead(f *testing.F) {
	f.Add(file("##XYDATA= (X++(Y..Y))\n10A00JK%Tn\n15I8j00K\n17@\n"))
	f.Add(file("##PEAK ASSIGNMENTS= (XYMA)\n( 27.00, 1.0,, < 7>)\n"))
	f.Add("##TITLE=n\n##NTUPLES= MS\n##SYMBOL= X, Y, T\n##FIRST= 0,0,1\n##LAST=1,1,1\n##PAGE= T=1\n##NPOINTS= 2\n##DATA TABLE= (XY..XY), PEAKS\n1,2; 3,4\n##END NTUPLES=\n##END=\n")
	f.Fuzz(func(t *testing.T, text string) {
		blocks, err := jcamp.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, b := range blocks {
			if (len(b.Curves) == 0) == (b.Refused == "") {
				t.Fatalf("%d curves and refused %q", len(b.Curves), b.Refused)
			}
			for _, c := range b.Curves {
				if len(c.X) == 0 || len(c.X) != len(c.Y) || c.Texts != nil && len(c.Texts) != len(c.X) {
					t.Fatalf("a curve of %d, %d and %d points", len(c.X), len(c.Y), len(c.Texts))
				}
				for _, y := range c.Y {
					if math.IsNaN(y) || math.IsInf(y, 0) {
						t.Fatalf("an ordinate is %v", y)
					}
				}
			}
		}
	})
}
