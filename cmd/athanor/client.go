package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// server is the flag of every command that speaks to a running laboratory.
type server struct {
	Server string `name:"server" env:"ATHANOR_SERVER" placeholder:"URL" help:"The laboratory's address; by default the one that athanor up runs for this user, else http://127.0.0.1:8080."`
	JSON   bool   `name:"json" help:"Print JSON, for programs."`
}

// addressFile holds the address that `athanor up` serves on, in its data
// directory.
const addressFile = "address"

func (s server) client(t *terminal) *client {
	base := s.Server
	if base == "" {
		base = "http://127.0.0.1:8080"
		if b, err := os.ReadFile(filepath.Join(defaultData(t.getenv), addressFile)); err == nil {
			base = strings.TrimSpace(string(b))
		}
	}
	return &client{base: strings.TrimRight(base, "/"), http: &http.Client{}}
}

// client speaks to the API.
type client struct {
	base string
	http *http.Client
}

// requestTimeout bounds every request but exports and event streams.
const requestTimeout = 30 * time.Second

// post sends a body as JSON, for what has no answer but an error.
func (c *client) post(ctx context.Context, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, "application/json", nil, b, nil)
}

// do sends a request and reads a JSON answer into out, which may be nil.
func (c *client) do(ctx context.Context, method, path, contentType string, header map[string]string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, path, contentType, header, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return nil
}

func (c *client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, nil, out)
}

// send returns the response to a request that succeeded; the caller closes its body.
func (c *client) send(ctx context.Context, method, path, contentType string, header map[string]string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "address %s: %w", c.base, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if ue := (*url.Error)(nil); errors.As(err, &ue) && ctx.Err() == nil {
		return nil, lab.Errorf(lab.Unavailable, "no laboratory answers at %s (%w); start one with athanor up, or say where it is with --server", c.base, ue.Err)
	}
	if err != nil {
		return nil, lab.Errorf(lab.Unavailable, "ask %s: %w", c.base, err)
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, problemOf(resp)
	}
	return resp, nil
}

// refused is an answer of the API that says no, with all its complaints.
type refused struct {
	api.Problem
	kind lab.ErrorKind
}

func (r *refused) Error() string {
	if len(r.Errors) == 0 {
		if r.Detail == "" {
			return r.Title
		}
		return r.Detail
	}
	lines := []string{r.Detail}
	for _, c := range r.Errors {
		lines = append(lines, "  "+complaint(c.Problem))
	}
	return strings.Join(lines, "\n")
}

func problemOf(resp *http.Response) error {
	var p api.Problem
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil || json.Unmarshal(b, &p) != nil || p.Status == 0 {
		return lab.Errorf(lab.Unavailable, "%s answered %s: is that a laboratory?", resp.Request.URL.Host, resp.Status)
	}
	kind := lab.ErrorKind(p.Type[strings.LastIndex(p.Type, ":")+1:])
	return &lab.Error{Kind: kind, Err: &refused{Problem: p, kind: kind}}
}

// complaint writes a problem of a document on a line.
func complaint(p lab.Problem) string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("%d:%d: ", p.Line, p.Col)
	}
	return at + p.String()
}

// listen calls wake at every event, until ctx ends or the stream breaks.
func (c *client) listen(ctx context.Context, query string, wake func(lab.Event)) error {
	resp, err := c.send(ctx, http.MethodGet, "/events"+query, "", map[string]string{"Accept": "text/event-stream"}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var e lab.Event
		if json.Unmarshal([]byte(data), &e) == nil {
			wake(e)
		}
	}
	return lines.Err()
}
