//go:build unix

package sdk

import (
	"os"
	"syscall"
)

// lockFile takes file for this process, until [unlockFile].
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// unlockFile lets go and closes the file. Closing alone is not enough: the lock
// belongs to the open file, of which a program that is being started at this
// moment has a copy until its exec.
func unlockFile(file *os.File) error {
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
	return file.Close()
}
