package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// A laboratory that runs out of disk stands still in the middle of something:
// neither Temporal nor PostgreSQL can write, and every part of it waits. So it
// is not opened without room to work in, and closes in order before the last of
// it is gone.
const (
	roomToOpenMB = 512
	roomToRunMB  = 128
)

// diskEvery is how often the room is looked at; at full speed a laboratory
// writes a few megabytes a second.
const diskEvery = 2 * time.Second

// freeMB returns the room on the disk of a directory that we may use.
func freeMB(dir string) (float64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return float64(st.Bavail) * float64(st.Bsize) / (1 << 20), nil
}

// disk watches over the room of a data directory.
type disk struct {
	dir    string
	keepMB float64 // besides what the laboratory needs
	free   func(dir string) (float64, error)
}

// enough is an error when less than needMB, and what is to be kept, is free.
func (d disk) enough(needMB float64, doing string) error {
	free, err := d.free(d.dir)
	if err != nil {
		return err
	}
	if need := needMB + d.keepMB; free < need {
		return lab.Errorf(lab.Unavailable, "the disk of %s has %.0f MB free and %s needs %.0f MB: make room, or choose another disk with --data; nothing is lost", d.dir, free, doing, need)
	}
	return nil
}

// watch returns the first lack of room, or nil when ctx ends.
func (d disk) watch(ctx context.Context) error {
	for ; ctx.Err() == nil; pause(ctx, diskEvery) {
		if err := d.enough(roomToRunMB, "a laboratory that runs"); err != nil {
			return err
		}
	}
	return nil
}
