package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresStartTime bounds a start. It is long because after a crash the server first replays its log.
const postgresStartTime = 90 * time.Second

// sharedMemoryInUse is what a server says while the children of a killed one are still ending, which takes a moment.
const sharedMemoryInUse = "pre-existing shared memory block"

// settings of the server. They keep every promise about durability (synchronous_commit and fsync stay on) and fit a small machine.
var postgresSettings = []string{
	"listen_addresses=127.0.0.1",
	"unix_socket_directories=",
	"max_connections=200",
	"shared_buffers=128MB",
	"synchronous_commit=on",
	"checkpoint_timeout=15min", // fewer page images in the log, at the price of some seconds more to replay
	"wal_compression=on",
	"log_checkpoints=off", // the only line that an idle server would write
	"logging_collector=off",
	"jit=off", // our queries are short; compiling them costs more than running them
	"timezone=UTC",
}

// launch adopts the server that already runs on the data, or starts one.
func (p *Postgres) launch(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, postgresStartTime, fmt.Errorf("it did not answer within %s; its log is %s", postgresStartTime, p.logFile()))
	defer cancel()
	if proc, err := p.adopt(ctx); proc != nil || err != nil {
		return proc, err
	}
	if p.port == 0 {
		p.port = p.opts.Port
	}
	if p.port == 0 {
		var err error
		if p.port, err = ChoosePort(p.home, portName, 0); err != nil {
			return nil, err
		}
	}
	for {
		proc, err := p.spawn(ctx)
		if err == nil || !strings.Contains(err.Error(), sharedMemoryInUse) {
			return proc, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// adopt returns the server that a process before us left running; nil when there is none. It waits for one that is still replaying
// its log, or that is just shutting down. The note of one that is gone stays, for the new server learns from it about children that
// may still run, unless the process id in it now belongs to something else: that would keep the new server from starting.
func (p *Postgres) adopt(ctx context.Context) (*process, error) {
	note := filepath.Join(p.data(), "postmaster.pid")
	body, err := os.ReadFile(note)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(body), "\n") // process id, data, start time, port, …
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || len(lines) < 4 || pid <= 1 || !alive(pid) || !worksOn(pid, p.data()) {
		p.opts.Logger.InfoContext(ctx, "the last server was killed; its log is replayed", "server", "postgres", "pid", lines[0])
		if err == nil && pid > 1 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil, nil
		}
		return nil, os.Remove(note)
	}
	port, err := strconv.Atoi(strings.TrimSpace(lines[3]))
	if err != nil {
		return nil, fmt.Errorf("%s names port %q, want a number", note, lines[3])
	}
	if p.opts.Port != 0 && p.opts.Port != port {
		p.opts.Logger.WarnContext(ctx, "the running server has another port than the one asked for", "port", port, "want", p.opts.Port)
	}
	proc := adopt(pid)
	err = p.awaitAnswer(ctx, proc, port)
	if errors.Is(err, errGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the server that already runs on %s (process %d): %w", p.data(), pid, err)
	}
	p.port = port
	p.opts.Logger.InfoContext(ctx, "adopted the running server", "server", "postgres", "pid", pid, "port", port)
	return proc, nil
}

// spawn starts a server and waits until it answers.
func (p *Postgres) spawn(ctx context.Context) (*process, error) {
	log, err := openLog(p.logFile())
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	args := []string{"-D", p.data(), "-p", strconv.Itoa(p.port)}
	for _, s := range postgresSettings {
		args = append(args, "-c", s)
	}
	cmd := p.command(context.Background(), "postgres", args...) // the server outlives the context of its start
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := spawn(cmd)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	if err := p.awaitAnswer(ctx, proc, p.port); err != nil {
		_ = syscall.Kill(proc.pid, syscall.SIGQUIT)
		<-proc.exited
		if errors.Is(err, errGone) {
			return nil, fmt.Errorf("the server ended at once (%s): %s", proc.state(), fatalLines(log, begin))
		}
		return nil, err
	}
	return proc, nil
}

// errGone says that a process ended while we waited for its answer.
var errGone = errors.New("the process ended")

// awaitAnswer waits until the server accepts our password and is the one of our data, not another that was quicker to take the port.
func (p *Postgres) awaitAnswer(ctx context.Context, proc *process, port int) error {
	for {
		data, err := p.ask(ctx, port)
		switch {
		case err == nil && data == p.data():
			return nil
		case err == nil && !proc.isGone():
			return fmt.Errorf("the server on port %d has its data in %s, want %s", port, data, p.data())
		}
		select {
		case <-proc.exited:
			return errGone
		default:
		}
		var refusal *pgconn.PgError
		if errors.As(err, &refusal) && refusal.Code == "28P01" { // invalid password
			select {
			case <-proc.exited: // another server has the port, and ours gave up
				return errGone
			case <-time.After(time.Second):
				return fmt.Errorf("the password in %s is refused: bring back the file that belongs to this database", filepath.Join(p.home, passwordFile))
			}
		}
		select {
		case <-proc.exited:
			return errGone
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ask connects and returns the server's data directory.
func (p *Postgres) ask(ctx context.Context, port int) (data string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url("postgres", port))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	err = conn.QueryRow(ctx, `SELECT current_setting('data_directory')`).Scan(&data)
	return data, err
}

// fatalLines returns what a server that could not start wrote about it since begin.
func fatalLines(log *os.File, begin int64) string {
	body, _ := io.ReadAll(io.NewSectionReader(log, begin, 64<<10))
	var lines []string
	for line := range bytes.Lines(body) {
		text := strings.TrimSpace(string(line))
		for _, level := range []string{"FATAL:", "PANIC:", "HINT:", "DETAIL:"} {
			if i := strings.Index(text, level); i >= 0 {
				lines = append(lines, text[i:])
			}
		}
	}
	if len(lines) == 0 {
		return strings.TrimSpace(string(body[max(0, len(body)-2000):]))
	}
	return strings.Join(lines, "; ")
}
