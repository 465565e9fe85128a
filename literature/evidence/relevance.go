package evidence

import "math"

// Relevance turns a ranker's score into the probability that a paper bears on the
// campaign, from how it compares with the best paper that was found: a logistic
// curve that is one half at half of the best score and a twentieth at a fifth.
// Where people have judged papers, their word counts instead.
func Relevance(score, best float64) float64 {
	if !(best > 0) || !(score > 0) {
		return 0
	}
	return 1 / (1 + math.Exp(-10*(min(score/best, 1)-0.5)))
}
