package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"go.temporal.io/server/common/log"
)

// TestWorkflowOutlivesKillOnPostgres is the same promise on the other store.
func TestWorkflowOutlivesKillOnPostgres(t *testing.T) {
	t.Parallel()
	outlivesKill(t, "-postgres-url", startPostgres(t))
}

func TestPostgresURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "mysql://secret@h/d", "postgres:///d", "postgres://u:secret@h:port/d", "postgres://u:secret@h/d?sslmode=maybe"} {
		_, _, err := openPostgres(t.Context(), bad, log.NewNoopLogger())
		if err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	u, err := url.Parse("postgres://u:p%40ss@db.example/x?sslmode=verify-full&sslrootcert=/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := postgresConfig(u, "x")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ConnectAddr != "db.example:5432" || cfg.Password != "p@ss" || !cfg.TLS.EnableHostVerification || cfg.TLS.CaFile != "/ca.pem" {
		t.Errorf("got %+v with TLS %+v", cfg, cfg.TLS)
	}
}

// startPostgres runs a PostgreSQL server of the machine for the length of the test and returns its URL.
func startPostgres(t *testing.T) string {
	t.Helper()
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if initdb, err := exec.LookPath("initdb"); err == nil {
		bins = append(bins, filepath.Dir(initdb))
	}
	if len(bins) == 0 {
		t.Fatal("no PostgreSQL on this machine: install it (apt-get install postgresql, brew install postgresql)")
	}
	bin := bins[len(bins)-1]
	dir, err := os.MkdirTemp("", "athanor-temporal-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, attr
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "test", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	flags := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off", port)
	if out, err := command("pg_ctl", "-D", data, "-l", filepath.Join(dir, "log"), "-w", "-o", flags, "start").CombinedOutput(); err != nil {
		t.Fatalf("pg_ctl start: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop").Run() })
	return fmt.Sprintf("postgres://test:x@127.0.0.1:%d?sslmode=disable", port)
}
