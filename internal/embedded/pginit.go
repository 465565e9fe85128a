package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// dataVersion reads the major version of PostgreSQL that made a data directory; 0 when there is none.
func dataVersion(data string) (int, error) {
	name := filepath.Join(data, "PG_VERSION")
	body, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return 0, fmt.Errorf("%w: the database was made by another user: start as that one (or as root), or choose another data directory", err)
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(data); err == nil {
			return 0, fmt.Errorf("%s exists but holds no PostgreSQL database: move it away, or choose another data directory", data)
		}
		return 0, nil
	case err != nil:
		return 0, err
	}
	text := strings.TrimSpace(string(body))
	major, err := strconv.Atoi(text)
	if err != nil || major <= 0 {
		return 0, fmt.Errorf("%s holds %q, want a version such as \"15\": the database is damaged, restore it from a backup", name, text)
	}
	return major, nil
}

// initialise makes the database in a second directory and renames it when it is complete, so that an initdb which is killed, or which
// finds the disk full, leaves nothing behind that looks like a database.
func (p *Postgres) initialise(ctx context.Context) (err error) {
	fresh, password := p.data()+".new", filepath.Join(p.home, passwordFile)
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	// A password protects the database from other accounts of this machine, which may also connect to its loopback port.
	if err := errors.Join(writeFile(password, rand.Text(), 0o600), p.account.give(password)); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if err := errors.Join(os.Mkdir(fresh, 0o700), p.account.give(fresh)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	// Checksums find what a bad disk did. Collation C is the same on every machine, so indexes survive a move.
	initdb := p.command(ctx, "initdb", "-D", fresh, "-U", postgresUser, "--auth=scram-sha-256", "--pwfile="+password,
		"-E", "UTF8", "--no-locale", "--data-checksums", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database with initdb of %s: %w:\n%s", p.bin.dir, err, strings.TrimSpace(string(out)))
	}
	return os.Rename(fresh, p.data())
}

// command prepares one of PostgreSQL's programs to run as the server's account.
func (p *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.bin.program(name), args...)
	c.Dir, c.SysProcAttr = p.home, p.account.credential()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			c.Env = append(c.Env, v) // PGDATA, PGPORT, PGOPTIONS … are meant for another server
		}
	}
	locale := "C"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // with C, macOS starts threads in the server, which then refuses to start
	}
	c.Env = append(c.Env, "LC_ALL="+locale, "TZ=UTC")
	return c
}
