package bench

import (
	"path/filepath"

	"github.com/athanor-lab/athanor/literature/extract"
)

// Extraction is what was measured on annotated procedures. A pair is a number and
// its unit, for units of conditions and of amounts, by where both begin; a link
// is right when a condition's operation begins where one of the annotated does.
type Extraction struct {
	PairF1 *float64 `json:"pair_f1"`
	// PairF1Related leaves out pairs whose number and unit are both annotated and
	// whose unit has no number at all: procedures where relations were not marked.
	PairF1Related *float64 `json:"pair_f1_related"`
	Precision     *float64 `json:"pair_precision"`
	Recall        *float64 `json:"pair_recall"`
	Link          *float64 `json:"link_accuracy"`
	NotInSpan     *int     `json:"values_not_in_span"`
	Documents     int      `json:"documents"`
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
	unrelated            int // number and unit are annotated, and that they belong together is not
	linked, links        int
	fabricated, docs     int
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
	gold, links, related := map[pair]bool{}, map[int]map[int]bool{}, map[int]bool{}
	for _, r := range d.Relations {
		h, t := kind[r.Head], kind[r.Tail]
		switch {
		case r.Type == "Number_Of" && h == "Number" && (t == "Condition-Unit" || t == "Amount-Unit"):
			gold[pair{at[r.Head], at[r.Tail]}] = true
			related[at[r.Tail]] = true
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
		case types[p.number] == "Number" && (t == "Condition-Unit" || t == "Amount-Unit") && !related[p.unit]:
			c.unrelated++
		default:
			c.wrong++
		}
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

// extraction measures every annotated set in dir.
func extraction(dir string) (Extraction, error) {
	var x Extraction
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil || len(paths) == 0 {
		return x, err
	}
	var c tally
	for _, p := range paths {
		if err := rows(p, c.count); err != nil {
			return x, err
		}
	}
	x.Documents = c.docs
	if c.right == 0 || c.links == 0 {
		return x, nil
	}
	precision, recall := float64(c.right)/float64(c.right+c.wrong+c.unrelated), float64(c.right)/float64(c.right+c.missed)
	x.Precision, x.Recall, x.PairF1 = ptr(precision), &recall, ptr(2*precision*recall/(precision+recall))
	precision = float64(c.right) / float64(c.right+c.wrong)
	x.PairF1Related = ptr(2 * precision * recall / (precision + recall))
	x.Link = ptr(float64(c.linked) / float64(c.links))
	x.NotInSpan = &c.fabricated
	return x, nil
}
