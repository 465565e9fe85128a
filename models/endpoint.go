package models

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Server is where a model answers, by the Open Inference Protocol v2.
type Server struct {
	URL     string `json:"url"`               // as in http://127.0.0.1:8000
	Model   string `json:"model"`             // its name there
	Version string `json:"version,omitempty"` // its version there; "" leaves it to the server
	// Input, when set, is the name of one FP64 tensor with a row to a point:
	// numbers, a column to each level, a column to each part. Without it there is a
	// tensor to each parameter, under its name: FP64 numbers, BYTES for levels, and
	// a column to a part for compositions.
	Input string `json:"input,omitempty"`
}

const (
	// askAtOnce is how many points a request has at most.
	askAtOnce = 512
	// answerBytes is the most that is read of an answer.
	answerBytes = 16 << 20
	// answerWithin is how long an answer is waited for.
	answerWithin = 10 * time.Second
)

// AtServer returns the model that answers at s.
func AtServer(name string, s Server, ps []lab.Parameter, objectives []lab.Objective) (*Model, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, lab.Errorf(lab.Invalid, "endpoint %q is no address; write it as http://host:8000", s.URL)
	}
	if s.Model == "" {
		return nil, lab.Errorf(lab.Invalid, "endpoint %s: say which of its models to ask", s.URL)
	}
	m := &Model{Name: name, Kind: Endpoint, Parameters: ps, Objectives: objectives, Server: &s}
	return m, m.seal()
}

// tensor is an input or output of the protocol.
type tensor struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Datatype string `json:"datatype"`
	Data     any    `json:"data"`
}

type inferRequest struct {
	ID     string   `json:"id,omitempty"`
	Inputs []tensor `json:"inputs"`
}

type inferResponse struct {
	Outputs []output `json:"outputs"`
	Error   string   `json:"error"`
}

type output struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// inputs writes points, whose values are in the order of the model's parameters.
func (m *Model) inputs(points [][]lab.Value) []tensor {
	n := len(points)
	if name := m.Server.Input; name != "" {
		var data []float64
		for _, p := range points {
			data = append(data, encode(m.Parameters, p)...)
		}
		return []tensor{{Name: name, Shape: []int{n, len(data) / n}, Datatype: "FP64", Data: data}}
	}
	var out []tensor
	for i, p := range m.Parameters {
		t := tensor{Name: p.Name, Shape: []int{n, 1}, Datatype: "FP64"}
		switch p.Type {
		case lab.Categorical:
			labels := make([]string, n)
			for k, point := range points {
				labels[k] = point[i].Label()
			}
			t.Datatype, t.Data = "BYTES", labels
		case lab.Composition:
			var parts []float64
			for _, point := range points {
				parts = append(parts, point[i].Parts()...)
			}
			t.Shape, t.Data = []int{n, len(p.Parts)}, parts
		default:
			numbers := make([]float64, n)
			for k, point := range points {
				numbers[k] = point[i].Number()
			}
			t.Data = numbers
		}
		out = append(out, t)
	}
	return out
}

// Ask returns what the server predicts at points, a number to an objective.
// Errors are of kind [lab.Unavailable] where trying again may help.
func (m *Model) Ask(ctx context.Context, client *http.Client, points [][]lab.Value) ([][]float64, error) {
	out := make([][]float64, 0, len(points))
	for chunk := range slices.Chunk(points, askAtOnce) {
		rows, err := m.ask(ctx, client, chunk)
		if err != nil {
			return nil, fmt.Errorf("ask model %s at %s: %w", m.Server.Model, m.Server.URL, err)
		}
		out = append(out, rows...)
	}
	return out, nil
}

func (m *Model) ask(ctx context.Context, client *http.Client, points [][]lab.Value) ([][]float64, error) {
	body, err := json.Marshal(inferRequest{Inputs: m.inputs(points)})
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "write the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	path := strings.TrimRight(m.Server.URL, "/") + "/v2/models/" + url.PathEscape(m.Server.Model)
	if v := m.Server.Version; v != "" {
		path += "/versions/" + url.PathEscape(v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, path+"/infer", bytes.NewReader(body))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "write the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, lab.Errorf(lab.Unavailable, "no answer within %s", answerWithin)
		}
		return nil, lab.Errorf(lab.Unavailable, "no answer: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerBytes+1))
	switch {
	case err != nil:
		return nil, lab.Errorf(lab.Unavailable, "the answer broke off: %w", err)
	case len(answer) > answerBytes:
		return nil, lab.Errorf(lab.Unavailable, "the answer is larger than %d MiB", answerBytes>>20)
	}
	var r inferResponse
	err = json.Unmarshal(answer, &r)
	switch {
	case res.StatusCode != http.StatusOK && err == nil && r.Error != "":
		return nil, lab.Errorf(lab.Unavailable, "the server answers %d: %.200s", res.StatusCode, r.Error)
	case res.StatusCode != http.StatusOK:
		return nil, lab.Errorf(lab.Unavailable, "the server answers %d", res.StatusCode)
	case err != nil:
		return nil, lab.Errorf(lab.Unavailable, "the answer is no JSON of the protocol: %w", err)
	}
	return m.outputs(r, len(points))
}

// outputs picks a number to each point and objective: the tensor that has the
// objective's name, or the only one.
func (m *Model) outputs(r inferResponse, n int) ([][]float64, error) {
	out := make([][]float64, n)
	for _, o := range m.Objectives {
		at := slices.IndexFunc(r.Outputs, func(t output) bool { return t.Name == o.Name })
		if at < 0 && len(m.Objectives) == 1 && len(r.Outputs) == 1 {
			at = 0
		}
		if at < 0 {
			return nil, lab.Errorf(lab.Unavailable, "the answer has no output %q", o.Name)
		}
		var flat []float64
		if err := json.Unmarshal(r.Outputs[at].Data, &flat); err != nil {
			return nil, lab.Errorf(lab.Unavailable, "output %q is no flat list of numbers", r.Outputs[at].Name)
		}
		if len(flat) != n {
			return nil, lab.Errorf(lab.Unavailable, "output %q has %d numbers for %d points", r.Outputs[at].Name, len(flat), n)
		}
		for i, v := range flat {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, lab.Errorf(lab.Unavailable, "output %q has a number that is not finite", r.Outputs[at].Name)
			}
			out[i] = append(out[i], v)
		}
	}
	return out, nil
}
