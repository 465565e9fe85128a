package bench

import (
	"path/filepath"

	"github.com/athanor-lab/athanor/literature/extract"
)

// Extraction is what was measured on annotated procedures. A pair is a number and
// its unit, for units of conditions and of amounts, by where both begin; a link
// is right when a condition's operation begins where one of the annotated does.
//
// A procedure whose annotation relates no number to a unit at all says nothing of
// pairs; what is found in it is right or wrong by nothing. It is left out of
// pair_f1 and counted in documents_without_pairs; pair_f1_all takes whatever is
// found in such a procedure as wrong. pair_f1_by_entities holds it against what is
// annotated there instead: a pair is right when its number and its unit are each
// annotated as one, and every annotated unit of a condition or amount is to be found.
type Extraction struct {
	PairF1 *float64 `json:"pair_f1"`
	// PairF1Halves are of the procedures in even and in odd places of their files.
	// Rules are changed for what is seen in the even half only.
	PairF1Halves [2]*float64 `json:"pair_f1_halves"`
	PairF1All    *float64    `json:"pair_f1_all"`
	PairF1Any    *float64    `json:"pair_f1_by_entities"`
	Precision    *float64    `json:"pair_precision"`
	Recall       *float64    `json:"pair_recall"`
	Link         *float64    `json:"link_accuracy"`
	NotInSpan    *int        `json:"values_not_in_span"`
	Documents    int         `json:"documents"`
	WithoutPairs int         `json:"documents_without_pairs"`
}

type annotated struct {
	Text     string `json:"text"`
	Entities []struct {
		ID    string `json:"id"`
		Type  string `json:"type"`
		Start int    `json:"start"` // in code points
	} `json:"entities"`
	Relations []struct {
		Type string `json:"type"`
		Head string `json:"head"`
		Tail string `json:"tail"`
	} `json:"relations"`
}

// tally counts what extraction got right.
type tally struct {
	right, wrong, missed int
	unscored             int // found where no pairs are annotated
	meets, misses        int // of those, at an annotated number and unit; annotated units where nothing was found
	linked, links        int
	fabricated, docs     int
	withoutPairs         int
}

// f1 is the harmonic mean of precision and recall, nil where nothing was right;
// extra counts as wrong besides.
func (c tally) f1(extra int) *float64 {
	if c.right == 0 {
		return nil
	}
	return new(2 * float64(c.right) / float64(2*c.right+c.wrong+extra+c.missed))
}

func (c tally) plus(d tally) tally {
	return tally{
		right: c.right + d.right, wrong: c.wrong + d.wrong, missed: c.missed + d.missed, unscored: c.unscored + d.unscored,
		meets: c.meets + d.meets, misses: c.misses + d.misses, linked: c.linked + d.linked,
		links: c.links + d.links, fabricated: c.fabricated + d.fabricated, docs: c.docs + d.docs, withoutPairs: c.withoutPairs + d.withoutPairs,
	}
}

type pair struct{ number, unit int }

// count compares the findings of one procedure with its annotation.
func (c *tally) count(d annotated) {
	c.docs++
	runes := make([]int, len(d.Text)+1) // the code point that begins at a byte
	n := 0
	for i := range d.Text {
		runes[i] = n
		n++
	}
	runes[len(d.Text)] = n
	kind, at := map[string]string{}, map[string]int{}
	types := map[int]string{}
	for _, e := range d.Entities {
		kind[e.ID], at[e.ID], types[e.Start] = e.Type, e.Start, e.Type
	}
	gold, links := map[pair]bool{}, map[int]map[int]bool{}
	for _, r := range d.Relations {
		h, t := kind[r.Head], kind[r.Tail]
		switch {
		case r.Type == "Number_Of" && h == "Number" && (t == "Condition-Unit" || t == "Amount-Unit"):
			gold[pair{at[r.Head], at[r.Tail]}] = true
		case r.Type == "Condition_Of" && h == "Condition-Unit" && t == "Operation":
			if links[at[r.Head]] == nil {
				links[at[r.Head]] = map[int]bool{}
			}
			links[at[r.Head]][at[r.Tail]] = true
		}
	}
	found, verbs := map[pair]bool{}, map[int]int{}
	for _, f := range extract.Findings(d.Text) {
		if !extract.Verify(f, d.Text) {
			c.fabricated++
		}
		if f.Operation != "" {
			verbs[runes[f.UnitSpan.Start]] = runes[f.Verb.Start]
		}
		if extract.Condition(f) || extract.Amount(f) {
			found[pair{runes[f.Number.Start], runes[f.UnitSpan.Start]}] = true
		}
	}
	for p := range found {
		t := types[p.unit]
		switch {
		case gold[p]:
			c.right++
		case t == "Property-Unit" || t == "Apparatus-Unit": // annotated as something that is not scored
		case len(gold) == 0:
			c.unscored++
		default:
			c.wrong++
		}
	}
	if len(gold) == 0 {
		c.withoutPairs++
		c.entities(found, types)
	}
	for p := range gold {
		if !found[p] {
			c.missed++
		}
	}
	for unit, ops := range links {
		c.links++
		if v, ok := verbs[unit]; ok && ops[v] {
			c.linked++
		}
	}
}

// entities compares what was found in a procedure without pairs with the numbers and
// units that are annotated there.
func (c *tally) entities(found map[pair]bool, types map[int]string) {
	units := map[int]bool{}
	for p := range found {
		units[p.unit] = true
		if unit := types[p.unit]; types[p.number] == "Number" && (unit == "Condition-Unit" || unit == "Amount-Unit") {
			c.meets++
		}
	}
	for at, t := range types {
		if (t == "Condition-Unit" || t == "Amount-Unit") && !units[at] {
			c.misses++
		}
	}
}

// extraction measures every annotated set in dir.
func extraction(dir string) (Extraction, error) {
	var x Extraction
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil || len(paths) == 0 {
		return x, err
	}
	var half [2]tally
	for _, p := range paths {
		n := 0
		if err := rows(p, func(d annotated) { half[n%2].count(d); n++ }); err != nil {
			return x, err
		}
	}
	c := half[0].plus(half[1])
	x.Documents, x.WithoutPairs, x.NotInSpan = c.docs, c.withoutPairs, &c.fabricated
	if c.right == 0 || c.links == 0 {
		return x, nil
	}
	x.Precision, x.Recall = new(float64(c.right)/float64(c.right+c.wrong)), new(float64(c.right)/float64(c.right+c.missed))
	x.PairF1, x.PairF1All, x.PairF1Halves = c.f1(0), c.f1(c.unscored), [2]*float64{half[0].f1(0), half[1].f1(0)}
	all := c
	all.right, all.missed = c.right+c.meets, c.missed+c.misses
	x.PairF1Any = all.f1(c.unscored - c.meets)
	x.Link = new(float64(c.linked) / float64(c.links))
	return x, nil
}
