//go:build unix

package blob

import (
	"errors"
	"os"
	"syscall"
)

// lock takes a file for whoever opened it, until it is closed. It reports false
// when some other process has it.
func lock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
