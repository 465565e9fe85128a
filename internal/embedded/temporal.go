package embedded

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	temporalProgram   = "athanor-temporal"
	temporalReadyTime = 60 * time.Second // a start takes half a second; a loaded machine ten times that
	temporalStopTime  = 6 * time.Second  // longer than the program gives itself
)

// TemporalOptions says how to run athanor-temporal.
type TemporalOptions struct {
	Binary      string // path of the program; "" = beside this executable, else on the PATH
	Dir         string // holds the SQLite file, the remembered ports and the log; made when absent
	Port        int    // for clients; 0 = the one of the last start, else any free one
	UIPort      int    // of Temporal's web page; 0 likewise, -1 = no page
	Namespace   string // default "athanor"
	PostgresURL string // when set, workflows live there instead of in a SQLite file
	Logger      *slog.Logger
}

// Temporal is a Temporal server that runs as a child of this process and ends with it, however it dies.
type Temporal struct {
	opts   TemporalOptions
	binary string
	keeper keeper
	ready  temporalReady // of the first start; a later one has the same addresses
}

// temporalReady is the line that the program prints when it is ready.
type temporalReady struct {
	Address   string `json:"address"`
	UI        string `json:"ui"`
	Namespace string `json:"namespace"`
	PID       int    `json:"pid"`
	Version   string `json:"version"`
}

// StartTemporal starts the program and returns when workflows can be started. From then on the program is started again, on the same
// ports, whenever it dies, until Stop.
func StartTemporal(ctx context.Context, opts TemporalOptions) (*Temporal, error) {
	opts.Logger = orDiscard(opts.Logger)
	binary, err := findTemporal(opts.Binary)
	if err != nil {
		return nil, err
	}
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start Temporal: make its directory: %w", err)
	}
	t := &Temporal{opts: opts, binary: binary}
	t.keeper = keeper{name: "temporal", logger: opts.Logger, launch: t.launch, polite: syscall.SIGTERM, firm: syscall.SIGKILL}
	if err := awaitPredecessor(ctx, t.db()); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	for attempt := 1; ; attempt++ {
		if err := t.choosePorts(opts); err != nil {
			return nil, fmt.Errorf("start Temporal: %w", err)
		}
		err := t.keeper.start(ctx)
		if err == nil {
			return t, nil
		}
		if attempt == 3 || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("start Temporal: %w", err)
		}
	}
}

// Addr is where Temporal clients connect, host:port.
func (t *Temporal) Addr() string { return t.ready.Address }

// UI is the address of Temporal's web page; "" when there is none.
func (t *Temporal) UI() string { return t.ready.UI }

// Namespace is the namespace that was made ready.
func (t *Temporal) Namespace() string { return t.ready.Namespace }

// Version is that of the Temporal server inside.
func (t *Temporal) Version() string { return t.ready.Version }

// PID is the process id, which changes when the program had to be started again.
func (t *Temporal) PID() int { return t.keeper.pid() }

// Restarts counts how many times the program died and was started again.
func (t *Temporal) Restarts() int { return t.keeper.count() }

// LogFile is where the program's log goes.
func (t *Temporal) LogFile() string { return filepath.Join(t.opts.Dir, "temporal.log") }

// Stop ends the program in order, in about a second, and by force when ctx is done or after 6 s.
func (t *Temporal) Stop(ctx context.Context) error {
	if err := t.keeper.stop(ctx, temporalStopTime); err != nil {
		return fmt.Errorf("stop Temporal: %w", err)
	}
	return nil
}

func (t *Temporal) db() string { return filepath.Join(t.opts.Dir, "temporal.db") }

// awaitPredecessor lets the child of a killed parent end, which takes a moment in which it still has its file and its ports.
func awaitPredecessor(ctx context.Context, db string) error {
	ctx, cancel := context.WithTimeout(ctx, temporalStopTime)
	defer cancel()
	err := awaitUnlocked(ctx, db+".lock")
	if held, ok := errors.AsType[*heldError](err); ok {
		return fmt.Errorf("%s is in use by process %d, which does not end: stop it first", db, held.pid)
	}
	return err
}

func (t *Temporal) choosePorts(wanted TemporalOptions) (err error) {
	t.opts.Port, t.opts.UIPort = wanted.Port, wanted.UIPort
	if t.opts.Port == 0 {
		t.opts.Port, err = ChoosePort(t.opts.Dir, "grpc", 0)
	}
	if err == nil && t.opts.UIPort == 0 {
		t.opts.UIPort, err = ChoosePort(t.opts.Dir, "page", 0)
	}
	return err
}

