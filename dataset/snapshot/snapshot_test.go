package snapshot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/export"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
)

// items yields the outcomes 1 to n of a campaign.
func items(n int, change func(r *dataset.Row)) func(func(snapshot.Item) error) error {
	return func(yield func(snapshot.Item) error) error {
		c := datasettest.Campaign(1)
		for i := 1; i <= n; i++ {
			row, err := dataset.RowOf(c, datasettest.Outcome(c.ID, i))
			if err != nil {
				return err
			}
			if change != nil {
				change(&row)
			}
			item, err := snapshot.OfOutcome(row)
			if err != nil {
				return err
			}
			if err := yield(item); err != nil {
				return err
			}
		}
		return nil
	}
}

func create(t *testing.T, root string, each func(func(snapshot.Item) error) error) snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Create(root, snapshot.Spec{
		Rows: snapshot.OutcomeRows, Shape: parquet.ShapeOf(datasettest.Campaign(1).Document), License: "CC-BY-4.0", Splits: snapshot.DefaultSplits(),
	}, each)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSameNameForTheSameRows creates a snapshot in two places and again in the
// first, and wants one name and equal bytes; a row more has another name.
func TestSameNameForTheSameRows(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	first, second, again := create(t, a, items(40, nil)), create(t, b, items(40, nil)), create(t, a, items(40, nil))
	if first.ID != second.ID || first.ID != again.ID {
		t.Errorf("names %s, %s, %s; want one", first.ID, second.ID, again.ID)
	}
	if d := cmp.Diff(datasettest.Tree(t, first.Dir), datasettest.Tree(t, second.Dir)); d != "" {
		t.Errorf("bytes differ:\n%s", d)
	}
	if there, _ := os.ReadDir(a); len(there) != 1 {
		t.Errorf("%d folders, want one", len(there))
	}
	if more := create(t, a, items(41, nil)); more.ID == first.ID {
		t.Error("a row more has the same name")
	}
}

// TestVerifyFindsTampering changes every file of a snapshot, one at a time, and
// wants every change to be found.
func TestVerifyFindsTampering(t *testing.T) {
	t.Parallel()
	whole := create(t, t.TempDir(), items(20, nil))
	if _, err := snapshot.Verify(whole.Dir); err != nil {
		t.Fatal(err)
	}
	for path := range datasettest.Tree(t, whole.Dir) {
		for name, change := range map[string]func(string) error{
			"Bit": func(p string) error {
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				b[len(b)/2] ^= 1
				return os.WriteFile(p, b, 0o600)
			},
			"Longer":  func(p string) error { b, _ := os.ReadFile(p); return os.WriteFile(p, append(b, '\n'), 0o600) },
			"Missing": os.Remove,
			"More":    func(p string) error { return os.WriteFile(p+".more", nil, 0o600) },
		} {
			s := create(t, t.TempDir(), items(20, nil))
			if err := change(filepath.Join(s.Dir, path)); err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Verify(s.Dir); err == nil {
				t.Errorf("%s of %s was not found", name, path)
			}
		}
	}
}

// TestVerifyReadsTheManifestsClaims rewrites a manifest, with right hashes, and
// wants claims that are not so to be found.
func TestVerifyReadsTheManifestsClaims(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(m *snapshot.Manifest){
		"Leaks": func(m *snapshot.Manifest) { m.Splits[0].Leaks.Conditions = 7 },
		"Rows":  func(m *snapshot.Manifest) { m.Splits[0].Rows[snapshot.Train]++ },
		"Path":  func(m *snapshot.Manifest) { m.Files[0].Path = "../../x" },
	} {
		s := create(t, t.TempDir(), items(20, nil))
		change(&s.Manifest)
		raw, _, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(s.Dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := snapshot.Verify(dir); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want an invalid one", name, err)
		}
	}
}

