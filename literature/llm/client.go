package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// Client asks an endpoint. It is safe for concurrent use.
type Client struct {
	Base  string // such as http://127.0.0.1:8000/v1
	Model string
	Key   string
	HTTP  *http.Client // nil for one of our own
	// Timeout bounds an attempt, default 2 minutes; Attempts how many there are,
	// default 3; Bytes an answer, default 1 MiB.
	Timeout  time.Duration
	Attempts int
	Bytes    int64
	// Sleep is that of package time unless told otherwise.
	Sleep func(ctx context.Context, d time.Duration) error
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type completion struct {
	Model       string            `json:"model"`
	Messages    []message         `json:"messages"`
	Temperature float64           `json:"temperature"`
	Seed        int               `json:"seed"`
	MaxTokens   int               `json:"max_tokens"`
	Format      map[string]string `json:"response_format"`
}

// chat returns what the model answers. An error of kind [lab.Unavailable] says that
// asking later may help.
func (c *Client) chat(ctx context.Context, messages []message) (string, error) {
	body, err := json.Marshal(completion{Model: c.Model, Messages: messages, Seed: 1, MaxTokens: 4096, Format: map[string]string{"type": "json_object"}})
	if err != nil {
		return "", lab.Errorf(lab.Internal, "write a question to the model: %w", err)
	}
	attempts := c.Attempts
	if attempts <= 0 {
		attempts = 3
	}
	for n := 1; ; n++ {
		answer, pause, err := c.once(ctx, body)
		if err == nil || n == attempts || lab.KindOf(err) != lab.Unavailable || ctx.Err() != nil {
			return answer, err
		}
		if err := c.sleep(ctx, max(min(pause, time.Minute), time.Duration(n)*time.Second)); err != nil {
			return "", lab.Errorf(lab.Unavailable, "wait for the model: %w", err)
		}
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return literature.Wait(ctx, d)
}

// once asks once. pause is how long the endpoint wants to be left alone.
func (c *Client) once(ctx context.Context, body []byte) (answer string, pause time.Duration, err error) {
	timeout, limit := c.Timeout, c.Bytes
	if timeout <= 0 {
		timeout = 2 * time.Minute
	}
	if limit <= 0 {
		limit = 1 << 20
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.Base, "/")+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", 0, lab.Errorf(lab.Invalid, "the model's address %q is none", c.Base)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.Key != "" {
		r.Header.Set("Authorization", "Bearer "+c.Key)
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a paper's text and a key go where they were meant to
	resp, err := client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return "", 0, lab.Errorf(lab.Unavailable, "ask the model at %s: %w", c.Base, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return "", 0, lab.Errorf(lab.Unavailable, "the model's answer breaks off: %w", err)
	case int64(len(raw)) > limit:
		return "", 0, lab.Errorf(lab.Invalid, "the model's answer is larger than %d bytes", limit)
	case resp.StatusCode != http.StatusOK:
		kind := lab.Invalid
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500 {
			kind = lab.Unavailable
		}
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 from anything else
		return "", time.Duration(max(seconds, 0)) * time.Second, lab.Errorf(kind, "the model at %s answers %s: %q", c.Base, resp.Status, strings.ToValidUTF8(string(raw[:min(len(raw), 300)]), ""))
	}
	var a struct {
		Choices []struct {
			Message message `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(raw, &a); err != nil || len(a.Choices) == 0 {
		return "", 0, lab.Errorf(lab.Invalid, "the endpoint at %s does not answer as chat completions do; it needs choices with a message", c.Base)
	}
	return a.Choices[0].Message.Content, 0, nil
}
