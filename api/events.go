package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/athanor-lab/athanor/lab"
)

// defaultPing is the time between signs of life on a stream that is silent, well
// below what proxies and browsers take for death.
const defaultPing = 15 * time.Second

// writeWithin bounds how long a reader may take to accept what it is sent.
const writeWithin = 10 * time.Second

type logPage struct {
	Body struct {
		Items []lab.Event `json:"items"`
	}
}

func (s *Server) registerEvents(api huma.API) {
	event := api.OpenAPI().Components.Schemas.Schema(typeOf[lab.Event](), true, "Event")
	huma.Register(api, huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/events", Tags: []string{"events"}, Summary: "Watch the laboratory's log",
		Description: "Server-sent events. The id of each is its seq, the event is its kind, the data is an Event as JSON. A stream begins with a hello, whose id is where it begins. " +
			"Resumed with Last-Event-ID, or after, it leaves nothing out. A reader that is too slow is cut off and resumes by itself.",
		Responses: map[string]*huma.Response{"200": {Description: "Events, until one of us leaves", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: event},
		}}},
	}, s.watch)
	huma.Register(api, huma.Operation{
		OperationID: "list-campaign-events", Method: http.MethodGet, Path: "/campaigns/{id}/events", Tags: []string{"events"}, Summary: "Read a campaign's part of the log, newest first", Errors: []int{404},
	}, s.campaignEvents)
}

func (s *Server) campaignEvents(ctx context.Context, in *struct {
	CampaignPath
	Before int64 `query:"before" minimum:"0" doc:"Only events with a lower seq; 0 means from the newest"`
	Limit  int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
},
) (*logPage, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	events, err := s.Events.Before(ctx, id, in.Before, in.Limit)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &logPage{}
	out.Body.Items = events
	return out, nil
}

func (s *Server) watch(ctx context.Context, in *struct {
	Campaign []string `query:"campaign,explode" doc:"Only events of these campaigns; without it of the whole laboratory"`
	After    string   `query:"after" maxLength:"20" doc:"Begin after this seq; without it with what happens from now on"`
	LastID   string   `header:"Last-Event-ID" doc:"Resume after this seq; wins over after"`
},
) (*huma.StreamResponse, error) {
	var only []lab.CampaignID
	for _, text := range in.Campaign {
		id, err := (CampaignPath{ID: text}).campaign()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		only = append(only, id)
	}
	after := int64(-1)
	if text := firstOf(in.LastID, in.After); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64-1 {
			return nil, s.fail(ctx, lab.Errorf(lab.Invalid, "resume after event %q: is not the seq of an event; leave it out to begin with now", text))
		}
		after = n
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		t := teller{w: humagin.Unwrap(h).Writer, only: only}
		t.rc = http.NewResponseController(t.w)
		if err := s.tell(h.Context(), t, after); err != nil {
			s.logger().DebugContext(h.Context(), "event stream ended", "request_id", requestID(h.Context()), "err", err)
		}
	}}, nil
}

// tell writes the log to one reader: first what it missed, then what happens.
func (s *Server) tell(ctx context.Context, t teller, after int64) error {
	h := t.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must hand it on at once
	t.w.WriteHeader(http.StatusOK)
	if err := t.write([]byte("retry: 2000\n\n")); err != nil {
		return err
	}
	r, err := s.hub.join(ctx)
	if err != nil {
		return err
	}
	defer s.hub.leave(r)
	last, err := s.Events.Last(ctx)
	if err != nil {
		return fmt.Errorf("read end of event log: %w", err)
	}
	if after >= 0 {
		last = min(after, last) // beyond the end: of another log, of which nothing can be resumed
	}
	if err := t.write(fmt.Appendf(nil, "id: %d\nevent: hello\ndata: {\"seq\":%d}\n\n", last, last)); err != nil {
		return err
	}
	if last, err = s.tellMissed(ctx, t, last); err != nil {
		return err
	}
	ping := time.NewTicker(orDefault(s.Ping, defaultPing))
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-closing(ctx):
			return nil
		case <-ping.C:
			err = t.write([]byte(": ping\n\n"))
		case f, ok := <-r.frames:
			if !ok {
				return fmt.Errorf("reader fell %d events behind", bufferedFrames)
			}
			if f.seq <= last {
				continue
			}
			last = f.seq
			err = t.tell(f)
		}
		if err != nil {
			return err
		}
	}
}

// tellMissed writes all events after last that are in the log already.
func (s *Server) tellMissed(ctx context.Context, t teller, last int64) (int64, error) {
	for {
		events, err := s.Events.Since(ctx, last, readAtOnce)
		if err != nil {
			return last, fmt.Errorf("read event log after %d: %w", last, err)
		}
		for _, e := range events {
			f, err := frameOf(e)
			if err != nil {
				return last, err
			}
			if err := t.tell(f); err != nil {
				return last, err
			}
			last = e.Seq
		}
		if len(events) < readAtOnce {
			return last, nil
		}
	}
}

// teller writes to one reader.
type teller struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	only []lab.CampaignID
}

func (t teller) tell(f frame) error {
	if len(t.only) > 0 && !slices.Contains(t.only, f.campaign) {
		return nil
	}
	return t.write(f.text)
}

func (t teller) write(b []byte) error {
	_ = t.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // where there is a connection to set it on
	if _, err := t.w.Write(b); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := t.rc.Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

func orDefault(d, standard time.Duration) time.Duration {
	if d <= 0 {
		return standard
	}
	return d
}
