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
	gone chan struct{} // closed when the child has ended; nil while there is none
}

// Start implements [Process].
func (c *command) Start() error {
	cmd := exec.Command(c.line[0], c.line[1:]...)
	cmd.Stderr = os.Stderr
	inGroup(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the device by %q: %w", c.line, err)
	}
	gone := make(chan struct{})
	c.cmd, c.gone = cmd, gone
	go func() {
		_ = cmd.Wait() // "signal: killed", or what the process has said itself
		close(gone)
	}()
	return nil
}

// Ended implements [Process].
func (c *command) Ended() <-chan struct{} { return c.gone }

// Kill implements [Process].
func (c *command) Kill() error {
	if c.cmd == nil {
		return nil
	}
	err := killGroup(c.cmd)
	<-c.gone
	c.cmd, c.gone = nil, nil
	if err != nil {
		return fmt.Errorf("kill the device: %w", err)
	}
	return nil
}
