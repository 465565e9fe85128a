package screen

// Agreement is how far reviewers say the same of the records that at least two of
// them judged relevant or irrelevant; who was unsure said nothing.
type Agreement struct {
	Reviewers int `json:"reviewers"`
	Both      int `json:"both"` // records that at least two judged
	// Same is the share of pairs of judgements of one record that are equal.
	Same *float64 `json:"same"`
	// Alpha is Krippendorff's coefficient for two categories: 1 for full agreement,
	// 0 for that of chance; null where nothing could have been said differently.
	Alpha *float64 `json:"alpha"`
	// Conflicts are the records on which they differ.
	Conflicts []int `json:"conflicts"`
}

// Agree compares reviewers, each a label to a record, Unread where there is none.
// Alpha is 1 - (n-1)·Σ oc/(n0·n1), with o the disagreeing pairs of a record weighed
// by its judgements less one, and n0, n1 how often each label was given
// (Krippendorff, "Content Analysis", 2004, for nominal data with gaps).
func Agree(reviewers [][]Label) Agreement {
	a := Agreement{Reviewers: len(reviewers), Conflicts: []int{}}
	if len(reviewers) == 0 {
		return a
	}
	var no, yes, differ, pairs, same float64
	for i := range reviewers[0] {
		var n, y float64
		for _, r := range reviewers {
			switch r[i] {
			case Relevant:
				y++
			case Irrelevant:
				n++
			default: // nobody said
			}
		}
		if n+y < 2 {
			continue
		}
		a.Both++
		no, yes = no+n, yes+y
		differ += n * y / (n + y - 1)
		pairs += (n + y) * (n + y - 1) / 2
		same += (n*(n-1) + y*(y-1)) / 2
		if n > 0 && y > 0 {
			a.Conflicts = append(a.Conflicts, i)
		}
	}
	if pairs > 0 {
		s := same / pairs
		a.Same = &s
	}
	if no > 0 && yes > 0 {
		alpha := 1 - (no+yes-1)*differ/(no*yes)
		a.Alpha = &alpha
	}
	return a
}
