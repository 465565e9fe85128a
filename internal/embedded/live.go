package embedded

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
)

// LiveVersion names the form of a backup of a laboratory that ran: its database
// is a dump, made and loaded by PostgreSQL's own programs.
const LiveVersion = "backup/2"

// dumpFile is the dump of the database, in a backup and in what was restored of
// one until it is loaded.
const dumpFile = "postgres.dump"

// asideDir is where copies are made during a backup, in the data directory.
const asideDir = ".backing-up"

// mostFrozen bounds how long processes stand still. What takes longer is given up.
const mostFrozen = 20 * time.Second

// Live is a laboratory that runs, as its backup needs it.
//
// Its parts know of each other in one direction: a workflow asks, the record
// answers; the record asks, a device answers. Each forgives that the one it asks
// is ahead, since asking again is answered with what was done, and none forgives
// that it is behind. So the moments of the copies must be in this order:
// Temporal first, then the record, then the devices and the blobs. Temporal and
// the simulated laboratory stand still while their files are copied, and the
// record's snapshot is taken meanwhile: all three are of one moment, and nobody's
// word is in one and not in the other.
type Live struct {
	Dir      string
	Postgres *Postgres
	Temporal *Temporal
	// Sim holds the simulated laboratory as it is: nobody starts it until release.
	// pid is 0 when it does not run; nil means that there is none.
	Sim func() (pid int, release func())
}

// Backup writes the laboratory to w while it runs.
func (l Live) Backup(ctx context.Context, w io.Writer) (x Index, err error) {
	x = Index{Athanor: LiveVersion, Format: Format, Sums: map[string]string{}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up %s: %w", l.Dir, err)
		}
	}()
	aside := filepath.Join(l.Dir, asideDir)
	if err := errors.Join(os.RemoveAll(aside), os.Mkdir(aside, 0o700)); err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	conn, err := pgx.Connect(ctx, l.Postgres.URL())
	if err != nil {
		return x, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // its transaction only read
	began := time.Now()
	snapshot, err := l.hold(ctx, conn, aside)
	x.Stood = time.Since(began).Seconds()
	if err != nil {
		return x, err
	}
	if err := l.dump(ctx, snapshot, filepath.Join(aside, dumpFile)); err != nil {
		return x, err
	}
	z, err := zstd.NewWriter(w)
	if err != nil {
		return x, err
	}
	t := tar.NewWriter(z)
	p := packer{ctx: ctx, t: t, x: &x}
	// What was copied first; then the rest as it is now, which is never older than what names it.
	err = p.walk(aside, "", nil)
	if err == nil {
		p.moving = true
		err = p.walk(l.Dir, "", []string{"postgres", "temporal", "sim", asideDir})
	}
	if err == nil {
		err = p.index()
	}
	return x, errors.Join(err, t.Close(), z.Close())
}

// hold copies Temporal's and the simulated laboratory's files while they stand
// still, and takes a snapshot of the database meanwhile.
func (l Live) hold(ctx context.Context, conn *pgx.Conn, aside string) (snapshot string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, mostFrozen, fmt.Errorf("Temporal and the devices would have stood still for more than %s: the files are too large or the disk too slow; close the laboratory and back it up then", mostFrozen))
	defer cancel()
	pids := []int{l.Temporal.PID()}
	if l.Sim != nil {
		pid, release := l.Sim()
		defer release()
		if pid > 0 {
			pids = append(pids, pid)
		}
	}
	thaw, err := freeze(ctx, pids)
	defer thaw()
	if err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return "", err
	}
	if err := conn.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&snapshot); err != nil {
		return "", err
	}
	for _, name := range []string{"temporal", "sim"} {
		if err := copyTree(ctx, filepath.Join(l.Dir, name), filepath.Join(aside, name)); err != nil {
			return "", err
		}
	}
	if l.Temporal.PID() != pids[0] {
		return "", errors.New("Temporal died while it was copied; try again")
	}
	return snapshot, nil
}

// freeze stops processes and returns when none of them runs, and what lets them
// go on. A shell that outlives us lets them go on when we die before that.
func freeze(ctx context.Context, pids []int) (thaw func(), err error) {
	names := make([]string, len(pids))
	for i, pid := range pids {
		names[i] = strconv.Itoa(pid)
	}
	guard := exec.Command("/bin/sh", "-c", "read x; kill -CONT "+strings.Join(names, " "))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		return func() {}, fmt.Errorf("make sure that what is stopped goes on: %w", err)
	}
	thaw = func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
		_ = alive.Close()
		_ = guard.Wait() // it says it once more
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return thaw, fmt.Errorf("have process %d stand still: %w", pid, err)
		}
	}
	for _, pid := range pids {
		for !standsStill(pid) {
			select {
			case <-ctx.Done():
				return thaw, context.Cause(ctx)
			case <-time.After(time.Millisecond):
			}
		}
	}
	return thaw, nil
}

// copyTree copies the files of a folder that nobody writes to; none is none.
func copyTree(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == from {
			return fs.SkipAll
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return copyOne(path, filepath.Join(to, rel))
	})
}

// copyOne lets the kernel copy, which shares the blocks where the file system can.
func copyOne(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, st.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// dump has PostgreSQL write the database as the snapshot has it.
func (l Live) dump(ctx context.Context, snapshot, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// Uncompressed: the backup is compressed as a whole.
	err = l.Postgres.tool(ctx, "pg_dump", f, "--format=custom", "--compress=0", "--no-owner", "--snapshot="+snapshot)
	return errors.Join(err, f.Close())
}

// tool runs one of PostgreSQL's programs on the database athanor.
func (p *Postgres) tool(ctx context.Context, name string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, p.bin.program(name), append(args, "--dbname="+postgresDatabase)...)
	cmd.Env = append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(p.port), "PGUSER="+postgresUser, "PGPASSWORD="+p.password, "PGSSLMODE=disable")
	var says strings.Builder
	cmd.Stdout, cmd.Stderr = out, &says
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(says.String()))
	}
	return nil
}

// load puts a dump that was restored into a database of its own.
func load(ctx context.Context, dir, binDir string) (err error) {
	file := filepath.Join(dir, dumpFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p, err := StartPostgres(ctx, PostgresOptions{Dir: filepath.Join(dir, "postgres"), BinDir: binDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop(context.WithoutCancel(ctx))) }()
	if err := p.tool(ctx, "pg_restore", io.Discard, "--exit-on-error", "--single-transaction", "--no-owner", file); err != nil {
		return err
	}
	return os.Remove(file)
}
