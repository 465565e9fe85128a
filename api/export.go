package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

var exportTypes = map[string]string{"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}

func (s *Server) registerExport(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "export-campaign", Method: http.MethodGet, Path: "/campaigns/{id}/export", Tags: []string{"experiments"},
		Summary: "Download the outcomes of a campaign", Errors: []int{404},
		Description: "JSON Lines has everything, one outcome to a line; CSV has settings, predictions and observations. A body cut short was cut by a fault.",
		Responses: map[string]*huma.Response{"200": {Description: "The outcomes, in order of number", Content: map[string]*huma.MediaType{
			"application/jsonl": {Schema: &huma.Schema{Type: huma.TypeString}}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}},
	}, s.exportCampaign)
}

func (s *Server) exportCampaign(ctx context.Context, in *struct {
	CampaignPath
	Format string `query:"format" enum:"jsonl,csv" default:"jsonl"`
},
) (*huma.StreamResponse, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if _, err := s.Campaigns.Get(ctx, id); err != nil {
		return nil, s.fail(ctx, err)
	}
	return &huma.StreamResponse{Body: func(h huma.Context) { s.stream(h, id, in.Format) }}, nil
}

func (s *Server) stream(h huma.Context, id lab.CampaignID, format string) {
	h.SetHeader("Content-Type", exportTypes[format])
	h.SetHeader("Content-Disposition", `attachment; filename="`+id.String()+"."+format+`"`)
	w := &countingWriter{w: h.BodyWriter()}
	err := s.Exporter.Export(h.Context(), id, format, w)
	switch {
	case err == nil:
		return
	case w.n == 0:
		h.SetHeader("Content-Disposition", "inline")
		h.SetHeader("Content-Type", "application/problem+json")
		p, _ := errors.AsType[*Problem](s.fail(h.Context(), err))
		h.SetStatus(p.Status)
		_ = huma.DefaultJSONFormat.Marshal(h.BodyWriter(), p) // the reader may be gone
	default:
		s.logger().ErrorContext(h.Context(), "export cut short", "campaign_id", id.String(), "request_id", requestID(h.Context()), "err", err)
		panic(http.ErrAbortHandler) // the reader sees a body cut short, never a false end
	}
}

// countingWriter knows whether anything was written.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // the exporter says what it was doing
}
