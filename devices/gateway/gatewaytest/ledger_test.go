package gatewaytest_test

import (
	"testing"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
)

func TestLedger(t *testing.T) {
	gatewaytest.ExerciseLedger(t, func(*testing.T) gateway.Ledger { return new(gatewaytest.Ledger) })
}

func TestSamples(t *testing.T) {
	gatewaytest.ExerciseSamples(t, func(*testing.T) gateway.Samples { return new(gatewaytest.Samples) })
}

func TestRecalls(t *testing.T) {
	gatewaytest.ExerciseRecalls(t, func(*testing.T) (gateway.Recalls, gateway.Ledger) {
		ledger := new(gatewaytest.Ledger)
		return &gatewaytest.Recalls{Ledger: ledger, Asked: []string{"d-1", "d-2"}}, ledger
	})
}
