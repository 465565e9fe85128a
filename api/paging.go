package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Pages are told apart by opaque cursors: where the last page ended, in a form
// that nobody should build on.

// Paged is what every list takes.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Items to a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before; without it the first page"`
}

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

// listed is an answer with a page.
type listed[T any] struct {
	Link string `header:"Link" doc:"The next page (RFC 8288)"`
	Body page[T]
}

// after decodes a cursor that holds a number; without one it is 0.
func (p Paged) after(ctx context.Context) (int, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(p.position())
	if err != nil || n < 0 {
		return 0, badCursor(ctx)
	}
	return n, nil
}

// before decodes a cursor that holds a campaign; without one it is zero.
func (p Paged) before(ctx context.Context) (lab.CampaignID, error) {
	if p.Cursor == "" {
		return lab.CampaignID{}, nil
	}
	id, err := lab.ParseCampaignID(p.position())
	if err != nil {
		return id, badCursor(ctx)
	}
	return id, nil
}

// position is what the cursor holds, "" when it is none of ours.
func (p Paged) position() string {
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return ""
	}
	at, ok := strings.CutPrefix(string(b), "1:")
	if !ok {
		return ""
	}
	return at
}

func badCursor(ctx context.Context) error {
	e := edges[lab.Invalid]
	return &Problem{
		Type: problemType(string(lab.Invalid)), Title: e.title, Status: e.status, Detail: "The cursor is none that this list gave.", Instance: instanceOf(ctx),
		Errors: []Complaint{{Location: "query.cursor", Problem: lab.Problem{Wrong: "is not a cursor of this list", Right: "begin without a cursor and follow next"}}},
	}
}

// pageOf cuts items, of which one more than wanted was asked for, to a page.
func pageOf[T any](items []T, p Paged, path string, query url.Values, position func(last T) string) *listed[T] {
	out := &listed[T]{Body: page[T]{Items: items}}
	if len(items) <= p.Limit {
		return out
	}
	out.Body.Items = items[:p.Limit]
	out.Body.Next = base64.RawURLEncoding.EncodeToString([]byte("1:" + position(items[p.Limit-1])))
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(p.Limit))
	query.Set("cursor", out.Body.Next)
	out.Link = fmt.Sprintf("<%s%s?%s>; rel=\"next\"", basePath, path, query.Encode())
	return out
}
