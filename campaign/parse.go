package campaign

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
)

// Parse reads a document and fills in its [Defaults]. The format is "yaml",
// "json", or "" for JSON when the source begins with a brace and YAML
// otherwise.
//
// The problems are all that is wrong with the form: syntax, unknown, repeated
// and missing fields, wrong types. They carry line and column, counted from 1.
// What could be read is in the document even when there are problems.
func Parse(src []byte, format string) (lab.Document, []lab.Problem) {
	doc, d, problems := parse(src, format)
	if d != nil {
		problems = append(problems, d.all...)
		locate(problems, d.places)
	}
	return doc, sorted(problems)
}

// Load is [Parse] and [Check] in one, with all problems of both in the order of
// the source, and the [Notes]. Capabilities are as for [Check].
func Load(src []byte, format string, capabilities []lab.Capability) (doc lab.Document, problems []lab.Problem, notes []string) {
	doc, d, problems := parse(src, format)
	if d == nil {
		return doc, sorted(problems), nil
	}
	problems = append(problems, d.all...)
	if !d.hopeless() { // else no more can be said of it
		for _, p := range check(doc, capabilities, d.unsure()) {
			if !d.covers(p.Path) {
				problems = append(problems, p)
			}
		}
	}
	locate(problems, d.places)
	return doc, sorted(problems), Notes(doc)
}

// hopeless reports whether the document itself is of the wrong form.
func (d *decoder) hopeless() bool {
	return slices.ContainsFunc(d.all, func(p lab.Problem) bool { return p.Path == "" })
}

// unsure returns the lists whose names are not all known, since they or one of
// their items could not be read.
func (d *decoder) unsure() map[string]bool {
	out := map[string]bool{}
	for list, item := range namedLists {
		out[list] = slices.ContainsFunc(d.all, func(p lab.Problem) bool { return within(list, p.Path) || item.MatchString(p.Path) })
	}
	return out
}

// namedLists are the lists whose items are spoken of elsewhere, with the paths
// at which a complaint puts a name in doubt.
var namedLists = map[string]*regexp.Regexp{
	"space.parameters": regexp.MustCompile(`^space\.parameters(\[\d+\](\.(name|type|id))?)?$`),
	"objectives":       regexp.MustCompile(`^objectives(\[\d+\](\.(name|id))?)?$`),
	"protocol.samples": regexp.MustCompile(`^protocol\.samples(\[\d+\](\.(name|id))?)?$`),
	"protocol.steps":   regexp.MustCompile(`^protocol\.steps(\[\d+\](\.(id|name))?)?$`),
	"protocol.tables":  regexp.MustCompile(`^protocol\.tables(\W.*)?$`),
}

// Locate fills in line and column of problems that were found later, by
// [Check] or [Resolve], from the source that the document was read from.
func Locate(problems []lab.Problem, src []byte, format string) {
	if n, _ := tree(src, format); n != nil {
		locate(problems, n.places())
	}
}

// covers reports whether a complaint about the form makes one about the
// meaning of path needless: the value that is complained of was never read.
func (d *decoder) covers(path string) bool {
	if d.meant[path] {
		return true
	}
	for _, p := range d.all {
		if p.Path != "" && within(path, p.Path) {
			return true
		}
	}
	return false
}

// parse returns a nil decoder when there is no tree to decode.
func parse(src []byte, format string) (doc lab.Document, d *decoder, problems []lab.Problem) {
	n, problems := tree(src, format)
	if n == nil {
		return doc, nil, problems
	}
	d = &decoder{places: n.places(), meant: map[string]bool{}}
	d.value("", n, reflect.ValueOf(&doc).Elem())
	return Defaults(doc), d, problems
}

func tree(src []byte, format string) (*node, []lab.Problem) {
	refuse := func(wrong, right string) (*node, []lab.Problem) {
		return nil, []lab.Problem{{Wrong: wrong, Right: right, Line: 1, Col: 1}}
	}
	if len(src) > MaxSourceBytes {
		return refuse("the source is larger than 1 MiB", "keep large tables in files that the document names with their SHA-256")
	}
	if !utf8.Valid(src) {
		return refuse("the source is not UTF-8 text", "save it as UTF-8")
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if bytes.IndexByte(src, 0) >= 0 {
		return refuse("the source holds a zero byte", "a document is text")
	}
	if format == "" {
		format = "yaml"
		if bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
			format = "json"
		}
	}
	switch format {
	case "json":
		return jsonTree(src)
	case "yaml":
		return yamlTree(src)
	default:
		return refuse("the format "+clip(format)+" is not known", `"yaml" or "json"`)
	}
}
