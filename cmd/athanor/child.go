package main

import (
	"os/exec"
	"syscall"
)

// childAttributes gives a child a process group of its own, so that Ctrl-C
// reaches it through us and in order.
func childAttributes(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
