package schedule

import (
	"fmt"
	"slices"
	"strings"
)

// Why says for a person what r waits for, as in "waits for heater-1, held by
// experiment 12 of cmp_…", without the campaign where it is r's own. Equal states give equal texts.
func (s *State) Why(r Request) string {
	t := s.tally()
	if !t.admitted(r.Experiment) {
		if o := t.obstacle(r); o != "" {
			return o
		}
	}
	if _, ok := t.assign(r); ok {
		return "can be granted now"
	}
	var missing []string
	for _, n := range r.Needs {
		if t.heldAs(r.Experiment, n) == "" {
			if why := t.lack(r, n); why != "" {
				missing = append(missing, why)
			}
		}
	}
	if len(missing) == 0 {
		return "waits for " + names(r.Needs) + ": each is free, but one device would have to be two of them"
	}
	return "waits for " + strings.Join(missing, ", and for ")
}

// lack says why n cannot be answered now, or "".
func (t *tally) lack(r Request, n Need) string {
	var whys []string
	for _, d := range slices.SortedFunc(slices.Values(t.devices), func(a, b Device) int { return strings.Compare(a.ID, b.ID) }) {
		if n.Device != "" && n.Device != d.ID {
			continue
		}
		if !slices.Contains(d.Capabilities, n.Capability) {
			if n.Device == d.ID {
				return fmt.Sprintf("%s, which does not offer %q", d.ID, n.Capability)
			}
			continue
		}
		i, held := t.holder[d.ID]
		switch {
		case held:
			whys = append(whys, d.ID+", held by "+r.experiment(t.held[i].Campaign, t.held[i].Number))
		case !d.Ready:
			whys = append(whys, d.ID+", which "+d.Why)
		case d.Next != "" && d.Next != r.ID:
			whys = append(whys, d.ID+", which is kept for what it did next after the backup")
		default:
			return ""
		}
	}
	switch {
	case len(whys) > 0:
		return strings.Join(whys, " or ")
	case n.Device != "":
		return n.Device + ", which the laboratory does not know"
	default:
		return fmt.Sprintf("a device with capability %q, which no device offers", n.Capability)
	}
}

// String says for a person what g gave.
func (g Grant) String() string {
	if len(g.Holds) == 0 {
		return "granted nothing"
	}
	s := make([]string, len(g.Holds))
	for i, h := range g.Holds {
		s[i] = fmt.Sprintf("%s as %q (epoch %d)", h.Device, h.Role, h.Epoch)
	}
	return "granted " + strings.Join(s, ", ")
}

func names(needs []Need) string {
	s := make([]string, len(needs))
	for i, n := range needs {
		s[i] = fmt.Sprintf("%q", n.Capability)
	}
	return strings.Join(s, " and ")
}
