package index

import (
	"math"
	"slices"
)

// Judged is a query and how relevant documents are to it, by id; documents not
// named are taken as irrelevant.
type Judged struct {
	Query Query
	Grade map[string]float64
}

// NDCG is the normalised discounted cumulative gain of the first k documents,
// with linear gains and the ideal from all that are judged (Järvelin and
// Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002). It is 0
// when nothing is relevant.
func NDCG(ids []string, grade map[string]float64, k int) float64 {
	var gain, ideal float64
	for i, id := range ids[:min(k, len(ids))] {
		gain += grade[id] / math.Log2(float64(i+2))
	}
	grades := make([]float64, 0, len(grade))
	for _, g := range grade {
		grades = append(grades, g)
	}
	slices.Sort(grades)
	slices.Reverse(grades)
	for i, g := range grades[:min(k, len(grades))] {
		ideal += g / math.Log2(float64(i+2))
	}
	if ideal <= 0 {
		return 0
	}
	return gain / ideal
}

// learnDepth is how far down nDCG is looked at; deeper than the ten that people
// see, so that a few judgements say more.
const learnDepth = 20

// minJudged is how many judged queries weights can be learned from; fewer say
// more about themselves than about the next.
const minJudged = 20

// Learn finds the weights of r's signals with the highest mean nDCG over the
// judged queries, by coordinate search from the default weights. Weights sum to
// one; on ties the earlier, closer to the default, stay. With fewer than 20
// queries that have a relevant document it returns DefaultWeights.
func (r *Ranker) Learn(judged []Judged) Weights {
	type task struct {
		docs  []Ranked
		grade map[string]float64
	}
	var tasks []task
	for _, j := range judged {
		docs := r.candidates(j.Query)
		if slices.ContainsFunc(docs, func(d Ranked) bool { return j.Grade[d.ID] > 0 }) {
			tasks = append(tasks, task{docs, j.Grade})
		}
	}
	if len(tasks) < minJudged {
		return DefaultWeights
	}
	// The gain depends on how many documents stand above each relevant one, which
	// needs no sorting.
	value := func(w Weights) float64 {
		var sum float64
		for _, t := range tasks {
			var gain float64
			for _, d := range t.docs {
				g := t.grade[d.ID]
				if g <= 0 {
					continue
				}
				s, above := w.of(d.Signals), 0
				for i := range t.docs {
					if w.of(t.docs[i].Signals) > s {
						above++
					}
				}
				if above < learnDepth {
					gain += g / math.Log2(float64(above+2))
				}
			}
			sum += gain / idealGain(t.grade)
		}
		return sum / float64(len(tasks))
	}
	best := DefaultWeights.normal()
	top := value(best)
	for _, step := range []float64{0.1, 0.05, 0.02} {
		for improved := true; improved; {
			improved = false
			for i := range 4 {
				for _, by := range []float64{step, -step} {
					w := best
					at := [...]*float64{&w.Body, &w.Title, &w.Pairs, &w.Dense}[i]
					*at = max(*at+by, 0)
					w = w.normal()
					if v := value(w); v > top+1e-6 {
						best, top, improved = w, v, true
					}
				}
			}
		}
	}
	return best
}

func idealGain(grade map[string]float64) float64 {
	n := 0
	var sum float64
	for _, g := range grade {
		if g > 0 {
			sum += g / math.Log2(float64(n+2)) // grades of 1; a mix of grades only rescales the query
			n++
		}
	}
	return sum
}

func (w Weights) normal() Weights {
	sum := w.Body + w.Title + w.Pairs + w.Dense
	if sum <= 0 {
		return DefaultWeights
	}
	return Weights{w.Body / sum, w.Title / sum, w.Pairs / sum, w.Dense / sum}
}
