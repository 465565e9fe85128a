package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// asProgram makes the test binary behave as the program itself, so that tests can kill it.
const asProgram = "ATHANOR_TEMPORAL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// child is a started program.
type child struct {
	Ready
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *bytes.Buffer
	exited chan struct{}
}

// start runs the program and waits for its line.
func start(t *testing.T, args ...string) *child {
	t.Helper()
	c := launch(t, args...)
	line, err := c.stdout.ReadBytes('\n')
	if err != nil {
		<-c.exited
		t.Fatalf("no ready line: %v\n%s", err, c.stderr)
	}
	if err := json.Unmarshal(line, &c.Ready); err != nil {
		t.Fatalf("ready line %q: %v", line, err)
	}
	return c
}

func launch(t *testing.T, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe, args...), stderr: new(bytes.Buffer), exited: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), asProgram+"=1")
	c.cmd.Stderr = c.stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stdout, c.stdout = w, bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	go func() { _ = c.cmd.Wait(); close(c.exited) }()
	t.Cleanup(func() { c.kill(); _ = out.Close() })
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// wait returns the exit status, and fails when the program is still there after limit.
func (c *child) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-c.exited:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("still running after %s\n%s", limit, c.stderr)
		return -1
	}
}

// refused runs the program, wants status 1 and each of texts in its log.
func refused(t *testing.T, args []string, texts ...string) {
	t.Helper()
	c := launch(t, args...)
	if got := c.wait(t, 30*time.Second); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	for _, text := range texts {
		if !strings.Contains(c.stderr.String(), text) {
			t.Errorf("log says\n%s\nwant it to contain %q", c.stderr, text)
		}
	}
}

func dial(t *testing.T, r Ready) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: r.Address, Namespace: r.Namespace, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// TestWorkflowOutlivesKill kills the server with SIGKILL between two steps of a workflow, starts it again on the same file and
// port, and wants the workflow to end with each step done once, under the eyes of a worker that never stopped.
func TestWorkflowOutlivesKill(t *testing.T) {
	t.Parallel()
	outlivesKill(t, "-db", filepath.Join(t.TempDir(), "a strange #1 50% dir?", "temporal.db"))
}

func outlivesKill(t *testing.T, store ...string) {
	t.Helper()
	first := start(t, append(store, "-ui-port", "-1")...)
	c := dial(t, first.Ready)

	var (
		mu    sync.Mutex
		steps []string
	)
	firstDone := make(chan struct{})
	step := func(_ context.Context, name string) error {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, name)
		if name == "before" {
			close(firstDone)
		}
		return nil
	}
	flow := func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
		if err := workflow.ExecuteActivity(ctx, step, "before").Get(ctx, nil); err != nil {
			return "", err
		}
		var word string
		workflow.GetSignalChannel(ctx, "go on").Receive(ctx, &word)
		return word, workflow.ExecuteActivity(ctx, step, "after").Get(ctx, nil)
	}
	w := worker.New(c, "test", worker.Options{})
	w.RegisterActivity(step)
	w.RegisterWorkflow(flow)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "outlives", TaskQueue: "test"}, flow)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-firstDone:
	case <-ctx.Done():
		t.Fatal("the first step was never done")
	}
	first.kill()

	_, port, err := net.SplitHostPort(first.Address)
	if err != nil {
		t.Fatal(err)
	}
	second := start(t, append(store, "-ui-port", "-1", "-port", port)...)
	if second.Address != first.Address {
		t.Fatalf("second start listens on %s, want %s", second.Address, first.Address)
	}
	if err := c.SignalWorkflow(ctx, "outlives", run.GetRunID(), "go on", "gold"); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := run.Get(ctx, &got); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	// The completion of "before" may have been on its way when the server died; Temporal then repeats the activity, as it promises
	// to. It must not be forgotten, and "after" must be the last and single.
	if got != "gold" || steps[0] != "before" || steps[len(steps)-1] != "after" || strings.Count(strings.Join(steps, " "), "after") != 1 {
		t.Errorf("workflow returned %q after steps %q, want \"gold\" after before, after", got, steps)
	}
}

