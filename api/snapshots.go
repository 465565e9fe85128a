package api

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/athanor-lab/athanor/lab"
)

// Snapshots makes and serves snapshots of the record.
type Snapshots interface {
	// Begin begins a snapshot. The same request of an unchanged record is the
	// same work.
	Begin(ctx context.Context, r SnapshotRequest) (SnapshotWork, error)
	// Work returns how far one has come.
	Work(ctx context.Context, id string) (SnapshotWork, error)
	// List returns those that are kept, by id.
	List(ctx context.Context) ([]SnapshotInfo, error)
	// Folder returns the files of a snapshot, or of an export of it when format
	// is not "".
	Folder(ctx context.Context, id, format string) (fs.FS, error)
}

// SnapshotRequest says what a snapshot is of.
type SnapshotRequest struct {
	Campaigns    []lab.CampaignID `json:"campaigns,omitempty" doc:"Ids of campaigns; none for all"`
	AsOf         *time.Time       `json:"as_of,omitempty" doc:"As of this time; by default that of the latest fact"`
	OnlyLicenses []string         `json:"only_licenses,omitempty" doc:"SPDX identifiers; none for any"`
	Access       string           `json:"access,omitempty" enum:"open,internal,restricted" default:"internal" doc:"At most this access"`
	Distinct     bool             `json:"distinct,omitempty" doc:"Of successes with equal conditions, only the first of each campaign"`
	Exports      []string         `json:"exports,omitempty" enum:"parquet,jsonl,csv,chat,preference,croissant,rocrate,hf" doc:"Formats to write it in besides"`
}

// SnapshotWork is a snapshot that is being made.
type SnapshotWork struct {
	ID       string   `json:"id"`
	State    string   `json:"state" enum:"reading,freezing,exporting,done"`
	Parts    int      `json:"parts" doc:"Into how many the reading is divided"`
	Read     int      `json:"read" doc:"Parts that are read"`
	Rows     int      `json:"rows" doc:"Experiments that are read"`
	Snapshot string   `json:"snapshot" doc:"The snapshot's id, once there is one"`
	Exported []string `json:"exported"`
}

// SnapshotInfo is a snapshot that is kept.
type SnapshotInfo struct {
	ID      string   `json:"id"`
	Rows    int      `json:"rows"`
	Bytes   int64    `json:"bytes"`
	License string   `json:"license"`
	Exports []string `json:"exports" doc:"Formats that it is there in"`
}

func (s *Server) registerSnapshots(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "begin-snapshot", Method: http.MethodPost, Path: "/snapshots", Tags: []string{"dataset"}, DefaultStatus: http.StatusAccepted,
		Summary: "Begin a snapshot of the record", Errors: []int{404, 409, 422},
	}, func(ctx context.Context, in *struct{ Body SnapshotRequest }) (*struct{ Body SnapshotWork }, error) {
		if err := s.keepsSnapshots(); err != nil {
			return nil, s.fail(ctx, err)
		}
		w, err := s.Snapshots.Begin(ctx, in.Body)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body SnapshotWork }{w}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-snapshot-work", Method: http.MethodGet, Path: "/snapshots/work/{work}", Tags: []string{"dataset"},
		Summary: "How far a snapshot has come", Errors: []int{404, 409},
	}, func(ctx context.Context, in *struct {
		Work string `path:"work"`
	},
	) (*struct{ Body SnapshotWork }, error) {
		if err := s.keepsSnapshots(); err != nil {
			return nil, s.fail(ctx, err)
		}
		w, err := s.Snapshots.Work(ctx, in.Work)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body SnapshotWork }{w}, nil
	})
	type list struct {
		Items []SnapshotInfo `json:"items"`
	}
	huma.Register(api, huma.Operation{
		OperationID: "list-snapshots", Method: http.MethodGet, Path: "/snapshots", Tags: []string{"dataset"}, Summary: "The snapshots that are kept",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body list }, error) {
		if err := s.keepsSnapshots(); err != nil {
			return nil, s.fail(ctx, err)
		}
		all, err := s.Snapshots.List(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body list }{list{append([]SnapshotInfo{}, all...)}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "download-snapshot-file", Method: http.MethodGet, Path: "/snapshots/{id}/file", Tags: []string{"dataset"},
		Summary: "Download a file of a snapshot or of an export of it", Errors: []int{404, 416},
		Description: "Answers ranges, so that a download that was broken off goes on. manifest.json names the files with their hashes; the ETag of a file is one of its snapshot.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, s.snapshotFile)
}

func (s *Server) keepsSnapshots() error {
	if s.Snapshots == nil {
		return lab.Errorf(lab.Unavailable, "this laboratory keeps no snapshots")
	}
	return nil
}

func (s *Server) snapshotFile(ctx context.Context, in *struct {
	ID     string `path:"id" doc:"The snapshot's id" pattern:"^[0-9a-f]{64}$"`
	Format string `query:"format" doc:"An export's format; nothing for the snapshot itself"`
	Path   string `query:"path" default:"manifest.json" doc:"The file, as manifest.json names it"`
},
) (*huma.StreamResponse, error) {
	if err := s.keepsSnapshots(); err != nil {
		return nil, s.fail(ctx, err)
	}
	folder, err := s.Snapshots.Folder(ctx, in.ID, in.Format)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	none := lab.Errorf(lab.NotFound, "the snapshot has no file %q; its manifest.json names them", in.Path)
	if !fs.ValidPath(in.Path) || strings.Contains(in.Path, `\`) {
		return nil, s.fail(ctx, none)
	}
	if st, err := fs.Stat(folder, in.Path); err != nil || st.IsDir() {
		return nil, s.fail(ctx, none)
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		c := humagin.Unwrap(h)
		c.Header("ETag", `"`+in.ID+"-"+in.Format+"-"+path.Base(in.Path)+`"`) // what has the id never changes
		c.Header("Content-Disposition", `attachment; filename="`+strings.Map(plainName, path.Base(in.Path))+`"`)
		http.ServeFileFS(c.Writer, c.Request, folder, in.Path)
	}}, nil
}

// plainName drops what could end a name in a header.
func plainName(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return -1
	}
	return r
}
