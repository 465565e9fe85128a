package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// Imports is where existing data comes in: files, what their columns mean, and
// what was held back. The words are those of package importer, since a mapping
// is one document everywhere. [importer.Desk] is one.
type Imports interface {
	// Inbox returns the folder of imports on the server, "" for none, and its files.
	Inbox(ctx context.Context) (string, []importer.InboxFile, error)
	Take(ctx context.Context, name string) (importer.Offered, error)
	Upload(ctx context.Context, name string, r io.Reader) (importer.Offered, error)
	// Try tells what an import would do; without a mapping one is proposed.
	Try(ctx context.Context, o importer.Offered, sheet string, m *importer.Mapping) (importer.Trial, error)
	Begin(ctx context.Context, o importer.Offered, m importer.Mapping) (importer.Standing, error)
	Standing(ctx context.Context, id string) (importer.Standing, error)
	Standings(ctx context.Context, limit int) ([]importer.Standing, error)
	HeldRows(ctx context.Context, id string, after, limit int) ([]importer.Held, error)
	Replay(ctx context.Context, id string, edits []importer.Edit) (importer.Replays, error)
}

// ImportPath names an import.
type ImportPath struct {
	ID string `path:"id" doc:"The import's id" pattern:"^[0-9a-f]{64}$"`
}

// ImportTry asks what an import would do.
type ImportTry struct {
	importer.Offered
	Sheet   string            `json:"sheet,omitempty" doc:"The table, of a file with several, when a mapping is to be proposed"`
	Mapping *importer.Mapping `json:"mapping,omitempty" doc:"Without it, and without yaml, one is proposed"`
	YAML    string            `json:"yaml,omitempty" maxLength:"4000000" doc:"A mapping as a file has it, instead"`
}

// ImportRequest asks for an import.
type ImportRequest struct {
	importer.Offered
	Mapping importer.Mapping `json:"mapping"`
}

// InboxChoice names a file of the folder of imports.
type InboxChoice struct {
	Name string `json:"name" maxLength:"255"`
}

// ReplayRequest has rows that were held back, as a person has corrected them.
type ReplayRequest struct {
	Rows []importer.Edit `json:"rows" minItems:"1" maxItems:"1000"`
}

// ImportInfo is an import and where it is in its life.
type ImportInfo struct {
	importer.Standing
	State string `json:"state" enum:"running,done,failed"`
}

func importInfo(s importer.Standing) ImportInfo {
	info := ImportInfo{Standing: s, State: "running"}
	switch {
	case s.Failure != "":
		info.State = "failed"
	case s.Summary != nil:
		info.State = "done"
	}
	return info
}

type (
	offered  struct{ Body importer.Offered }
	imported struct{ Body ImportInfo }
)

func (s *Server) registerImports(api huma.API) {
	tags := []string{"imports"}
	type importInbox struct {
		Folder string               `json:"folder" doc:"On the server; nothing when it has none"`
		Items  []importer.InboxFile `json:"items"`
	}
	huma.Register(api, huma.Operation{
		OperationID: "list-inbox", Method: http.MethodGet, Path: "/imports/inbox", Tags: tags, Summary: "The files in the folder of imports", Errors: []int{503},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body importInbox }, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		folder, files, err := d.Inbox(ctx)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body importInbox }{importInbox{folder, files}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "take-from-inbox", Method: http.MethodPost, Path: "/imports/inbox", Tags: tags, Summary: "Choose a file of the folder of imports", Errors: []int{404, 422, 503},
	}, func(ctx context.Context, in *struct{ Body InboxChoice }) (*offered, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		o, err := d.Take(ctx, in.Body.Name)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &offered{o}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "upload-import-file", Method: http.MethodPost, Path: "/imports/files", Tags: tags, Summary: "Upload a file to be imported", Errors: []int{422, 503},
		Description: "The body is the file as it is. Nothing is imported by it.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
	}, s.uploadImport)
	huma.Register(api, huma.Operation{
		OperationID: "try-import", Method: http.MethodPost, Path: "/imports/try", Tags: tags, Summary: "Say what an import would do", MaxBodyBytes: maxDocumentBytes, Errors: []int{404, 413, 422, 503},
		Description: "Without a mapping one is proposed, with how sure it is. Fates are a letter to a cell: m mapped, a attribute, q quarantined, b blank, i ignored.",
	}, s.tryImport)
	huma.Register(api, huma.Operation{
		OperationID: "begin-import", Method: http.MethodPost, Path: "/imports", Tags: tags, Summary: "Import a file by a mapping", DefaultStatus: http.StatusAccepted,
		Description: "The same file by the same mapping is the same import.", MaxBodyBytes: maxDocumentBytes, Errors: []int{404, 413, 422, 503},
	}, func(ctx context.Context, in *struct{ Body ImportRequest }) (*imported, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		st, err := d.Begin(ctx, in.Body.Offered, in.Body.Mapping)
		return s.importAnswer(ctx, st, err)
	})
	s.registerImported(api, tags)
}

