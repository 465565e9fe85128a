//go:build unix

package sdk

import (
	"os"
	"syscall"
)

// lockFile takes file for this process, until it is closed.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
