package lab

// Evidence is what published work says that bears on a campaign, in the words of
// its space. It is a record that never changes: a plan's brief holds the whole of
// it, so that the plan can be made again when the corpus has grown.
type Evidence struct {
	// Version names the record: the SHA-256 of what it was made from and how.
	Version string `json:"version"`
	// Papers are those that were ranked, kept and read, most relevant first.
	Papers []Cited `json:"papers"`
	// Claims say where papers found good places.
	Claims []Claim `json:"claims,omitempty"`
	// Ratings say what is better or worse than the rest, wherever it is.
	Ratings []Rating `json:"ratings,omitempty"`
}

// Cited is a paper as the evidence cites it.
type Cited struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
	DOI   string `json:"doi,omitempty"`
	Year  int    `json:"year,omitempty"`
	// Relevance is the probability that the paper bears on the campaign.
	Relevance float64 `json:"relevance"`
	// Credibility is what the laboratory's own outcomes, so far as they were known
	// when the evidence was made, say of the paper's claims: a probability, 0.5 before
	// there are any, and left out then.
	Credibility float64 `json:"credibility,omitempty"`
}

// Claim says that a paper worked at a place. A parameter without a setting is one
// that it says nothing of.
type Claim struct {
	Paper    string    `json:"paper"`
	Settings []Setting `json:"settings"`
	// Objective is what was good there; "" stands for the first of the campaign.
	Objective string `json:"objective,omitempty"`
	// Weight is how much it counts beside others, at least 0: relevance of the
	// paper × confidence that it says so × how good it found the place.
	Weight float64 `json:"weight"`
	// Quote is the sentence that says so.
	Quote string `json:"quote,omitempty"`
	// Checked are the people who looked at what was found there, and accepted or
	// corrected it.
	Checked []string `json:"checked,omitempty"`
}

// Rating says how much better, in standard deviations of the objective, or worse
// than average a place with these settings is, whatever the others are.
type Rating struct {
	Paper     string    `json:"paper"`
	Settings  []Setting `json:"settings"`
	Objective string    `json:"objective,omitempty"` // "" stands for the first
	Score     float64   `json:"score"`
}

// Influence is how far a paper moved a proposal.
type Influence struct {
	Paper string `json:"paper"`
	// Gain is the proposal's acquisition less what it would be had the paper never
	// been read, in its own unit: exact, all other papers and the hyperparameters
	// of the model held.
	Gain float64 `json:"gain"`
	// Shift is the same of what is expected of the first objective, in its unit.
	Shift float64 `json:"shift"`
	// Share is the paper's part of all that papers moved it, from 0 to 1.
	Share float64 `json:"share"`
}