// TestDiff wants what was added, removed and changed.
func TestDiff(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	a := create(t, root, items(10, nil))
	b := create(t, root, func(yield func(snapshot.Item) error) error {
		return items(12, func(r *dataset.Row) {
			if r.Number == 5 {
				r.Text = "another"
			}
		})(func(i snapshot.Item) error {
			if strings.HasSuffix(i.Key, "/000000003") {
				return nil
			}
			return yield(i)
		})
	})
	c, err := snapshot.Diff(a, b)
	if err != nil {
		t.Fatal(err)
	}
	short := func(keys []string) (out []string) {
		for _, k := range keys {
			out = append(out, strings.TrimLeft(k[strings.LastIndex(k, "/")+1:], "0"))
		}
		return out
	}
	got := [][]string{short(c.Added), short(c.Removed), short(c.Changed)}
	if d := cmp.Diff([][]string{{"11", "12"}, {"3"}, {"5"}}, got); d != "" || c.Same != 8 {
		t.Errorf("same %d; (-want +got):\n%s", c.Same, d)
	}
}

// TestSplitsDoNotLeak divides random rows in many ways and wants no condition
// and no group on two sides, whole campaigns together, and no future in train.
func TestSplitsDoNotLeak(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		rows := make([]snapshot.Index, 300)
		for i := range rows {
			rows[i] = snapshot.Index{
				Key: fmt.Sprintf("%06d", i), Campaign: strconv.Itoa(r.IntN(12)), Condition: fmt.Sprint("c", r.IntN(120)), Near: fmt.Sprint("n", r.IntN(60)),
				Groups: []string{fmt.Sprint("plate", r.IntN(90))}, Time: time.Unix(int64(i), 0),
			}
			if i%10 == 0 {
				rows[i].Groups = nil
			}
		}
		for _, spec := range snapshot.DefaultSplits() {
			spec.Seed = seed
			parts, split, err := snapshot.Assign(rows, spec)
			if err != nil {
				t.Fatal(err)
			}
			again, _, _ := snapshot.Assign(rows, spec)
			if d := cmp.Diff(parts, again); d != "" {
				t.Errorf("seed %d, %s: divided otherwise the second time", seed, spec.Name)
			}
			l := split.Leaks
			if l.Conditions != 0 || spec.Kind != snapshot.ByCondition && (l.Groups != 0 || l.ValidationTest != 0) || spec.Kind == snapshot.ByCampaign && l.Campaigns != 0 || spec.Kind == snapshot.ByTime && l.Earlier != 0 {
				t.Errorf("seed %d, %s: leaks %+v", seed, spec.Name, l)
			}
			n := 0
			for _, k := range split.Rows {
				n += k
			}
			if n != len(rows) {
				t.Errorf("seed %d, %s: %d rows of %d", seed, spec.Name, n, len(rows))
			}
		}
	}
}

