package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

type health struct {
	Body struct {
		Status string `json:"status" enum:"ok"`
	}
}

type version struct {
	Body struct {
		Version string `json:"version"`
	}
}

type examples struct {
	Body struct {
		Items []Example `json:"items"`
	}
}

func (s *Server) registerService(api huma.API) {
	tags := []string{"service"}
	huma.Register(api, huma.Operation{
		OperationID: "get-health", Method: http.MethodGet, Path: "/health", Tags: tags, Summary: "Answers while the process lives",
	}, func(context.Context, *struct{}) (*health, error) { return healthy(), nil })
	huma.Register(api, huma.Operation{
		OperationID: "get-readiness", Method: http.MethodGet, Path: "/ready", Tags: tags, Summary: "Answers whether a campaign could be taken now", Errors: []int{503},
	}, func(ctx context.Context, _ *struct{}) (*health, error) {
		if s.Ready == nil {
			return healthy(), nil
		}
		if err := s.Ready(ctx); err != nil {
			return nil, s.fail(ctx, lab.Errorf(lab.Unavailable, "not ready: %w", err))
		}
		return healthy(), nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-version", Method: http.MethodGet, Path: "/version", Tags: tags, Summary: "Get the version of the server",
	}, func(context.Context, *struct{}) (*version, error) {
		out := &version{}
		out.Body.Version = s.Version
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-examples", Method: http.MethodGet, Path: "/examples", Tags: tags, Summary: "List campaign documents to begin from",
	}, func(context.Context, *struct{}) (*examples, error) {
		out := &examples{}
		out.Body.Items = s.Examples
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-campaign-schema", Method: http.MethodGet, Path: "/schemas/campaign", Tags: tags, Summary: "Get the JSON Schema of campaign documents", Errors: []int{404},
		Responses: map[string]*huma.Response{"200": {Description: "JSON Schema 2020-12", Content: map[string]*huma.MediaType{
			"application/schema+json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		}}},
	}, func(ctx context.Context, _ *struct{}) (*source, error) {
		if len(s.Schema) == 0 {
			return nil, s.fail(ctx, lab.Errorf(lab.NotFound, "this server was started without the schema of campaign documents"))
		}
		return &source{ContentType: "application/schema+json", Body: s.Schema}, nil
	})
}

func healthy() *health {
	out := &health{}
	out.Body.Status = "ok"
	return out
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
