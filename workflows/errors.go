package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/athanor-lab/athanor/lab"
)

// forTemporal translates the kind of an error to a retry decision: what can
// never succeed is not tried again.
func forTemporal(err error) error {
	if err == nil {
		return nil
	}
	switch kind := lab.KindOf(err); kind {
	case lab.Invalid, lab.NotFound, lab.Conflict, lab.Unsafe:
		return temporal.NewNonRetryableApplicationError(err.Error(), string(kind), err)
	default:
		return err
	}
}
