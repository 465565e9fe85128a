package extract

import (
	"strings"
)

// link chooses the operation that a quantity was a condition of, among those of
// its sentence.
func link(t string, q quantity, ops []operation) (operation, bool) {
	start, end := min(q.span.Start, q.unit.span.Start), max(q.span.End, q.high.End, q.unit.span.End)
	before, after := -1, -1
	for i, o := range ops {
		if o.span.End <= start || o.span.Start >= q.unit.span.End && o.span.End <= q.span.Start { // "pH … adjusted to 7"
			before = i
		} else if o.span.Start >= end && after < 0 {
			after = i
		}
	}
	switch {
	case before < 0 && after < 0:
		return operation{}, false
	case before < 0:
		return ops[after], true
	}
	if after >= 0 {
		gap := strings.TrimSpace(t[end:ops[after].span.Start])
		if gap == "of" || gap == "" || gap == "under" && ops[after].ing {
			return ops[after], true
		}
	}
	return ops[before], true
}
