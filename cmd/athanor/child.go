package main

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// child is a program that is run again whenever it ends.
type child struct {
	mu  sync.Mutex // held while it is started, and while it must not be
	pid int        // 0 while it does not run
}

// hold keeps the child from being started until release, and returns its process
// id, 0 when it does not run.
func (c *child) hold() (pid int, release func()) {
	c.mu.Lock()
	return c.pid, c.mu.Unlock
}

// keep runs the child and runs it again whenever it ends, until stopped.
func (c *child) keep(program string, args []string, logFile string, logger *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 10*time.Second) {
			began := time.Now()
			err := c.run(ctx, program, args, logFile)
			if ctx.Err() != nil {
				return
			}
			if time.Since(began) > time.Minute {
				wait = 100 * time.Millisecond
			}
			logger.Error("a child ended and is started again", "program", filepath.Base(program)+" "+args[0], "err", err, "log", logFile)
			pause(ctx, wait)
		}
	}()
	return func() { cancel(); <-ended }
}

// run runs the child until it ends by itself or ctx does. The pipe to its
// standard input ends with this process, however it dies.
func (c *child) run(ctx context.Context, program string, args []string, logFile string) error {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Cancel = stdin.Close // it ends in order; after WaitDelay it is killed
	cmd.WaitDelay = 5 * time.Second
	childAttributes(cmd)
	if err := c.start(cmd); err != nil {
		return err
	}
	err = cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid = 0
	return err
}

func (c *child) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := cmd.Start()
	if err == nil {
		c.pid = cmd.Process.Pid
	}
	return err
}

// childAttributes gives a child a process group of its own, so that Ctrl-C
// reaches it through us and in order.
func childAttributes(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
