package rig

import (
	"os/exec"
	"syscall"
)

// own gives a child a process group of its own, so that Ctrl-C reaches it
// through us.
func own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ownForeign is own for a program that is not ours and does not watch whether we
// live: the kernel ends it with us.
func ownForeign(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
