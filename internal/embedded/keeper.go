package embedded

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// Pauses between attempts to start a server that died: the first is short, since most deaths are single, and they double up to the
// last, so that a server which cannot start does not burn the machine.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 10 * time.Second
	steadyRun  = time.Minute // a server that ran this long has recovered from whatever it was
)

// keeper keeps one server running from its first start until stop.
type keeper struct {
	name   string
	logger *slog.Logger
	launch func(context.Context) (*process, error) // returns when the server is ready, or has it killed
	polite syscall.Signal                          // to stop it in order
	firm   syscall.Signal                          // when that takes too long

	cancel context.CancelFunc // ends the watch
	ended  chan struct{}      // closed when the watch has ended

	mu       sync.Mutex
	current  *process
	restarts int
}

// start launches the server for the first time, bounded by ctx, and watches it from then on.
func (k *keeper) start(ctx context.Context) error {
	p, err := k.launch(ctx)
	if err != nil {
		return err
	}
	k.current = p
	watch, cancel := context.WithCancel(context.Background())
	k.cancel, k.ended = cancel, make(chan struct{})
	go k.watch(watch)
	return nil
}

func (k *keeper) watch(ctx context.Context) {
	defer close(k.ended)
	pause := firstPause
	for {
		started := time.Now()
		p := k.process()
		select {
		case <-ctx.Done():
			return
		case <-p.exited:
		}
		k.logger.ErrorContext(ctx, "server died and is started again", "server", k.name, "pid", p.pid, "state", p.state())
		if time.Since(started) > steadyRun {
			pause = firstPause
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			next, err := k.launch(ctx)
			if err == nil {
				k.logger.WarnContext(ctx, "server runs again", "server", k.name, "pid", next.pid)
				k.mu.Lock()
				k.current, k.restarts = next, k.restarts+1
				k.mu.Unlock()
				break
			}
			if ctx.Err() == nil {
				k.logger.ErrorContext(ctx, "server cannot be started", "server", k.name, "err", err, "next_attempt_in", pause.String())
			}
		}
	}
}

func (k *keeper) process() *process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

func (k *keeper) pid() int { return k.process().pid }

// count returns how many times the server has been started again.
func (k *keeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.restarts
}

// stop ends the watch and then the server. When ctx has no deadline it waits at most limit for an orderly end.
func (k *keeper) stop(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("it did not stop in time"))
	defer cancel()
	k.cancel()
	<-k.ended
	return k.process().end(ctx, k.polite, k.firm)
}
