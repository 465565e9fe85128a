// Package ahead works ahead on all cores and gives what comes of it in order.
package ahead

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

const (
	// batchLen is how many values a goroutine takes at a time.
	batchLen = 32
	// most is how many goroutines work: they bound what is in memory, and whoever
	// takes what they give does not keep pace with more.
	most = 8
)

type batch[In, Out any] struct {
	in   []In
	out  []Out
	err  error // of the value after those of out
	done chan struct{}
}

// Each calls yield with do of every value that each gives, in their order. do and
// each run in goroutines of their own, some hundred values before yield at most,
// and have ended when Each returns. The error of each or do comes after the values
// before it; that of yield ends all.
func Each[In, Out any](each func(yield func(In) error) error, do func(In) (Out, error), yield func(Out) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var g errgroup.Group
	cores := min(runtime.GOMAXPROCS(0), most)
	asked, work := make(chan *batch[In, Out], 2*cores), make(chan *batch[In, Out])
	g.Go(func() error {
		defer close(asked)
		defer close(work)
		return batches(each, func(b *batch[In, Out]) error {
			for _, to := range []chan<- *batch[In, Out]{asked, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range cores {
		g.Go(func() error {
			for b := range work {
				b.work(do)
			}
			return nil
		})
	}
	err := inOrder(asked, yield)
	stop()
	if ended := g.Wait(); err == nil {
		err = ended
	}
	return err
}

func batches[In, Out any](each func(yield func(In) error) error, yield func(*batch[In, Out]) error) error {
	begin := func() *batch[In, Out] {
		return &batch[In, Out]{in: make([]In, 0, batchLen), done: make(chan struct{})}
	}
	b := begin()
	failed := each(func(x In) error {
		if b.in = append(b.in, x); len(b.in) < batchLen {
			return nil
		}
		full := b
		b = begin()
		return yield(full)
	})
	if len(b.in) > 0 {
		if err := yield(b); err != nil && failed == nil {
			return err
		}
	}
	return failed
}

func (b *batch[In, Out]) work(do func(In) (Out, error)) {
	defer close(b.done)
	b.out = make([]Out, 0, len(b.in))
	for _, x := range b.in {
		y, err := do(x)
		if err != nil {
			b.err = err
			return
		}
		b.out = append(b.out, y)
	}
}

func inOrder[In, Out any](asked <-chan *batch[In, Out], yield func(Out) error) error {
	for b := range asked {
		<-b.done
		for _, y := range b.out {
			if err := yield(y); err != nil {
				return err
			}
		}
		if b.err != nil {
			return b.err
		}
	}
	return nil
}
