package bench

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
)

// prose writes what a paper claims as sentences, as authors would in words of
// their own order.
func (l *Lookup) prose(p paper) string {
	var b strings.Builder
	fmt.Fprintf(&b, "We examined %s. ", p.title)
	objective := spoken(l.Objective.Name)
	for n, c := range p.claims {
		var parts []string
		for k, q := range l.Parameters {
			v := c.at[k]
			text := v.Label()
			if v.Kind() == lab.IsNumber {
				text = strconv.FormatFloat(v.Number(), 'g', -1, 64)
			}
			switch (n + k) % 3 {
			case 0:
				parts = append(parts, "a "+spoken(q.Name)+" of "+text)
			case 1:
				parts = append(parts, spoken(q.Name)+" = "+text)
			default:
				parts = append(parts, "the "+spoken(q.Name)+" set to "+text)
			}
		}
		value := strconv.FormatFloat(c.value, 'g', 6, 64)
		if n%2 == 0 {
			fmt.Fprintf(&b, "With %s, the %s was %s. ", strings.Join(parts, ", "), objective, value)
		} else {
			fmt.Fprintf(&b, "A %s of %s was found with %s. ", objective, value, strings.Join(parts, " and "))
		}
	}
	return b.String()
}

func spoken(name string) string { return strings.ReplaceAll(name, "_", " ") }

// readProse extracts the claims of a paper from its sentences.
func (l *Lookup) readProse(g *Group, p paper) []evidence.Claim {
	text := l.prose(p)
	m := evidence.Mapping{Space: l.space(g), Objectives: []lab.Objective{l.Objective}}
	claims, _ := m.Claims(evidence.Source{Paper: p.id, Text: text, Findings: extract.Findings(text), Sentences: extract.Sentences(text), Relevance: p.relevance})
	return claims
}