func (s *Server) registerImported(api huma.API, tags []string) {
	type importList struct {
		Items []ImportInfo `json:"items"`
	}
	huma.Register(api, huma.Operation{
		OperationID: "list-imports", Method: http.MethodGet, Path: "/imports", Tags: tags, Summary: "The imports on record, the newest first", Errors: []int{503},
	}, func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
	},
	) (*struct{ Body importList }, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		all, err := d.Standings(ctx, in.Limit)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		out := &struct{ Body importList }{}
		for _, st := range all {
			out.Body.Items = append(out.Body.Items, importInfo(st))
		}
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-import", Method: http.MethodGet, Path: "/imports/{id}", Tags: tags, Summary: "An import with its mapping and its ledger", Errors: []int{404, 503},
	}, func(ctx context.Context, in *ImportPath) (*imported, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		st, err := d.Standing(ctx, in.ID)
		return s.importAnswer(ctx, st, err)
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-import-mapping", Method: http.MethodGet, Path: "/imports/{id}/mapping", Tags: tags, Summary: "Download the mapping of an import, as a file has it", Errors: []int{404, 503},
		Responses: map[string]*huma.Response{"200": {Description: "The mapping", Content: map[string]*huma.MediaType{"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
	}, func(ctx context.Context, in *ImportPath) (*source, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		st, err := d.Standing(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		var b bytes.Buffer
		if err := st.Mapping.Write(&b); err != nil {
			return nil, s.fail(ctx, err)
		}
		return &source{ContentType: "application/yaml", Body: b.Bytes()}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "list-held-rows", Method: http.MethodGet, Path: "/imports/{id}/held", Tags: tags, Summary: "The rows that an import holds back, with what is wrong", Errors: []int{404, 503},
	}, s.heldRows)
	huma.Register(api, huma.Operation{
		OperationID: "replay-held-rows", Method: http.MethodPost, Path: "/imports/{id}/replay", Tags: tags, Summary: "Import rows that were held back, with corrected texts", MaxBodyBytes: maxDocumentBytes, Errors: []int{404, 409, 413, 422, 503},
		Description: "Rows that are right now are imported, with what was corrected; those that are still wrong stay held.",
	}, func(ctx context.Context, in *struct {
		ImportPath
		Body ReplayRequest
	},
	) (*struct{ Body importer.Replays }, error) {
		d, err := s.desk()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		r, err := d.Replay(ctx, in.ID, in.Body.Rows)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return &struct{ Body importer.Replays }{r}, nil
	})
}

func (s *Server) desk() (Imports, error) {
	if s.Imports == nil {
		return nil, lab.Errorf(lab.Unavailable, "this laboratory takes no imports")
	}
	return s.Imports, nil
}

func (s *Server) importAnswer(ctx context.Context, st importer.Standing, err error) (*imported, error) {
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &imported{importInfo(st)}, nil
}

// uploadIn reads its body as it comes: a file need not fit into memory.
type uploadIn struct {
	Name string `query:"name" required:"true" maxLength:"500" doc:"The file's name, which may tell its format"`
	body io.Reader
}

// Resolve implements [huma.Resolver].
func (u *uploadIn) Resolve(ctx huma.Context) []error {
	u.body = ctx.BodyReader()
	return nil
}

func (s *Server) uploadImport(ctx context.Context, in *uploadIn) (*offered, error) {
	d, err := s.desk()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	o, err := d.Upload(ctx, in.Name, in.body)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &offered{o}, nil
}

func (s *Server) tryImport(ctx context.Context, in *struct{ Body ImportTry }) (*struct{ Body importer.Trial }, error) {
	d, err := s.desk()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	m := in.Body.Mapping
	if in.Body.YAML != "" {
		if m, err = importer.ParseMapping(in.Body.YAML); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	t, err := d.Try(ctx, in.Body.Offered, in.Body.Sheet, m)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &struct{ Body importer.Trial }{t}, nil
}

func (s *Server) heldRows(ctx context.Context, in *struct {
	ImportPath
	Paged
},
) (*listed[importer.Held], error) {
	d, err := s.desk()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	after, err := in.after(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := d.HeldRows(ctx, in.ID, after, in.Limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return pageOf(rows, in.Paged, "/imports/"+in.ID+"/held", nil, func(h importer.Held) string { return strconv.Itoa(h.Source.Row) }), nil
}