// errPortTaken says that somebody listened on a port between our choice and the program's use of it.
var errPortTaken = errors.New("a port was taken meanwhile")

func (t *Temporal) launch(ctx context.Context) (*process, error) {
	log, err := openLog(t.LogFile())
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}

	cmd := exec.Command(t.binary, "-stop-on-stdin-eof",
		"-port", strconv.Itoa(t.opts.Port), "-ui-port", strconv.Itoa(t.opts.UIPort),
		"-namespace", cmp.Or(t.opts.Namespace, "athanor"))
	cmd.Env = os.Environ()
	if t.opts.PostgresURL != "" {
		cmd.Env = append(cmd.Env, "ATHANOR_TEMPORAL_POSTGRES_URL="+t.opts.PostgresURL) // an argument would show the password to ps
	} else {
		cmd.Args = append(cmd.Args, "-db", t.db())
	}
	cmd.Dir, cmd.Stderr = t.opts.Dir, log
	// The child ends when this pipe does, and the kernel closes it when we die. It works on every system, unlike Linux's parent
	// death signal, which is sent when the thread that forked ends and not the process.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdout.Close() }()
	cmd.Stdout = w
	p, err := spawn(cmd)
	_ = w.Close()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", t.binary, err)
	}
	ready, err := awaitReady(ctx, stdout)
	if err != nil {
		gone := p.isGone()
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.exited
		if cause := lastError(log, begin); cause != "" && (gone || errors.Is(err, io.EOF)) {
			if strings.Contains(cause, "address already in use") {
				return nil, fmt.Errorf("%s: %s: %w", temporalProgram, cause, errPortTaken)
			}
			return nil, fmt.Errorf("%s: %s", temporalProgram, cause)
		}
		return nil, fmt.Errorf("%s: %w; its log is %s", temporalProgram, err, t.LogFile())
	}
	if t.ready.Address == "" {
		t.ready = ready
	}
	return p, nil
}

// awaitReady reads the one line that the program prints.
func awaitReady(ctx context.Context, stdout *os.File) (temporalReady, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, temporalReadyTime, fmt.Errorf("not ready within %s", temporalReadyTime))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = stdout.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if ctx.Err() != nil {
		return temporalReady{}, context.Cause(ctx)
	}
	if err != nil {
		return temporalReady{}, fmt.Errorf("it ended before it was ready: %w", err)
	}
	var r temporalReady
	if err := json.Unmarshal(line, &r); err != nil || r.Address == "" {
		return temporalReady{}, fmt.Errorf("its first line is %q, want one that says where it listens: is %s of this version?", bytes.TrimSpace(line), temporalProgram)
	}
	return r, nil
}

// lastError finds the cause of a failed start in what was logged since begin.
func lastError(log *os.File, begin int64) string {
	const most = 64 << 10
	body, _ := io.ReadAll(io.NewSectionReader(log, begin, most))
	cause := ""
	for line := range bytes.Lines(body) {
		var l struct{ Level, Msg, Err, Error string }
		switch {
		case json.Unmarshal(line, &l) != nil:
			cause = string(bytes.TrimSpace(line)) // a usage error, or a Go panic's last line
		case l.Level == "ERROR" && l.Err != "":
			cause = l.Err
		case l.Level == "ERROR" && l.Error != "":
			cause = l.Msg + ": " + l.Error
		case l.Level == "ERROR":
			cause = l.Msg
		}
	}
	return cause
}

// findTemporal returns the path of the program.
func findTemporal(given string) (string, error) {
	if given != "" {
		if _, err := exec.LookPath(given); err != nil {
			return "", fmt.Errorf("%s is not at %s: %w: build it with `make build`", temporalProgram, given, err)
		}
		return filepath.Abs(given)
	}
	var beside string
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			beside = filepath.Join(filepath.Dir(exe), temporalProgram)
			if _, err := exec.LookPath(beside); err == nil {
				return beside, nil
			}
		}
	}
	if path, err := exec.LookPath(temporalProgram); err == nil {
		return filepath.Abs(path)
	}
	return "", fmt.Errorf("%s is neither at %s nor on the PATH: build it with `make build`, which puts it beside athanor", temporalProgram, beside)
}
