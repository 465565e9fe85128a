package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile is the name, inside a locked directory, of the file that holds the process id of the owner.
const lockFile = "lock"

// InUseError says that another process has a directory.
type InUseError struct {
	Dir string
	PID int // of the owner; 0 when it cannot be told
}

func (e *InUseError) Error() string {
	owner := "another process"
	if e.PID > 0 {
		owner = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("data directory %s is in use by %s: stop that one first, or choose another directory", e.Dir, owner)
}

// LockDir makes dir when it is absent and reserves it for this process. The reservation ends with release or with the process,
// however it dies. When another process has it, or this one already, the error is an [*InUseError].
func LockDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	f, err := lock(filepath.Join(dir, lockFile))
	if held, ok := errors.AsType[*heldError](err); ok {
		return nil, &InUseError{Dir: dir, PID: held.pid}
	}
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	return func() { unlock(f) }, nil
}

// heldError says that somebody else has the lock on a file.
type heldError struct{ pid int }

func (e *heldError) Error() string { return fmt.Sprintf("locked by process %d", e.pid) }

// lock takes the lock on a file, made when absent, and writes this process's id into it. It is held until [unlock], or until the
// process is gone.
func lock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &heldError{pid: holder(name)}
		}
		return nil, err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		unlock(f)
		return nil, err
	}
	return f, nil
}

// awaitUnlocked returns when nobody has the lock on a file any more, or with a [*heldError] when ctx is done before that.
func awaitUnlocked(ctx context.Context, name string) error {
	for {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		err = flock(f)
		unlock(f)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return &heldError{pid: holder(name)}
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// holder reads who wrote its id into a lock file; 0 when it cannot be told.
func holder(name string) int {
	body, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(body)))
	if err != nil {
		return 0
	}
	return pid
}

// unlock lets go and closes the file. Closing alone is not enough: the lock belongs to the open file, of which a program that is
// being started at this moment has a copy until its exec.
func unlock(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	_ = f.Close()
}

func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
