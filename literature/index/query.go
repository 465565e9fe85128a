package index

import (
	"strings"
)

// Query is a parsed query.
//
//	perovskite "band gap" title:solar author:ng +lead -tin
//
// Words and phrases in quotes; title:, text:, keyword: and author: before one
// restrict it to a field; + demands it, - forbids it.
type Query struct {
	clauses []clause
	near    []float32 // where it is in the space of [Ranker.Vectors]; nil for nowhere
}

// clause is a word, or a phrase whose gaps are stop words.
type clause struct {
	words  []token // stems, with their distance from the first
	field  int     // -1 for the body
	must   bool
	forbid bool
	// expanded is how much a word counts that nobody asked for, 0 for one that was.
	expanded float32
}

// weight is how much the clause counts.
func (c clause) weight() float32 {
	if c.expanded > 0 {
		return c.expanded
	}
	return 1
}

var fieldNames = map[string]int{"title": fieldTitle, "text": fieldText, "abstract": fieldText, "keyword": fieldKeywords, "keywords": fieldKeywords, "author": fieldAuthors, "authors": fieldAuthors}

// maxClauses bounds a query: a pasted book is none.
const maxClauses = 512

// Parse reads a query. Every text is one: an unclosed quote closes at the end,
// and what names no field is a word.
func Parse(s string) Query {
	var q Query
	for i := 0; i < len(s) && len(q.clauses) < maxClauses; {
		if s[i] <= ' ' {
			i++
			continue
		}
		c := clause{field: -1}
		switch {
		case s[i] == '+' && i+1 < len(s) && s[i+1] > ' ':
			c.must = true
			i++
		case s[i] == '-' && i+1 < len(s) && s[i+1] > ' ':
			c.forbid = true
			i++
		}
		end := i + wordEnd(s[i:])
		if name, rest, ok := strings.Cut(s[i:end], ":"); ok {
			if f, known := fieldNames[strings.ToLower(name)]; known && (rest != "" || end < len(s) && s[end] == '"') {
				c.field = f
				i += len(name) + 1
			}
		}
		if i < len(s) && s[i] == '"' {
			text, _, _ := strings.Cut(s[i+1:], `"`)
			i = min(i+len(text)+2, len(s))
			if c.words = stems(text); len(c.words) > 0 {
				q.clauses = append(q.clauses, c)
			}
			continue
		}
		end = max(end, i)
		for _, w := range stems(s[i:end]) { // "half-life" is two words
			one := c
			one.words = []token{{word: w.word}}
			q.clauses = append(q.clauses, one)
		}
		i = end
	}
	return q
}

// wordEnd is the length of s up to a space or a quote.
func wordEnd(s string) int {
	if n := strings.IndexAny(s, " \t\r\n\""); n >= 0 {
		return n
	}
	return len(s)
}

func stems(text string) []token {
	var out []token
	at := 0
	eachWord(text, func(w string) {
		if !stopWords[w] {
			out = append(out, token{Stem(w), at})
		}
		at++
	})
	for i := len(out) - 1; i >= 0; i-- {
		out[i].at -= out[0].at
	}
	return out
}

// Text makes a query of words alone: no character of s has a meaning beyond
// them. It is for titles, questions and whatever no person wrote as a query.
func Text(s string) Query {
	var q Query
	for _, w := range stems(s) {
		if len(q.clauses) == maxClauses {
			break
		}
		q.clauses = append(q.clauses, clause{field: -1, words: []token{w}})
	}
	return q
}

// Empty reports whether nothing is left of the query to look for.
func (q Query) Empty() bool { return len(q.clauses) == 0 }
