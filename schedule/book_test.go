package schedule_test

import (
	"testing"

	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

func TestBook(t *testing.T) {
	t.Parallel()
	scheduletest.Exercise(t, func(*testing.T) scheduletest.Fixture { return new(scheduletest.Book) })
}
