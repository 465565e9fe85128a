package devicestest_test

import (
	"testing"

	"github.com/athanor-lab/athanor/devices/devicestest"
)

func TestBroker(t *testing.T) {
	devicestest.Exercise(t, func(*testing.T) devicestest.Harness {
		b := devicestest.NewBroker()
		return devicestest.Harness{Dial: b.Dial, Drop: b.Drop}
	})
}
