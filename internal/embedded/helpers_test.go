package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// asParent makes the test binary a process that starts one server, says so, and waits to be killed: what "athanor up" is to it.
const asParent = "ATHANOR_EMBEDDED_TEST_PARENT"

func TestMain(m *testing.M) {
	if role := os.Getenv(asParent); role != "" {
		if err := beParent(role, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// parentLine is what such a process says.
type parentLine struct {
	URL string
	PID int // of the server
}

func beParent(role, dir string) error {
	var line parentLine
	ctx := context.Background()
	switch role {
	case "postgres":
		p, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: dir})
		if err != nil {
			return err
		}
		line = parentLine{URL: p.URL(), PID: p.PID()}
	case "temporal":
		s, err := embedded.StartTemporal(ctx, embedded.TemporalOptions{Dir: dir, Binary: os.Getenv("ATHANOR_TEMPORAL")})
		if err != nil {
			return err
		}
		line = parentLine{URL: s.Addr(), PID: s.PID()}
	case "lock":
		release, err := embedded.LockDir(dir)
		if err != nil {
			return err
		}
		defer release()
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin) // until the test ends, however it ends
	return err
}

// parent is such a process, seen from the test.
type parent struct {
	parentLine
	pid  int
	kill func() // with SIGKILL, and waits for its end
}

func startParent(t *testing.T, role, dir string) parent {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), asParent+"="+role)
	cmd.Stderr = os.Stderr
	if role == "temporal" {
		cmd.Env = append(cmd.Env, "ATHANOR_TEMPORAL="+temporalBinary(t))
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := parent{pid: cmd.Process.Pid}
	p.kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("parent of %s said nothing: %v", role, err)
	}
	if err := json.Unmarshal(line, &p.parentLine); err != nil {
		t.Fatal(err)
	}
	return p
}

// sharedDir is a new directory that every account may pass through; those of t.TempDir are closed to others.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "athanor-embedded-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// temporalBinary is the program that the tests run: the one in ATHANOR_TEMPORAL, else the one that make build leaves.
func temporalBinary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("ATHANOR_TEMPORAL")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "athanor-temporal")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make build` first, or name the program in ATHANOR_TEMPORAL", err)
	}
	return path
}

// testLogger shows a server's log when its test fails.
func testLogger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// within calls ok until it is true, and fails the test when it is not after limit.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %s still not: %s", limit, what)
		}
	}
}

// gone reports whether a process has ended; one that only waits to be collected has.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error is %v\nwant it to contain %q", err, text)
		}
	}
}

func write(t *testing.T, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
