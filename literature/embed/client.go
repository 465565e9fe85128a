package embed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

// Kind is what an endpoint speaks.
type Kind string

// The kinds.
const (
	OpenAI Kind = "openai" // POST {base}/embeddings
	TEI    Kind = "tei"    // POST {base}/embed and {base}/rerank
)

// Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	Base  string
	Kind  Kind
	Model string // OpenAI wants one; for a TEI it names the vectors in a cache
	Key   string
	HTTP  *http.Client
	// Batch is how many texts are sent at once, default 32; Bytes bounds an answer,
	// default 64 MiB; Timeout one attempt, default 60 s; Attempts how many there are
	// where the endpoint fails, default 3.
	Batch    int
	Bytes    int64
	Timeout  time.Duration
	Attempts int
	Sleep    func(ctx context.Context, d time.Duration) error
}

// maxText is how much of a text is sent, in bytes: models read some hundred words.
const maxText = 8000

// Embed returns a vector of length one for each text.
func (c *Client) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	batch := c.Batch
	if batch <= 0 {
		batch = 32
	}
	var out [][]float32
	for part := range slices.Chunk(texts, batch) {
		send := make([]string, len(part))
		for i, t := range part {
			send[i] = strings.ToValidUTF8(t[:min(len(t), maxText)], "")
			if strings.TrimSpace(send[i]) == "" {
				send[i] = "." // endpoints refuse an empty text, and its place has to be kept
			}
		}
		got, err := c.embed(ctx, send)
		if err != nil {
			return nil, err
		}
		if len(got) != len(send) {
			return nil, lab.Errorf(lab.Invalid, "the endpoint at %s answers %d texts with %d vectors", c.Base, len(send), len(got))
		}
		for i := range got {
			unit, ok := index.Unit(got[i])
			if !ok || len(out) > 0 && len(unit) != len(out[0]) {
				return nil, lab.Errorf(lab.Invalid, "the endpoint at %s gives a vector of %d numbers that has no direction or another dimension than those before", c.Base, len(got[i]))
			}
			out = append(out, unit)
		}
	}
	return out, nil
}

func (c *Client) embed(ctx context.Context, texts []string) ([][]float32, error) {
	if c.Kind == TEI {
		var out [][]float32
		err := c.ask(ctx, "/embed", map[string]any{"inputs": texts, "normalize": true, "truncate": true}, &out)
		return out, err
	}
	var answer struct {
		Data []struct {
			Index  int       `json:"index"`
			Vector []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := c.ask(ctx, "/embeddings", map[string]any{"model": c.Model, "input": texts, "encoding_format": "float"}, &answer); err != nil {
		return nil, err
	}
	out := make([][]float32, len(answer.Data))
	for _, d := range answer.Data {
		if d.Index < 0 || d.Index >= len(out) || out[d.Index] != nil {
			return nil, lab.Errorf(lab.Invalid, "the endpoint at %s numbers its vectors wrongly", c.Base)
		}
		out[d.Index] = d.Vector
	}
	return out, nil
}

// Rerank returns the places of texts in the order of how well they answer the
// query, best first, by a TEI that has a model for that.
func (c *Client) Rerank(ctx context.Context, query string, texts []string) ([]int, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	send := make([]string, len(texts))
	for i, t := range texts {
		send[i] = strings.ToValidUTF8(t[:min(len(t), maxText)], "")
	}
	var scores []struct {
		Index int     `json:"index"`
		Score float64 `json:"score"`
	}
	if err := c.ask(ctx, "/rerank", map[string]any{"query": query, "texts": send, "truncate": true}, &scores); err != nil {
		return nil, err
	}
	slices.SortStableFunc(scores, func(a, b struct {
		Index int     `json:"index"`
		Score float64 `json:"score"`
	},
	) int {
		return cmp.Compare(b.Score, a.Score)
	})
	out, seen := []int{}, map[int]bool{}
	for _, s := range scores {
		if s.Index < 0 || s.Index >= len(texts) || seen[s.Index] || math.IsNaN(s.Score) {
			return nil, lab.Errorf(lab.Invalid, "the endpoint at %s ranks a text that it was not given, or one twice", c.Base)
		}
		seen[s.Index] = true
		out = append(out, s.Index)
	}
	for i := range texts { // what it left out stays behind, in its order
		if !seen[i] {
			out = append(out, i)
		}
	}
	return out, nil
}

// ask posts JSON and reads JSON, again where the endpoint fails. An error of kind
// [lab.Unavailable] says that asking later may help.
func (c *Client) ask(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return lab.Errorf(lab.Internal, "write a question to %s: %w", c.Base, err)
	}
	attempts := c.Attempts
	if attempts <= 0 {
		attempts = 3
	}
	for n := 1; ; n++ {
		err := c.once(ctx, path, body, answer)
		if err == nil || n == attempts || lab.KindOf(err) != lab.Unavailable || ctx.Err() != nil {
			return err
		}
		if err := c.sleep(ctx, time.Duration(n*n)*time.Second); err != nil {
			return lab.Errorf(lab.Unavailable, "wait for %s: %w", c.Base, err)
		}
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return literature.Wait(ctx, d)
}

func (c *Client) once(ctx context.Context, path string, body []byte, answer any) error {
	timeout, limit := c.Timeout, c.Bytes
	if timeout <= 0 {
		timeout = time.Minute
	}
	if limit <= 0 {
		limit = 64 << 20
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return lab.Errorf(lab.Invalid, "the endpoint's address %q is none", c.Base)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.Key != "" {
		r.Header.Set("Authorization", "Bearer "+c.Key)
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // texts and a key go where they were meant to
	resp, err := client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return lab.Errorf(lab.Unavailable, "ask %s: %w", c.Base, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return lab.Errorf(lab.Unavailable, "the answer of %s breaks off: %w", c.Base, err)
	case int64(len(raw)) > limit:
		return lab.Errorf(lab.Invalid, "the answer of %s is larger than %d bytes", c.Base, limit)
	case resp.StatusCode != http.StatusOK:
		kind := lab.Invalid
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500 {
			kind = lab.Unavailable
		}
		return lab.Errorf(kind, "%s answers %s: %q", c.Base, resp.Status, strings.ToValidUTF8(string(raw[:min(len(raw), 300)]), ""))
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return lab.Errorf(lab.Invalid, "%s does not answer as %s endpoints do: %w", c.Base, c.kind(), err)
	}
	return nil
}

func (c *Client) kind() Kind {
	if c.Kind == "" {
		return OpenAI
	}
	return c.Kind
}
