package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/athanor-lab/athanor/literature"
)

// lines reads JSONL: a record to a line.
func (in *reader) lines(src []byte) {
	for line := 1; len(src) > 0; line++ {
		var raw []byte
		raw, src = nextLine(src)
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		in.n++
		if in.sound(line, raw) {
			in.object(raw, line)
		}
	}
}

// json reads one or more JSON values, one after another. Each is a record, a
// list of records, or an answer of a service that holds such a list.
func (in *reader) json(src []byte) {
	d := json.NewDecoder(bytes.NewReader(src))
	for {
		var v json.RawMessage
		from := d.InputOffset()
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			in.n++
			in.reject(0, src[from:], "byte %d: %v; nothing after it can be read", from, err)
			return
		}
		in.unwrap(v, 0)
	}
}

// envelopes are where services put their lists.
type envelopes struct {
	Results    []json.RawMessage `json:"results"`    // OpenAlex
	Data       []json.RawMessage `json:"data"`       // Semantic Scholar
	ResultList *resultList       `json:"resultList"` // Europe PMC
	Message    json.RawMessage   `json:"message"`    // Crossref, whose works are items or the message itself
	Items      []json.RawMessage `json:"items"`      // the message of Crossref
}

type resultList struct {
	Result []json.RawMessage `json:"result"`
}

// unwrap finds the records in v, at most a few envelopes deep.
func (in *reader) unwrap(v json.RawMessage, depth int) {
	v = bytes.TrimSpace(v)
	if v[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(v, &list); err == nil && depth < 4 {
			for _, item := range list {
				in.unwrap(item, depth+1)
			}
			return
		}
	}
	var e envelopes
	if v[0] == '{' && depth < 4 && json.Unmarshal(v, &e) == nil {
		list := append(append(e.Results, e.Data...), e.Items...)
		if e.ResultList != nil {
			list = append(list, e.ResultList.Result...)
		}
		if e.Message != nil {
			list = append(list, e.Message)
		}
		if list != nil || e.Results != nil || e.Data != nil || e.Items != nil || e.ResultList != nil {
			for _, item := range list {
				in.unwrap(item, depth+1)
			}
			return
		}
	}
	in.n++
	if in.sound(0, v) {
		in.object(v, 0)
	}
}

// object reads one record in whichever form its fields show it to have.
func (in *reader) object(raw []byte, line int) {
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(raw, &shape); err != nil {
		in.reject(line, raw, "%v; a record is a JSON object", err)
		return
	}
	has := func(field string) bool { _, ok := shape[field]; return ok }
	var p literature.Paper
	var err error
	switch {
	case has("abstract_inverted_index") || has("authorships") || has("is_retracted") && has("display_name"):
		p, err = decode[openAlex](raw)
	case has("paperId") || has("externalIds"):
		p, err = decode[semanticScholar](raw)
	case has("abstractText") || has("pubTypeList") || has("authorString") || has("pmcid") || has("pubYear"):
		p, err = decode[europePMC](raw)
	case has("DOI"):
		p, err = decode[crossref](raw)
	default:
		p, err = decode[ownRecord](raw)
	}
	if err != nil {
		in.reject(line, raw, "%v", err)
		return
	}
	in.accept(p, line, raw)
}

// foreign is a record in the form of a service.
type foreign interface {
	paper() literature.Paper
}

func decode[F foreign](raw []byte) (literature.Paper, error) {
	var f F
	if err := json.Unmarshal(raw, &f); err != nil {
		return literature.Paper{}, err
	}
	return f.paper(), nil
}
