package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// athanor returns the program under test.
func athanor(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/athanor")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: build it with make build", err)
	}
	return path
}

// folder is a new directory that every account may pass through, since as root
// PostgreSQL runs as another.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "athanor-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			keepLogs(t, dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return dir
}

// keepLogs shows the end of what a failed laboratory wrote.
func keepLogs(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"sim.log", "temporal/temporal.log", "postgres/postgres.log"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			t.Logf("%s:\n%s", name, b[max(0, len(b)-3000):])
		}
	}
}

// program is a running process and what it said.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	err  error

	mu  sync.Mutex
	out bytes.Buffer
}

// run starts the program under test.
func run(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(athanor(t), args...), done: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "ATHANOR_LOG=warn"), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.stop)
	return p
}

// Write implements [io.Writer].
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// alive reports whether the process has not ended.
func (p *program) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop ends the process as Ctrl-C does and waits for it.
func (p *program) stop() {
	if !p.alive() {
		return
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		p.t.Errorf("%v did not end within 40 s of being asked; it said:\n%s", p.cmd.Args, p.said())
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// status waits for the process and returns its exit status.
func (p *program) status(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("%v has not ended after %s; it said:\n%s", p.cmd.Args, within, p.said())
		return -1
	}
}

var openOn = regexp.MustCompile(`open on (http://\S+)`)

// url waits until a laboratory says where it is.
func (p *program) url() string {
	p.t.Helper()
	var url string
	eventually(p.t, time.Minute, "the laboratory to open", func() bool {
		if m := openOn.FindStringSubmatch(p.said()); m != nil {
			url = m[1]
		}
		if url == "" && !p.alive() {
			p.t.Fatalf("the laboratory did not open:\n%s", p.said())
		}
		return url != ""
	})
	return url
}

// eventually polls, because what is waited for happens in other processes.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(within); time.Now().Before(until); {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("waited %s in vain for %s", within, what)
}

// command runs the command line to its end and returns what it wrote.
func command(t *testing.T, url string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, athanor(t), args...)
	cmd.Env = append(os.Environ(), "ATHANOR_SERVER="+url)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("athanor %v did not end: %v\n%s", args, err, errs.String())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mustCommand is command for what has to succeed.
func mustCommand(t *testing.T, url string, args ...string) string {
	t.Helper()
	out, errs, status := command(t, url, args...)
	if status != 0 {
		t.Fatalf("athanor %v ended with status %d:\n%s%s", args, status, out, errs)
	}
	return strings.TrimSpace(out)
}

// get reads a JSON answer of the API; false says that there was none.
func get(t *testing.T, url string, v any) bool {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(v) == nil
}

// progress returns a campaign's progress, and whether the laboratory answered.
func progress(t *testing.T, url, id string) (lab.Progress, bool) {
	t.Helper()
	var d struct{ Progress lab.Progress }
	ok := get(t, url+"/api/v1/campaigns/"+id, &d)
	return d.Progress, ok
}

// wantWorldInOrder judges by the world's own ledger: no effect of any command
// happened twice, and every step on record really happened.
func wantWorldInOrder(t *testing.T, data string, export []byte) {
	t.Helper()
	ledger, err := world.ReadLedger(filepath.Join(data, "sim", world.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	if twice := ledger.Doubles(); len(twice) > 0 {
		t.Errorf("commands that did something physical twice: %v", twice)
	}
	counts := ledger.Counts()
	steps := 0
	err = dataset.ReadJSONL(bytes.NewReader(export), func(r dataset.Row) error {
		for i, s := range r.IDs.Steps {
			steps++
			if n := counts[s.CommandID.UUID()]; r.Steps[i].State == lab.CommandDone && n != 1 {
				t.Errorf("experiment %d, step %s: the record says done, in the world it came to its end %d times", r.Number, r.Steps[i].Step, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps == 0 {
		t.Error("the export holds no steps")
	}
}

// placements returns where the ledger has the samples that are in the laboratory.
func placements(t *testing.T, url string) []lab.Placement {
	t.Helper()
	var list struct{ Items []lab.Placement }
	if !get(t, url+"/api/v1/samples", &list) {
		t.Fatal("no answer to where the samples are")
	}
	return list.Items
}

// wantSamplesInPlace compares the ledger of samples with the world: every sample is
// in one slot, no slot has two, what is on record as certain is there, and what is
// in a slot of the world is on record.
func wantSamplesInPlace(t *testing.T, data string, placed []lab.Placement) {
	t.Helper()
	ledger, err := world.ReadLedger(filepath.Join(data, "sim", world.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	at, handed := map[string]lab.Place{}, 0
	for _, e := range ledger.Effects {
		if e.To != "" {
			at[e.Sample] = lab.Place{Device: e.To, Slot: e.Slot}
		}
		if e.Name == lab.CommandGive || e.Name == lab.CommandTake {
			handed++
		}
	}
	samples, slots := map[string]bool{}, map[lab.Place]bool{}
	for _, p := range placed {
		if samples[p.Sample] || slots[p.Place] {
			t.Errorf("sample %s or slot %s is on record twice", p.Sample, p.Place)
		}
		samples[p.Sample], slots[p.Place] = true, true
		if !p.Certain || at[p.Sample] != p.Place {
			t.Errorf("sample %s is on record at %s, certain %t; in the world it is at %s", p.Sample, p.Place, p.Certain, at[p.Sample])
		}
	}
	for sample, p := range at {
		if p.Slot != "" && !samples[sample] {
			t.Errorf("sample %s is at %s in the world, and not on record", sample, p)
		}
	}
	if handed == 0 || len(placed) == 0 {
		t.Errorf("%d movements of handovers, %d samples on record: nothing was tried", handed, len(placed))
	}
}

// canonical is an export without its ids and times.
func canonical(t *testing.T, export []byte) []byte {
	t.Helper()
	b, err := dataset.Canonical(bytes.NewReader(export))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exported returns the dataset file that a demonstration leaves.
func exported(t *testing.T, data string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "exports", "cmp_*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("exports are %v (%v), want one", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// anyPort lets laboratories of several tests run side by side.
var anyPort = []string{"--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}

func up(data string, more ...string) []string {
	return append(append([]string{"up", "--data", data}, anyPort...), more...)
}

var _ io.Writer = (*program)(nil)

func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("ATHANOR_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatalf("ATHANOR_SEED: %v", err)
		}
	}
	t.Logf("seed %d; run again with ATHANOR_SEED=%d", seed, seed)
	return seed
}
