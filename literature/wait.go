package literature

import (
	"context"
	"time"
)

// Wait returns nil after d, or the error of ctx when that is done before. It is how those who ask services and models leave them alone.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
