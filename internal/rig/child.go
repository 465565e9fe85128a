package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Spawn returns the command that runs this program as a child in a role, whose
// configuration is JSON. It does not start it.
type Spawn func(role, config string) *exec.Cmd

// Role is what a child does until ctx ends. Its configuration is JSON.
type Role func(ctx context.Context, config []byte) error

// Child is this program in another role.
type Child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	once  sync.Once
}

// Start runs a child. What it writes to standard output and error goes to log.
func Start(spawn Spawn, role string, config any, log io.Writer) (*Child, error) {
	b, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	cmd := spawn(role, string(b))
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	own(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, errors.Join(err, stdin.Close()))
	}
	c := &Child{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is of no interest: it is killed
		close(c.ended)
	}()
	return c, nil
}

// PID returns the child's process id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Ended is closed when the child is gone.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Kill ends the child by SIGKILL and returns when it is gone.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill() // gone already
	<-c.ended
	c.once.Do(func() { _ = c.stdin.Close() })
}

// Freeze stops the child without ending it: its connections stay, and nothing
// comes out of them. Kill ends a frozen child too.
func (c *Child) Freeze() error {
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze process %d: %w", c.PID(), err)
	}
	return nil
}

// Play runs a role in this process, which is a child, until it ends or its
// parent does.
func Play(ctx context.Context, roles map[string]Role, role, config string) error {
	play, ok := roles[role]
	if !ok {
		return fmt.Errorf("there is no role %q", role)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return play(ctx, []byte(config))
}
