package campaign

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// complaints collects what is wrong with a document.
type complaints struct{ all []lab.Problem }

// complaint is one of them in the making.
type complaint struct {
	in *complaints
	i  int
}

// addf notes what is wrong at path; what would be right follows by
// [complaint.right].
func (c *complaints) addf(path, format string, args ...any) complaint {
	c.all = append(c.all, lab.Problem{Path: path, Wrong: fmt.Sprintf(format, args...)})
	return complaint{c, len(c.all) - 1}
}

func (x complaint) right(format string, args ...any) {
	x.in.all[x.i].Right = fmt.Sprintf(format, args...)
}

// has reports whether there is a complaint at path or below it.
func (c *complaints) has(path string) bool {
	return slices.ContainsFunc(c.all, func(p lab.Problem) bool { return within(p.Path, path) })
}

// within reports whether path is at or below root.
func within(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// sorted returns the complaints in the order of the source where lines are
// known, else as they came, without repetitions.
func sorted(problems []lab.Problem) []lab.Problem {
	slices.SortStableFunc(problems, func(a, b lab.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	seen := map[lab.Problem]bool{}
	return slices.DeleteFunc(problems, func(p lab.Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// figure writes a number as its author would.
func figure(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// nearest returns the word most like found, or "" when none is near.
func nearest(found string, words []string) string {
	best, least := "", 1+max(1, len(found)/3)
	for _, w := range words {
		if len(found) >= 3 && strings.HasPrefix(w, strings.ToLower(found)) {
			return w
		}
		if d := distance(strings.ToLower(found), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to change, add, leave out or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 {
		return max(len(x), len(y))
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}

// known says which words would be right in place of found.
func known(found string, words []string, what string) string {
	if near := nearest(found, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(words) == 0 {
		return "there are no " + what
	}
	const most = 12
	list := words
	if len(list) > most {
		list = append(slices.Clone(list[:most]), "…")
	}
	return "the " + what + " are " + strings.Join(list, ", ")
}
