package campaign

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// What a document may be at most. A source beyond them is refused before it is
// looked at any closer, so that no document can use up the server.
const (
	MaxSourceBytes = 1 << 20
	maxDepth       = 32
)

// form says what a node is, in the words of JSON.
type form uint8

const (
	nothing form = iota
	boolean
	number
	text
	list
	object
)

// node is a value of a source with the place where it stands. YAML and JSON
// are both read into it, so that all that follows exists once.
type node struct {
	form   form
	raw    string // of a number or a boolean as written, of a text its content
	quoted bool   // a text that can be nothing else
	items  []*node
	fields []field
	line   int
	col    int
}

// field is a member of an object, in the order of the source.
type field struct {
	key       string
	value     *node
	line, col int
}

// found says what n is, for a complaint.
func (n *node) found() string {
	switch n.form {
	case nothing:
		return "is empty"
	case boolean:
		return "is " + n.raw
	case number:
		return "is the number " + clip(n.raw)
	case text:
		return "is the text " + strconv.Quote(clip(n.raw))
	case list:
		return fmt.Sprintf("is a list of %d", len(n.items))
	default:
		return "is an object"
	}
}

// clip shortens what is repeated from a document.
func clip(s string) string {
	const longest = 60
	r := []rune(s)
	if len(r) <= longest {
		return s
	}
	return string(r[:longest-1]) + "…"
}

// at returns the path of a member of the object or list at path.
func at(path, key string) string {
	if !isPlainKey(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func atIndex(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func isPlainKey(key string) bool {
	if key == "" {
		return false
	}
	for _, r := range key {
		if r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// place is where something stands in a source, lines and columns from 1.
type place struct{ line, col int }

// places returns where each path of the tree stands. A member stands where its
// key does.
func (n *node) places() map[string]place {
	m := map[string]place{"": {n.line, n.col}}
	n.addPlaces("", m)
	return m
}

func (n *node) addPlaces(path string, m map[string]place) {
	for i, item := range n.items {
		p := atIndex(path, i)
		m[p] = place{item.line, item.col}
		item.addPlaces(p, m)
	}
	for _, f := range n.fields {
		p := at(path, f.key)
		if _, ok := m[p]; ok {
			continue // repeated: the first one counts
		}
		m[p] = place{f.line, f.col}
		f.value.addPlaces(p, m)
	}
}

// locate fills in the line and column of problems that have none, from their
// path or else from the nearest path above it.
func locate(problems []lab.Problem, places map[string]place) {
	for i := range problems {
		p := &problems[i]
		if p.Line != 0 {
			continue
		}
		for path := p.Path; ; path = above(path) {
			if at, ok := places[path]; ok {
				p.Line, p.Col = at.line, at.col
				break
			}
			if path == "" {
				break
			}
		}
	}
}

// above returns the path of what holds the thing at path.
func above(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}
