package main

import (
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// withUnits returns o with the units of what its steps were sent and measured,
// as their devices declare them. A device that has gone has none to tell, and
// the outcome is recorded without.
func withUnits(o lab.Outcome, spec func(device, command string) (*lab.CommandSpec, error)) lab.Outcome {
	o.Steps = slices.Clone(o.Steps)
	for i, s := range o.Steps {
		declared, err := spec(s.Device, s.Command)
		if err != nil {
			continue
		}
		for _, side := range []struct {
			of     string
			params []lab.ParamSpec
		}{{"params", declared.Params}, {"values", declared.Results}} {
			for _, p := range side.params {
				if p.Unit != "" {
					o.Steps[i].Units = append(o.Steps[i].Units, lab.NamedUnit{Of: side.of, Name: p.Name, Unit: p.Unit})
				}
			}
		}
	}
	return o
}
