package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockWait is how long a start waits for the previous process on the same file to be gone.
const lockWait = 5 * time.Second

// lockStore makes this process the only one on its SQLite file: two servers on one file would both own every shard.
// A PostgreSQL store needs none of it; Temporal fences its shards there by range id.
func (o Options) lockStore(ctx context.Context) (func(), error) {
	if o.DB == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(o.DB), 0o755); err != nil {
		return nil, fmt.Errorf("make directory of -db: %w", err)
	}
	name := o.DB + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock -db: %w", err)
	}
	deadline := time.Now().Add(lockWait)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			holder, _ := os.ReadFile(name)
			_ = f.Close()
			return nil, fmt.Errorf("-db %s is in use by process %s: stop that one first, or choose another file", o.DB, strings.TrimSpace(string(holder)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return func() { _ = f.Close() }, nil // the kernel lets go of the lock, also when the process is killed
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}
