package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// edge is what an error's kind becomes on the wire.
type edge struct {
	status int
	title  string
}

// edges is the one place where an error's kind becomes an HTTP status.
var edges = map[lab.ErrorKind]edge{
	lab.Invalid:     {http.StatusUnprocessableEntity, "The request can never succeed as it is"},
	lab.NotFound:    {http.StatusNotFound, "There is no such thing"},
	lab.Conflict:    {http.StatusConflict, "The state of things does not allow it"},
	lab.Unavailable: {http.StatusServiceUnavailable, "A part of the laboratory does not answer"},
	lab.Unsafe:      {http.StatusUnprocessableEntity, "Refused to protect people or equipment"},
	lab.Internal:    {http.StatusInternalServerError, "The laboratory has a fault of its own"},
}

// protocolKinds name what went wrong with a request before it reached the
// laboratory's words.
var protocolKinds = map[int]string{
	http.StatusBadRequest:            "bad_request",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              string(lab.NotFound),
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "timeout",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "media_type",
	http.StatusMisdirectedRequest:    "wrong_host",
	http.StatusUnprocessableEntity:   string(lab.Invalid),
	http.StatusInternalServerError:   "internal",
}

// Problem is an error as RFC 9457 tells it.
type Problem struct {
	Type     string      `json:"type" doc:"Names the kind of problem; never changes" example:"urn:athanor:problem:conflict"`
	Title    string      `json:"title" doc:"The kind of problem in words"`
	Status   int         `json:"status" doc:"The HTTP status"`
	Detail   string      `json:"detail,omitempty" doc:"What is wrong this time, and what would be right"`
	Instance string      `json:"instance,omitempty" doc:"The request's id, as the server's log has it" example:"urn:athanor:request:0f3c…"`
	Errors   []Complaint `json:"errors,omitempty" doc:"Every single complaint, where there are several"`
}

// Complaint is a complaint about one place of a request.
type Complaint struct {
	Pointer  string `json:"pointer,omitempty" doc:"JSON Pointer into the body" example:"/space/parameters/2/max"`
	Location string `json:"location,omitempty" doc:"The place, with the part of the request in front" example:"body.space.parameters[2].max"`
	lab.Problem
}

// Error implements [error].
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements [huma.StatusError].
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements [huma.ContentTypeFilter].
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// init makes huma speak our problems. The settings are the package's, since no
// other of ours uses huma.
func init() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return protocolProblem(status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := protocolProblem(status, msg, errs)
		p.Instance = instanceOf(ctx.Context())
		return p
	}
}

// protocolProblem is the problem of a request that huma refused. What the
// request said is not echoed: it may be large, or secret.
func protocolProblem(status int, msg string, errs []error) *Problem {
	kind, ok := protocolKinds[status]
	if !ok {
		kind = "http"
	}
	p := &Problem{Type: problemType(kind), Title: http.StatusText(status), Status: status, Detail: msg}
	for _, err := range errs {
		if err == nil {
			continue
		}
		f := Complaint{Problem: lab.Problem{Wrong: err.Error()}}
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			f.Wrong, f.Location = detail.Message, detail.Location
			if path, ok := strings.CutPrefix(detail.Location, "body."); ok {
				f.Path, f.Pointer = path, pointerOf(path)
			}
		}
		p.Errors = append(p.Errors, f)
	}
	return p
}

// fail turns err into the problem that its kind stands for. What is internal
// stays in the logs, under the request's id.
func (s *Server) fail(ctx context.Context, err error) error {
	kind := lab.KindOf(err)
	e := edges[kind]
	p := &Problem{Type: problemType(string(kind)), Title: e.title, Status: e.status, Detail: err.Error(), Instance: instanceOf(ctx)}
	if kind == lab.Internal {
		p.Type, p.Detail = problemType("internal"), "The server's log says more under this request's id."
		s.logger().ErrorContext(ctx, "request failed", "request_id", requestID(ctx), "err", err)
	}
	return p
}

// refuse is the problem of a document with mistakes in it.
func refuse(ctx context.Context, problems []lab.Problem) error {
	e := edges[lab.Invalid]
	return &Problem{
		Type: problemType("document"), Title: "The campaign document has mistakes", Status: e.status,
		Detail: plural(len(problems), "mistake") + " to mend before anything moves.", Instance: instanceOf(ctx), Errors: complaintsOf(problems),
	}
}

func complaintsOf(problems []lab.Problem) []Complaint {
	complaints := make([]Complaint, len(problems))
	for i, p := range problems {
		complaints[i] = Complaint{Problem: p, Pointer: pointerOf(p.Path)}
		if p.Path != "" {
			complaints[i].Location = "body." + p.Path
		}
	}
	return complaints
}

// pointerOf turns a path such as "space.parameters[2].max" into the JSON Pointer
// (RFC 6901) "/space/parameters/2/max".
func pointerOf(path string) string {
	if path == "" {
		return ""
	}
	var b strings.Builder
	for part := range strings.SplitSeq(strings.NewReplacer("[", ".", "]", "").Replace(path), ".") {
		if part == "" {
			continue
		}
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return b.String()
}

func problemType(kind string) string { return "urn:athanor:problem:" + kind }

// write answers with p where huma is not at work.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the reader may be gone
}
