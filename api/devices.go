package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// DevicePath names a device in a path.
type DevicePath struct {
	ID string `path:"id" minLength:"1" maxLength:"100" doc:"The device's name on the bus" example:"furnace-1"`
}

type deviceAct struct {
	DevicePath
	Body *ActBody `required:"false"`
}

type labAct struct {
	Body *ActBody `required:"false"`
}

type deviceList struct {
	Body struct {
		Items []lab.Device `json:"items"`
	}
}

const stopNote = "A request that devices obey in software. It is no safety-rated emergency stop: use the red button on the device for that."

func (s *Server) registerDevices(api huma.API) {
	tags := []string{"devices"}
	huma.Register(api, huma.Operation{
		OperationID: "list-devices", Method: http.MethodGet, Path: "/devices", Tags: tags, Summary: "List the laboratory's devices as last heard of",
	}, func(ctx context.Context, _ *struct{}) (*deviceList, error) {
		devices, err := s.Devices.List(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		out := &deviceList{}
		out.Body.Items = devices
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-device", Method: http.MethodGet, Path: "/devices/{id}", Tags: tags, Summary: "Get a device", Errors: []int{404},
	}, func(ctx context.Context, in *DevicePath) (*struct{ Body lab.Device }, error) {
		d, err := s.Devices.Get(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body lab.Device }{d}, nil
	})
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, string, Act) error
	}{
		{"stop", "Ask a device to stop and stay stopped", s.Devices.Stop},
		{"reset", "Let a stopped device work again", s.Devices.Reset},
		{"pause", "Have a device begin nothing and hold what can be held", s.Devices.Pause},
		{"resume", "Let a paused device go on", s.Devices.Resume},
	} {
		huma.Register(api, huma.Operation{
			OperationID: c.name + "-device", Method: http.MethodPost, Path: "/devices/{id}/" + c.name, Tags: tags, Summary: c.summary, Description: stopNote,
			DefaultStatus: http.StatusAccepted, Errors: []int{404, 409, 503},
		}, func(ctx context.Context, in *deviceAct) (*struct{}, error) {
			if err := c.do(ctx, in.ID, in.Body.act()); err != nil {
				return nil, s.fail(ctx, err)
			}
			return nil, nil
		})
	}
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, Act) error
	}{
		{"stop", "Ask every device to stop and stay stopped", s.Devices.StopAll},
		{"reset", "Let every stopped device work again", s.Devices.ResetAll},
	} {
		huma.Register(api, huma.Operation{
			OperationID: c.name + "-lab", Method: http.MethodPost, Path: "/lab/" + c.name, Tags: tags, Summary: c.summary, Description: stopNote,
			DefaultStatus: http.StatusAccepted, Errors: []int{409, 503},
		}, func(ctx context.Context, in *labAct) (*struct{}, error) {
			if err := c.do(ctx, in.Body.act()); err != nil {
				return nil, s.fail(ctx, err)
			}
			return nil, nil
		})
	}
	s.registerWatch(api, tags)
}
