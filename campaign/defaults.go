package campaign

import "github.com/athanor-lab/athanor/lab"

// Defaults returns the document with all that its author left to us filled in.
// What is there is not changed, and filling in twice is the same as once.
func Defaults(doc lab.Document) lab.Document {
	or := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	or(&doc.Plan.Planner, "auto")
	if doc.Plan.Batch == 0 {
		doc.Plan.Batch = 1
	}
	if doc.Plan.InFlight == 0 {
		doc.Plan.InFlight = doc.Plan.Batch
	}
	or(&doc.Safety.Approve, "never")
	or(&doc.Safety.OnInDoubt, "ask")
	or(&doc.Safety.OnFailure.Then, "skip")

	if s := doc.Safety.Start; s != nil {
		filled := *s
		if filled.Within == 0 {
			filled.Within = lab.DefaultWithin
		}
		if filled.Chance == 0 {
			filled.Chance = lab.DefaultChance
		}
		doc.Safety.Start = &filled
	}

	parameters := append([]lab.Parameter(nil), doc.Space.Parameters...)
	for i := range parameters {
		p := &parameters[i]
		switch p.Type {
		case lab.Continuous, lab.Integer:
			or(&p.Scale, "linear")
		case lab.Composition:
			if p.Sum == nil {
				p.Sum = new(1.0)
			}
		default:
		}
	}
	doc.Space.Parameters = parameters

	steps := append([]lab.Step(nil), doc.Protocol.Steps...)
	for i := range steps {
		if f := steps[i].OnFailure; f != nil {
			filled := *f
			or(&filled.Then, "skip")
			steps[i].OnFailure = &filled
		}
	}
	doc.Protocol.Steps = steps
	return doc
}
