package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// TestRestoredLaboratoryGoesOn closes a laboratory in the middle of a campaign,
// backs it up and restores it elsewhere. What was on record then is the same
// snapshot there, to the byte in every file of an export, and the campaign goes
// on there to its end, nothing done twice.
func TestRestoredLaboratoryGoesOn(t *testing.T) {
	t.Parallel()
	data, elsewhere, files := folder(t), filepath.Join(folder(t), "restored"), folder(t)
	l := run(t, nil, up(data, "--demo")...)
	id := awaitDone(t, l.url(), 6)
	l.stop()
	at := time.Now().UTC().Format(time.RFC3339Nano)
	backup := filepath.Join(files, "backup.zst")
	mustCommand(t, "", "backup", "--data", data, backup)
	mustCommand(t, "", "restore", backup, "--data", elsewhere)

	var exports [2]map[string][]byte
	for i, dir := range []string{data, elsewhere} {
		l := run(t, nil, up(dir, "--demo")...)
		url := l.url()
		snapshots := filepath.Join(files, []string{"before", "after"}[i])
		db, err := os.ReadFile(filepath.Join(dir, "database"))
		if err != nil {
			t.Fatal(err)
		}
		snapshot := mustCommand(t, url, "dataset", "snapshot", "--postgres", strings.TrimSpace(string(db)), "--as-of", at, "-o", snapshots)
		export := filepath.Join(snapshots, "export")
		mustCommand(t, url, "dataset", "export", snapshot, "--format", "parquet", "-o", export)
		exports[i] = tree(t, export)
		if dir == data {
			l.stop()
			continue
		}
		eventually(t, 3*time.Minute, "the campaign's end", func() bool {
			p, ok := progress(t, url, id)
			return ok && p.State.Final()
		})
		p, _ := progress(t, url, id)
		if p.State != lab.Completed || p.Done != 24 {
			t.Errorf("the restored campaign ended %s (%s) with %d outcomes, want completed with 24", p.State, p.Reason, p.Done)
		}
		wantServed(t, url, files)
		eventually(t, 30*time.Second, "the dataset", func() bool { return strings.Contains(l.said(), "dataset written") })
		l.stop()
		wantWorldInOrder(t, dir, exported(t, dir))
	}
	if len(exports[0]) < 10 {
		t.Errorf("the export has %d files", len(exports[0]))
	}
	for name, want := range exports[0] {
		if !bytes.Equal(want, exports[1][name]) {
			t.Errorf("%s of the restored laboratory's export differs", name)
		}
	}
}

// TestRunningLaboratoryIsBackedUp backs a laboratory up twice in the middle of a
// campaign while it runs. The laboratory goes on to its end, undisturbed. Each
// backup goes on elsewhere to the campaign's end, with its devices as they were.
// Nothing physical happens twice in any of them, and what was on record when the
// backup was made is on record there, to the byte.
//
// Each goes on once more with devices that have gone on since, to the campaign's
// end, as real ones do: what they did is found done, so that nothing at all
// happens in their world any more, and what was measured in it is on record.
func TestRunningLaboratoryIsBackedUp(t *testing.T) {
	t.Parallel()
	data, files := folder(t), folder(t)
	l := run(t, nil, up(data, "--demo")...)
	url := l.url()
	var id string
	var backups []string
	var before [][]string
	for _, done := range []int{3, 11} {
		id = awaitDone(t, url, done)
		file := filepath.Join(files, fmt.Sprintf("after-%d.zst", done))
		before = append(before, lines(mustCommand(t, url, "campaign", "export", id)))
		t.Log(mustCommand(t, url, "backup", "--data", data, "--json", file))
		backups = append(backups, file)
	}
	wantEnd(t, l, url, id)
	l.stop()
	wantWorldInOrder(t, data, exported(t, data))

	for i, file := range backups {
		dir := filepath.Join(folder(t), "restored")
		mustCommand(t, "", "restore", file, "--data", dir)
		goesOn(t, dir, id, before[i])
	}
	world, measured := effects(t, data), observed(t, exported(t, data))
	for i, file := range backups {
		dir := withDevicesOf(t, file, data)
		goesOn(t, dir, id, before[i])
		if diff := cmp.Diff(world, effects(t, dir)); diff != "" {
			t.Errorf("what had been done when the backup of %d was restored was not all (-then +now):\n%s", i, diff)
		}
		if diff := cmp.Diff(measured, observed(t, exported(t, dir))); diff != "" {
			t.Errorf("on record is other than what was done after backup %d (-done +on record):\n%s", i, diff)
		}
	}
}

