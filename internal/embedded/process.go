package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a server outside this process: a child, or one that a process before us started and left behind.
type process struct {
	pid    int
	exited <-chan struct{} // closed when it is gone
	state  func() string   // how it ended, once it has
}

// spawn starts cmd as the leader of a process group of its own, so that a Ctrl-C at the terminal reaches us and not it: we decide
// the order in which things stop.
func spawn(cmd *exec.Cmd) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state below tells what its error would
		close(exited)
	}()
	return &process{pid: cmd.Process.Pid, exited: exited, state: func() string { return cmd.ProcessState.String() }}, nil
}

// adopt watches a process that is not our child, looking every 100 ms.
func adopt(pid int) *process {
	exited := make(chan struct{})
	go func() {
		for alive(pid) {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // it is no child of ours, whose end would be told
		}
		close(exited)
	}()
	return &process{pid: pid, exited: exited, state: func() string { return "exited; it was adopted, so its status is not known" }}
}

// end asks with polite, waits until ctx is done, then insists with firm.
func (p *process) end(ctx context.Context, polite, firm syscall.Signal) error {
	if p == nil {
		return nil
	}
	_ = syscall.Kill(p.pid, polite) // fails when it is gone, which is what is wanted
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
	}
	_ = syscall.Kill(p.pid, firm)
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("process %d does not end", p.pid)
	}
	return fmt.Errorf("process %d had to be ended by force: %w", p.pid, context.Cause(ctx))
}

// isGone reports whether the process has ended.
func (p *process) isGone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// openLog opens a server's log for appending; one that has grown beyond maxLog is put aside first, replacing the one before.
func openLog(name string) (*os.File, error) {
	const maxLog = 16 << 20
	if st, err := os.Stat(name); err == nil && st.Size() > maxLog {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
}

// orDiscard is for callers that gave no logger.
func orDiscard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