// TestLeaksAreCounted wants a naive split of replicates to be seen as leaking.
func TestLeaksAreCounted(t *testing.T) {
	t.Parallel()
	rows := []snapshot.Index{
		{Key: "1", Condition: "a", Near: "a", Groups: []string{"p1"}, Campaign: "x", Time: time.Unix(5, 0)},
		{Key: "2", Condition: "a", Near: "a", Groups: []string{"p2"}, Campaign: "x", Time: time.Unix(6, 0)},
		{Key: "3", Condition: "b", Near: "a", Groups: []string{"p1"}, Campaign: "y", Time: time.Unix(4, 0)},
		{Key: "4", Condition: "c", Near: "c", Groups: []string{"p2"}, Campaign: "z", Time: time.Unix(9, 0)},
	}
	got, err := snapshot.CountLeaks(rows, []snapshot.Part{snapshot.Train, snapshot.Validation, snapshot.Test, snapshot.Test})
	if err != nil {
		t.Fatal(err)
	}
	want := snapshot.Leaks{Conditions: 1, Near: 2, Groups: 1, Campaigns: 1, Earlier: 1, ValidationTest: 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestNearlyTheSame wants texts that say nearly the same, and conditions that
// rounding alone would part, told as leaks; and what differs more not.
func TestNearlyTheSame(t *testing.T) {
	t.Parallel()
	text := "The vial was heated to 105 Cel for one hour under argon, the mixture turned dark brown and gave 41.25 % of the product after work up with brine and ethyl acetate on a short column of silica gel in the hood"
	near := func(x float64) snapshot.Item {
		t.Helper()
		i, err := snapshot.OfImported(importer.Row{Settings: []lab.Setting{{Name: "t", Value: lab.Number(x), Unit: "Cel"}}})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	edge := near(19.8499) // 292.9999 K, and 292.95 K beside it: rounded to 293 both; 293.55 K is rounded to 294
	rows := []snapshot.Index{
		{Key: "1", Condition: "a", Near: edge.Near, Nearby: edge.Nearby, Sketch: snapshot.SketchOf(text)},
		{Key: "2", Condition: "b", Near: near(19.8).Near, Nearby: near(19.8).Nearby, Sketch: snapshot.SketchOf(strings.Replace(text, "dark brown", "dark red", 1))},
		{Key: "3", Condition: "c", Near: near(95).Near, Nearby: near(95).Nearby, Sketch: snapshot.SketchOf("It was stirred at room temperature over night in a sealed tube and nothing was found but what had been put in")},
		{Key: "4", Condition: "d", Near: near(20.4).Near, Nearby: near(20.4).Nearby},
	}
	got, err := snapshot.CountLeaks(rows, []snapshot.Part{snapshot.Train, snapshot.Test, snapshot.Test, snapshot.Validation})
	if err != nil {
		t.Fatal(err)
	}
	// The last is within a thousandth of the first in kelvin, but without a text.
	if got.Texts != 1 || got.Near != 2 || got.Conditions != 0 {
		t.Errorf("%+v, want one text and two conditions nearly the same", got)
	}
	if s := snapshot.SketchOf("  ... "); s != "" {
		t.Errorf("no words have the sketch %s", s)
	}
}

// TestManyRowsInLittleMemory divides 10⁶ rows, each with a key, groups and a text
// of its own, and wants less than 200 MB of memory for it.
func TestManyRowsInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million rows take some seconds")
	}
	const n = 1_000_000
	name := func(kind string, i int) string {
		sum := sha256.Sum256([]byte(kind + strconv.Itoa(i)))
		return hex.EncodeToString(sum[:])
	}
	most, stop := peakHeap()
	root := t.TempDir()
	_, err := snapshot.Create(root, snapshot.Spec{Rows: snapshot.ImportedRows, Splits: snapshot.DefaultSplits()[:4]}, func(yield func(snapshot.Item) error) error {
		for i := range n {
			key, sketch := fmt.Sprintf("%s/%09d", strings.Repeat("ab", 32), i), name("s", i/2)
			x := snapshot.Index{Key: key, SHA256: name("h", i), Campaign: "x", Condition: name("c", i), Near: name("n", i/3), Nearby: []string{name("n1", i)[:16], name("n2", i)[:16]}, Material: name("m", i/50), Scaffold: name("f", i/100), Groups: []string{fmt.Sprint("plate=", i/8)}, Sketch: snapshot.Sketch(sketch + sketch)}
			if err := yield(snapshot.Item{Key: key, Line: []byte(`{"a":1}`), Index: x}); err != nil {
				return err
			}
		}
		return nil
	})
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if mb := float64(most.Load()) / 1e6; mb > 200 {
		t.Errorf("%.0f MB of heap for %d rows, want at most 200", mb, n)
	} else {
		t.Logf("%.0f MB of heap for %d rows", mb, n)
	}
}

// peakHeap watches how much memory the program has from the system.
func peakHeap() (most *atomic.Uint64, stop func()) {
	most = new(atomic.Uint64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse+m.StackInuse))
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return most, func() { close(done); <-ended }
}

// TestFingerprint wants equal conditions in other units and orders to be equal,
// and different ones not.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(s ...lab.Setting) string { return snapshot.Fingerprint(s, 12) }
	temp := func(x float64, u lab.Unit) lab.Setting { return lab.Setting{Name: "t", Value: lab.Number(x), Unit: u} }
	solvent := lab.Setting{Name: "s", Value: lab.Label("DMSO")}
	if of(temp(20, "Cel"), solvent) != of(solvent, temp(293.15, "K")) {
		t.Error("20 Cel is not 293.15 K")
	}
	if of(temp(1.5, "mL")) != of(temp(1500, "uL")) {
		t.Error("1.5 mL is not 1500 uL")
	}
	for _, other := range []string{of(temp(20, "K"), solvent), of(temp(20.001, "Cel"), solvent), of(temp(20, "Cel")), of(temp(20, "Cel"), lab.Setting{Name: "s", Value: lab.Label("DMF")})} {
		if other == of(temp(20, "Cel"), solvent) {
			t.Error("different conditions have one fingerprint")
		}
	}
}

