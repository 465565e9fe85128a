//go:build unix && !linux

package rig

import (
	"os/exec"
	"syscall"
)

// own gives a child a process group of its own, so that Ctrl-C reaches it
// through us.
func own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ownForeign is own for a program that is not ours.
func ownForeign(cmd *exec.Cmd) { own(cmd) }
