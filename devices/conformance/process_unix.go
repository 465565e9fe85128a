//go:build unix

package conformance

import (
	"os/exec"
	"syscall"
)

// inGroup puts the process and its children into a group of their own.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the process with its children, so that a shell that started
// the device does not outlive it, nor the device the shell.
func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if err == syscall.ESRCH { // nobody of them is left
		return nil
	}
	return err
}
