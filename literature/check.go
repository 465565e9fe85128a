package literature

import (
	"math"
	"regexp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

var corpusForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckCorpus refuses what cannot name a corpus.
func CheckCorpus(name string) error {
	if !corpusForm.MatchString(name) {
		return lab.Errorf(lab.Invalid, "corpus %q: a name is of up to 64 letters, digits, points, dashes and underscores and begins with a letter or digit", name)
	}
	return nil
}

// Check refuses a batch that no store may keep.
func (b Batch) Check() error {
	if b.Source == "" || b.Digest == "" {
		return lab.Errorf(lab.Invalid, "import: a batch needs a source and the digest of its content")
	}
	for i, p := range b.Papers {
		if p.ID == "" || p.Title == "" {
			return lab.Errorf(lab.Invalid, "import %s: paper %d has no id or no title", b.Source, i+1)
		}
	}
	return nil
}

// Check refuses a judgement that no store may keep.
func (j Judgement) Check() error {
	switch {
	case j.Paper == "" || j.Reviewer == "":
		return lab.Errorf(lab.Invalid, "judge: a judgement names a paper and a reviewer")
	case !j.Label.Known():
		return lab.Errorf(lab.Invalid, "judge %s: label %q is none of relevant, irrelevant, unsure, unread", j.Paper, j.Label)
	}
	return nil
}

// Check refuses findings that no store may keep.
func (e Extraction) Check() error {
	if e.Paper == "" || e.Extractor == "" || e.TextHash == "" {
		return lab.Errorf(lab.Invalid, "put findings: they need a paper, an extractor and the hash of the text")
	}
	for i, f := range e.Findings {
		if f.Paper != e.Paper || f.Extractor != e.Extractor {
			return lab.Errorf(lab.Invalid, "put findings of %s by %s: finding %d is of %q by %q", e.Paper, e.Extractor, i+1, f.Paper, f.Extractor)
		}
		if !finite(f.Value) || !finite(f.High) {
			return lab.Errorf(lab.Invalid, "put findings of %s: finding %d has a value that is no number", e.Paper, i+1)
		}
	}
	return nil
}

// Check refuses a correction that no store may keep.
func (c Correction) Check() error {
	if c.Finding == "" || c.By == "" {
		return lab.Errorf(lab.Invalid, "correct: a correction names a finding and who corrects it")
	}
	switch c.Verdict {
	case Corrected:
		if !c.Changes() {
			return lab.Errorf(lab.Invalid, "correct %s: it says nothing that should be another; give a value, high, unit, parameter, operation or outcome, or accept it", c.Finding)
		}
	case Accepted, Rejected, Reopened:
		if c.Changes() {
			return lab.Errorf(lab.Invalid, "correct %s: with the verdict %q nothing is changed; the verdict that changes is %q", c.Finding, c.Verdict, Corrected)
		}
	default:
		return lab.Errorf(lab.Invalid, "correct %s: verdict %q is none of accepted, rejected, corrected, reopened", c.Finding, c.Verdict)
	}
	for _, v := range []*float64{c.Value, c.High} {
		if v != nil && !finite(*v) {
			return lab.Errorf(lab.Invalid, "correct %s: %g is no value", c.Finding, *v)
		}
	}
	if c.Parameter != nil && *c.Parameter == "" {
		return lab.Errorf(lab.Invalid, "correct %s: a parameter has a name", c.Finding)
	}
	if c.Unit != nil {
		if _, err := ucum.Parse(*c.Unit); err != nil {
			return lab.Errorf(lab.Invalid, "correct %s: unit %q: %w", c.Finding, *c.Unit, err)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
