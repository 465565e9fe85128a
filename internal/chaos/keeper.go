package chaos

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/internal/rig"
)

// kept is a child that is started again whenever it is gone.
type kept struct {
	role  string
	make  func(start int) any // the configuration of a start
	spawn rig.Spawn
	log   io.Writer

	mu    sync.Mutex
	child *rig.Child
	ended chan struct{}
}

// keep runs a child until ctx ends, and returns when it runs for the first time.
func (k *kept) keep(ctx context.Context) error {
	start := 1
	c, err := rig.Start(k.spawn, k.role, k.make(start), k.log)
	if err != nil {
		return err
	}
	k.child, k.ended = c, make(chan struct{})
	go func() {
		defer close(k.ended)
		for {
			select {
			case <-c.Ended():
			case <-ctx.Done():
				c.Kill()
				return
			}
			c.Kill() // lets go of what is left of it
			for {
				if ctx.Err() != nil {
					return
				}
				start++
				if c, err = rig.Start(k.spawn, k.role, k.make(start), k.log); err == nil {
					break
				}
				pause(ctx, 100*time.Millisecond)
			}
			k.mu.Lock()
			k.child = c
			k.mu.Unlock()
		}
	}()
	return nil
}

// kill ends the child, by SIGKILL; it is started again.
func (k *kept) kill() {
	k.mu.Lock()
	c := k.child
	k.mu.Unlock()
	c.Kill()
}
