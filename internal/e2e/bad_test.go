package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// TestMistakesAreTold wants each mistake to end with a status that is not 0 and
// a message that says what is wrong and what to do.
func TestMistakesAreTold(t *testing.T) {
	t.Parallel()
	dead := "127.0.0.1:" + unusedPort(t)
	other := folder(t)
	if err := os.WriteFile(filepath.Join(other, "format"), []byte("99\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	foreign := folder(t)
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("athanor: campaign/1\ntitle: x\nspace: {parameters: [{name: a, type: continuous, min: 2, max: 1}]}\nobjectives: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   []string
	}{
		{"NoSuchCommand", []string{"brew"}, 2, []string{"brew", "--help"}},
		{"ExitWithoutDemo", []string{"up", "--exit"}, 3, []string{"--demo"}},
		{"AnotherFormat", up(other), 1, []string{other, "99"}},
		{"SomebodysFiles", up(foreign), 1, []string{foreign}},
		{"OpenToTheWorld", []string{"up", "--data", folder(t), "--http", "0.0.0.0:0"}, 3, []string{"accounts", "127.0.0.1"}},
		{"ServeToTheWorld", []string{"serve", "--http", "0.0.0.0:0", "--postgres", "postgres://x@" + dead + "/x", "--temporal", dead, "--mqtt", "tcp://" + dead}, 3, []string{"127.0.0.1"}},
		{"RoleWithoutServices", []string{"worker"}, 3, []string{"--postgres", "--temporal", "--mqtt", "athanor up"}},
		{"NoDatabase", []string{"worker", "--postgres", "postgres://x:y@" + dead + "/x", "--temporal", dead, "--mqtt", "tcp://" + dead}, 4, []string{"--postgres", dead}},
		{"NoLaboratory", []string{"campaign", "list", "--server", "http://" + dead}, 4, []string{dead, "athanor up"}},
		{"NoSuchFile", []string{"campaign", "check", "nowhere.yaml", "--offline"}, 3, []string{"nowhere.yaml"}},
		{"BadDocument", []string{"campaign", "check", bad, "--offline"}, 3, []string{"bad.yaml:3:", "space.parameters[0]", "objectives", "protocol"}},
		{"FullDisk", up(folder(t), "--keep-free", "1e12"), 4, []string{"MB free", "--data"}},
		{"NoTables", up(folder(t), "--tables", foreign), 3, []string{foreign}},
		{"NoSimFile", up(folder(t), "--lab-file", "nowhere.yaml"), 3, []string{"nowhere.yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errs, status := command(t, "", c.args...)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, want := range c.says {
				if !strings.Contains(out+errs, want) {
					t.Errorf("the message does not say %q:\n%s%s", want, out, errs)
				}
			}
			if strings.Contains(out+errs, "panic") || strings.Contains(out+errs, "goroutine ") {
				t.Errorf("the message is a crash:\n%s%s", out, errs)
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(foreign, "thesis.tex")); err != nil || string(b) != "mine" {
		t.Errorf("somebody's file was touched: %q, %v", b, err)
	}
}

// TestTwoLaboratoriesOneMachine wants two to run side by side with a directory
// each, a port in use to be replaced and named, and a directory in use refused.
func TestTwoLaboratoriesOneMachine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a, b := folder(t), folder(t)
	one := run(t, nil, "up", "--data", a, "--no-sim", "--http", taken.Addr().String(), "--mqtt", "127.0.0.1:0")
	two := run(t, nil, up(b, "--no-sim")...)
	if u, v := one.url(), two.url(); u == v || strings.HasSuffix(u, taken.Addr().String()) {
		t.Errorf("the laboratories are on %s and %s; %s was taken", u, v, taken.Addr())
	}
	if !strings.Contains(one.said(), "is in use") {
		t.Errorf("nothing was said of the port in use:\n%s", one.said())
	}
	third := run(t, nil, up(a, "--no-sim")...)
	if status := third.status(30 * time.Second); status == 0 || !strings.Contains(third.said(), a) {
		t.Errorf("a second process on %s ended with status %d and said:\n%s", a, status, third.said())
	}
}

func unusedPort(t *testing.T) string {
	t.Helper()
	port, err := embedded.ChoosePort(t.TempDir(), "unused", 0) // no outgoing connection of another test can take it meanwhile
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
