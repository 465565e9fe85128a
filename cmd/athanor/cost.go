package main

import (
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// reckon adds to a brief its fidelity and safe start, what experiments cost and what of the document's budget
// is left after those that it knows of.
func reckon(doc lab.Document, b *lab.Brief) error {
	b.Fidelity, b.Safe = doc.FidelityRule(), doc.Safety.Start
	m := doc.Budget.Cost
	if m == nil || m.Each == "" {
		return nil
	}
	r := lab.CostRule{Each: m.Each, Tables: doc.Protocol.Tables, Total: m.Value, Left: m.Value}
	of, err := campaign.Costs(doc.Space, r)
	if err != nil {
		return err
	}
	spend := func(settings []lab.Setting) error {
		cost, err := of(settings)
		r.Left -= cost
		return err
	}
	for _, k := range b.Known {
		if err := spend(k.Settings); err != nil {
			return err
		}
	}
	for _, k := range b.Pending {
		if err := spend(k.Settings); err != nil {
			return err
		}
	}
	if r.Left <= 0 {
		return lab.Errorf(lab.Conflict, "the budget of %g %s is used: the experiments so far cost %g", m.Value, m.Currency, m.Value-r.Left)
	}
	b.Cost = &r
	return nil
}