// TestRestoredLaboratoryTakesOver loses a laboratory some experiments after its
// backup, in the middle of others, and restores it to the devices as they were
// left. What was done in between is on record in the end as if nothing had been
// lost, and no vial has seen anything twice, under whatever id.
func TestRestoredLaboratoryTakesOver(t *testing.T) {
	t.Parallel()
	data, file := folder(t), filepath.Join(folder(t), "backup.zst")
	l := run(t, nil, up(data, "--demo")...)
	url := l.url()
	id := awaitDone(t, url, 2)
	before := lines(mustCommand(t, url, "campaign", "export", id))
	mustCommand(t, url, "backup", "--data", data, file)
	awaitDone(t, url, 9)
	lost := strings.Split(strings.TrimSpace(mustCommand(t, url, "campaign", "export", id)), "\n")
	l.stop()

	dir := withDevicesOf(t, file, data)
	goesOn(t, dir, id, before)
	found := observed(t, exported(t, dir))
	for _, row := range observed(t, []byte(strings.Join(lost, "\n")+"\n")) {
		if !slices.Contains(found, row) {
			t.Errorf("an outcome that was lost with the laboratory is not found again as it was:\n%s", row)
		}
	}
	type act struct {
		sample string
		kind   world.EffectKind
		part   int
	}
	seen := map[act]string{}
	for _, e := range effects(t, dir) {
		if e.Effect != world.Made && e.Effect != world.Dispensed && e.Effect != world.Heated && e.Effect != world.Measured {
			continue
		}
		a := act{e.Sample, e.Effect, e.Part}
		if was := seen[a]; was != "" {
			t.Errorf("vial %s was %s twice, by %s and by %s", e.Sample, e.Effect, was, e.Command)
		}
		seen[a] = e.Command
	}
}

// awaitDone waits for so many outcomes of the only campaign, and returns its id.
func awaitDone(t *testing.T, url string, done int) (id string) {
	t.Helper()
	eventually(t, 2*time.Minute, "some experiments", func() bool {
		var list struct{ Items []struct{ ID string } }
		if !get(t, url+"/api/v1/campaigns", &list) || len(list.Items) == 0 {
			return false
		}
		id = list.Items[0].ID
		p, ok := progress(t, url, id)
		return ok && p.Done >= done
	})
	return id
}

// withDevicesOf restores a backup to the devices of another laboratory, as they
// are by now.
func withDevicesOf(t *testing.T, backup, data string) string {
	t.Helper()
	dir := filepath.Join(folder(t), "restored")
	mustCommand(t, "", "restore", backup, "--data", dir)
	if err := os.RemoveAll(filepath.Join(dir, "sim")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "sim"), os.DirFS(filepath.Join(data, "sim"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// effects returns what has happened in a world, in order.
func effects(t *testing.T, data string) []world.Effect {
	t.Helper()
	ledger, err := world.ReadLedger(filepath.Join(data, "sim", world.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Effects
}

// observed returns the rows of an export, which device did what among them, but for
// when it was.
func observed(t *testing.T, export []byte) []string {
	t.Helper()
	var all []string
	if err := dataset.ReadJSONL(bytes.NewReader(export), func(r dataset.Row) error {
		r.Clock = dataset.RowClock{}
		b, err := json.Marshal(r)
		all = append(all, string(b))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// goesOn opens a restored laboratory and wants its campaign to end as it should.
func goesOn(t *testing.T, dir, id string, before []string) {
	t.Helper()
	l := run(t, nil, up(dir, "--demo")...)
	url := l.url()
	now := lines(mustCommand(t, url, "campaign", "export", id))
	for i, line := range before {
		if i >= len(now) || now[i] != line {
			t.Errorf("line %d of what was on record before the backup is another in what was restored", i+1)
		}
	}
	wantEnd(t, l, url, id)
	l.stop()
	wantWorldInOrder(t, dir, exported(t, dir))
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

func wantEnd(t *testing.T, l *program, url, id string) {
	t.Helper()
	eventually(t, 4*time.Minute, "the campaign's end", func() bool {
		p, ok := progress(t, url, id)
		return ok && p.State.Final()
	})
	if p, _ := progress(t, url, id); p.State != lab.Completed || p.Done != 24 {
		t.Errorf("the campaign ended %s (%s) with %d outcomes, want completed with 24", p.State, p.Reason, p.Done)
	}
	eventually(t, 30*time.Second, "the dataset", func() bool { return strings.Contains(l.said(), "dataset written") })
}

func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[rel], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantServed has the laboratory make a snapshot by its workflow, and wants the
// download, broken off and gone on with, to be the one that is read directly.
func wantServed(t *testing.T, url, dir string) {
	t.Helper()
	served := mustCommand(t, url, "dataset", "snapshot", "--workflow", "-o", filepath.Join(dir, "served"))
	mustCommand(t, url, "dataset", "verify", served)
	id := filepath.Base(served)
	again := filepath.Join(dir, "again", id)
	rows, err := os.ReadFile(filepath.Join(served, "data", "rows.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(again+".part", "data", "rows.jsonl")
	if err := os.MkdirAll(filepath.Dir(part), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, rows[:len(rows)/3], 0o644); err != nil { // a third had come
		t.Fatal(err)
	}
	if got := mustCommand(t, url, "dataset", "snapshot", "--workflow", "-o", filepath.Join(dir, "again")); filepath.Base(got) != id {
		t.Errorf("the same record gives the snapshots %s and %s", id, filepath.Base(got))
	}
	frame := exec.Command("python3", "-c", "import sys; from athanor import client; print(client.rows(sys.argv[1], 'experiments')[0]['outcome_class'])", url)
	frame.Dir = "../../python"
	if out, err := frame.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "success" {
		t.Errorf("a table by the client in Python: %v\n%s", err, out)
	}
}