func TestNamespaceIsReady(t *testing.T) {
	t.Parallel()
	r := start(t, "-db", filepath.Join(t.TempDir(), "temporal.db"), "-retention", "240h").Ready
	if r.Namespace != "athanor" || r.Version != serverVersion || r.PID == 0 {
		t.Errorf("ready line says %+v", r)
	}
	c := dial(t, r)
	ns, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "athanor"})
	if err != nil {
		t.Fatal(err)
	}
	if got := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != 240*time.Hour {
		t.Errorf("retention is %s, want 240h", got)
	}
	attributes, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "athanor"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range searchAttributes() {
		if got := attributes.GetCustomAttributes()[name]; got != want {
			t.Errorf("search attribute %s is %s, want %s", name, got, want)
		}
	}
	late := map[string]enumspb.IndexedValueType{"AthanorLater": enumspb.INDEXED_VALUE_TYPE_KEYWORD}
	if err := addSearchAttributes(t.Context(), c.OperatorService(), "athanor", late); err != nil {
		t.Errorf("a search attribute of a later version is refused: %v", err)
	}
}

// TestPageAnswersToItsOwnNameOnly plays a web site whose name points at 127.0.0.1.
func TestPageAnswersToItsOwnNameOnly(t *testing.T) {
	t.Parallel()
	r := start(t, "-db", filepath.Join(t.TempDir(), "temporal.db")).Ready
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.UI, "http://"))
	for _, x := range []struct {
		path, host string
		want       int
	}{
		{"/", "", http.StatusOK},
		{"/api/v1/namespaces", "", http.StatusOK},
		{"/api/v1/namespaces", "localhost:" + port, http.StatusOK},
		{"/api/v1/namespaces", "evil.example:" + port, http.StatusForbidden},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.UI+x.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = x.host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != x.want {
			t.Errorf("GET %s for host %q: status %d, want %d", x.path, x.host, res.StatusCode, x.want)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*child){
		"Interrupt":    func(c *child) { _ = c.cmd.Process.Signal(os.Interrupt) },
		"Terminate":    func(c *child) { _ = c.cmd.Process.Signal(syscall.SIGTERM) },
		"ParentIsGone": func(c *child) { _ = c.stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, "-db", filepath.Join(t.TempDir(), "temporal.db"), "-stop-on-stdin-eof")
			end(c)
			if got := c.wait(t, 15*time.Second); got != 0 {
				t.Errorf("exit status %d, want 0\n%s", got, c.stderr)
			}
			if rest, _ := io.ReadAll(c.stdout); len(rest) > 0 {
				t.Errorf("standard output has more than one line: %q", rest)
			}
			if strings.Contains(c.stderr.String(), `"level":"ERROR"`) {
				t.Errorf("log has errors:\n%s", c.stderr)
			}
		})
	}
}

func TestShardsNeverChange(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "temporal.db")
	c := start(t, "-db", db, "-shards", "2", "-ui-port", "-1")
	c.kill()
	refused(t, []string{"-db", db, "-shards", "8", "-ui-port", "-1"}, "-shards is 8", "was made with 2", "can never change")
	start(t, "-db", db, "-ui-port", "-1") // without the flag it takes what is there
}

func TestRefusesWhatIsTaken(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "temporal.db")
	c := start(t, "-db", db, "-ui-port", "-1")
	_, port, _ := net.SplitHostPort(c.Address)
	t.Run("File", func(t *testing.T) {
		t.Parallel()
		refused(t, []string{"-db", db, "-ui-port", "-1"}, "is in use by process "+strconv.Itoa(c.PID))
	})
	t.Run("Port", func(t *testing.T) {
		t.Parallel()
		refused(t, []string{"-db", filepath.Join(t.TempDir(), "other.db"), "-port", port}, "-port "+port+" cannot be used")
	})
}

func TestRefusesForeignFile(t *testing.T) {
	t.Parallel()
	t.Run("OtherTables", func(t *testing.T) {
		t.Parallel()
		db := filepath.Join(t.TempDir(), "temporal.db")
		write(t, db, "")
		write(t, db+".json", `{"temporal":"1.99.0","schema_sha256":"00"}`)
		refused(t, []string{"-db", db}, "was made by Temporal 1.99.0", "move the file away")
	})
	t.Run("Unknown", func(t *testing.T) {
		t.Parallel()
		db := filepath.Join(t.TempDir(), "temporal.db")
		write(t, db, "not a database")
		refused(t, []string{"-db", db}, "no description beside it")
	})
	t.Run("HalfMade", func(t *testing.T) {
		t.Parallel()
		db := filepath.Join(t.TempDir(), "temporal.db")
		write(t, db+".new", "half made by a start that was killed")
		start(t, "-db", db, "-ui-port", "-1")
	})
}

func write(t *testing.T, name, body string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}
