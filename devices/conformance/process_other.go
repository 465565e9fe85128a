//go:build !unix

package conformance

import (
	"errors"
	"os"
	"os/exec"
)

func inGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error {
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
