package expr

import (
	"fmt"
	"regexp"
	"strings"
)

// CompileError says where and why an expression does not compile.
type CompileError struct {
	Source     string
	Line       int // from 1
	Column     int // from 1, in characters
	Problem    string
	Name       string // the name that is unknown, or ""
	Suggestion string // the known name that is nearest to it, or ""
}

func (e *CompileError) Error() string {
	at := fmt.Sprintf("column %d", e.Column)
	if strings.Contains(e.Source, "\n") {
		at = fmt.Sprintf("line %d, %s", e.Line, at)
	}
	text := fmt.Sprintf("expression %s, %s: %s", excerpt(e.Source), at, e.Problem)
	if e.Suggestion != "" {
		text += fmt.Sprintf("; did you mean `%s`?", e.Suggestion)
	}
	return text
}

// excerpt quotes an expression, a long one by its beginning.
func excerpt(src string) string {
	if runes := []rune(src); len(runes) > 80 {
		src = string(runes[:80]) + "…"
	}
	return "`" + src + "`"
}

// The messages of CEL's checker and parser that we say better.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	mismatched = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	expecting  = regexp.MustCompile(`\s+(expecting|no viable).*$`)
	noFields   = regexp.MustCompile(`^type '(.*)' does not support field selection$`)
	expected   = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
)

// reword translates a message; name is the unknown name it is about, or "".
func reword(message string) (problem, name string) {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("unknown name `%s`", m[1]), m[1]
	}
	if m := mismatched.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("`%s` does not take %s", word(m[1]), arguments(m[2])), ""
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("a %s has no fields", word(m[1])), ""
	}
	if m := expected.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("a %s stands where a %s is needed", word(m[2]), word(m[1])), ""
	}
	if strings.Contains(message, "recursion") {
		return fmt.Sprintf("the expression nests deeper than %d parts; split it", maxDepth), ""
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		rest = expecting.ReplaceAllString(rest, "")
		return "syntax: " + strings.ReplaceAll(rest, "'<EOF>'", "the end of the expression"), ""
	}
	return message, ""
}

// arguments writes CEL's "(string, double)" or "string.(double)".
func arguments(list string) string {
	list = strings.NewReplacer(".(", ", ", "(", "", ")", "", "map(string, double)", "table of numbers").Replace(
		strings.ReplaceAll(list, "map(string, double)", "table of numbers"))
	if list == "" {
		return "no arguments"
	}
	parts := strings.Split(list, ", ")
	for i, p := range parts {
		parts[i] = word(p)
	}
	return strings.Join(parts, " and ")
}

// word says an operator or a type of CEL as an author knows it.
func word(s string) string {
	switch s {
	case "double":
		return "number"
	case "string":
		return "text"
	case "dyn":
		return "value"
	case "@in":
		return "in"
	}
	if len(s) > 1 && strings.Contains(s, "_") && strings.Trim(s, "_?:[]!<>=&|+-*/%") == "" {
		return strings.ReplaceAll(s, "_", "")
	}
	return strings.NewReplacer("double", "number", "string", "text").Replace(s)
}

// nearest returns the known name with the fewest edits from name, and "" when
// more than a third of it would change.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if k == name {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least || d == least && best == "" && d == 1 {
			best, least = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between a and b (Damerau 1964, restricted). O(len(a)·len(b)).
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
