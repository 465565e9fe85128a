package conformance

import (
	"fmt"
	"os"
	"os/exec"
)

// command is a Process that is a child of this one.
type command struct {
	line []string
	cmd  *exec.Cmd
}

// Start implements [Process].
func (c *command) Start() error {
	cmd := exec.Command(c.line[0], c.line[1:]...)
	cmd.Stderr = os.Stderr
	inGroup(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the device by %q: %w", c.line, err)
	}
	c.cmd = cmd
	return nil
}

// Kill implements [Process].
func (c *command) Kill() error {
	if c.cmd == nil {
		return nil
	}
	err := killGroup(c.cmd)
	_ = c.cmd.Wait() // "signal: killed"
	c.cmd = nil
	if err != nil {
		return fmt.Errorf("kill the device: %w", err)
	}
	return nil
}
