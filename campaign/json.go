package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"

	"github.com/athanor-lab/athanor/lab"
)

// jsonTree reads a source of JSON. The tree is nil when it cannot be read.
func jsonTree(src []byte) (*node, []lab.Problem) {
	r := jsonReader{src: src, dec: json.NewDecoder(bytes.NewReader(src))}
	r.dec.UseNumber()
	for i, b := range src {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	n, err := r.value(0)
	if err == nil {
		if _, end := r.dec.Token(); end == nil || !errors.Is(end, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	if err != nil {
		p := lab.Problem{Wrong: "this is no JSON: " + err.Error(), Right: "mend the syntax"}
		if errors.Is(err, errTooDeep) {
			p = lab.Problem{Wrong: "the document is nested too deeply", Right: "a campaign needs no more than ten levels"}
		}
		offset := int(r.dec.InputOffset())
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = max(int(e.Offset)-1, 0)
		}
		at := r.place(r.start(offset))
		p.Line, p.Col = at.line, at.col
		return nil, []lab.Problem{p}
	}
	return n, nil
}

var errTooDeep = errors.New("nested too deeply")

type jsonReader struct {
	src   []byte
	dec   *json.Decoder
	lines []int // offsets at which the second and later lines begin
}

func (r *jsonReader) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	at := r.place(r.start(int(r.dec.InputOffset())))
	n := &node{line: at.line, col: at.col}
	t, err := r.dec.Token()
	if err != nil {
		return nil, jsonEnd(err)
	}
	switch t := t.(type) {
	case nil:
	case bool:
		n.form, n.raw = boolean, map[bool]string{true: "true", false: "false"}[t]
	case json.Number:
		n.form, n.raw = number, t.String()
	case string:
		n.form, n.raw, n.quoted = text, t, true
	case json.Delim:
		if t == '[' {
			return n, r.list(n, depth)
		}
		return n, r.object(n, depth)
	}
	return n, nil
}

func (r *jsonReader) list(n *node, depth int) error {
	n.form = list
	for r.dec.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.Token()
	return jsonEnd(err)
}

func (r *jsonReader) object(n *node, depth int) error {
	n.form = object
	for r.dec.More() {
		at := r.place(r.start(int(r.dec.InputOffset())))
		key, err := r.dec.Token()
		if err != nil {
			return jsonEnd(err)
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder lets nothing else be a key
		n.fields = append(n.fields, field{key: name, value: v, line: at.line, col: at.col})
	}
	_, err := r.dec.Token()
	return jsonEnd(err)
}

// jsonEnd says in words that the source breaks off.
func jsonEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}

// start returns where the next token after offset begins.
func (r *jsonReader) start(offset int) int {
	for offset < len(r.src) && bytes.IndexByte([]byte(" \t\r\n:,"), r.src[offset]) >= 0 {
		offset++
	}
	return offset
}

// place counts columns in bytes, as editors' messages for JSON do.
func (r *jsonReader) place(offset int) place {
	line := sort.SearchInts(r.lines, offset+1)
	begin := 0
	if line > 0 {
		begin = r.lines[line-1]
	}
	return place{line: line + 1, col: offset - begin + 1}
}