// TestExport exports a snapshot twice in each format and wants equal bytes that
// verify, and a change to be found.
func TestExport(t *testing.T) {
	t.Parallel()
	s := create(t, t.TempDir(), items(30, nil))
	for format, rows := range map[string]string{"parquet": "tables/experiments.parquet", "jsonl": "tables/experiments.jsonl"} {
		a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
		for _, dir := range []string{a, b} {
			if _, err := export.Write(s, format, dir, export.Options{}); err != nil {
				t.Fatal(err)
			}
			got, err := snapshot.Verify(dir)
			if err != nil || got.Of != s.ID {
				t.Errorf("%s: of %q and error %v, want of %s and none", format, got.Of, err, s.ID)
			}
		}
		if d := cmp.Diff(datasettest.Tree(t, a), datasettest.Tree(t, b)); d != "" {
			t.Errorf("%s: other bytes", format)
		}
		if _, ok := datasettest.Tree(t, a)[rows]; !ok {
			t.Fatalf("%s has no %s to tamper with", format, rows)
		}
		if err := os.WriteFile(filepath.Join(a, rows), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := snapshot.Verify(a); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: tampering gives %v, want an invalid error", format, err)
		}
		if _, err := export.Write(s, format, b, export.Options{}); lab.KindOf(err) != lab.Conflict {
			t.Errorf("%s: into a full folder gives %v, want a conflict", format, err)
		}
	}
	if _, err := export.Write(s, "xml", filepath.Join(t.TempDir(), "x"), export.Options{}); lab.KindOf(err) != lab.Invalid {
		t.Errorf("an unknown format gives %v", err)
	}
}

// TestBadItems wants rows out of order, there twice, or of several lines refused,
// and nothing left behind.
func TestBadItems(t *testing.T) {
	t.Parallel()
	ok := func(key string) snapshot.Item {
		return snapshot.Item{Key: key, Line: []byte("{}"), Index: snapshot.Index{Key: key}}
	}
	lines := ok("b")
	lines.Line = []byte("{}\n{}")
	for name, list := range map[string][]snapshot.Item{"Order": {ok("b"), ok("a")}, "Twice": {ok("a"), ok("a")}, "Lines": {lines}} {
		root := t.TempDir()
		_, err := snapshot.Create(root, snapshot.Spec{Rows: snapshot.OutcomeRows}, func(yield func(snapshot.Item) error) error {
			for _, i := range list {
				if err := yield(i); err != nil {
					return err
				}
			}
			return nil
		})
		left, _ := os.ReadDir(root)
		if lab.KindOf(err) != lab.Invalid || len(left) > 0 {
			t.Errorf("%s: error %v and %d things left, want an invalid one and none", name, err, len(left))
		}
	}
}

// TestImportedRows makes a snapshot of an import, by plate, and exports it.
func TestImportedRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("plate_id,ligand_smiles,temperature (°C),yield [%{mol}]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "P%d,%sP,%d.5,%d.25\n", i/6, strings.Repeat("C", 1+i%7), 20+i%20, i)
	}
	path := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := importer.File(importer.Job{Path: path, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	each := func(yield func(snapshot.Item) error) error {
		raw, err := os.ReadFile(filepath.Join(report.Dir, "rows.jsonl"))
		if err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		for d.More() {
			var row importer.Row
			if err := d.Decode(&row); err != nil {
				return err
			}
			item, err := snapshot.OfImported(row, "plate_id")
			if err != nil {
				return err
			}
			if err := yield(item); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := snapshot.Create(filepath.Join(dir, "snapshots"), snapshot.Spec{Rows: snapshot.ImportedRows, Shape: parquet.ShapeOfMapping(report.Proposed), Splits: snapshot.DefaultSplits()[1:2]}, each)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Splits[0]; got.Leaks.Conditions != 0 || got.Leaks.Groups == 0 {
		t.Errorf("leaks %+v: a split by condition alone divides plates, and the report says so", got.Leaks)
	}
	if _, err := export.Write(s, "parquet", filepath.Join(dir, "out"), export.Options{Split: "condition"}); err != nil {
		t.Error(err)
	}
}

// TestCanonical holds the form to the examples of RFC 8785.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{ "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0], "literals": [null, true, false] }`: `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0]}`,
		`{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}`:                                                               "{\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
		`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`:                                               "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}",
	} {
		got, err := snapshot.Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", in, got, err, want)
		}
	}
}
