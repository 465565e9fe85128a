package api

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/athanor-lab/athanor/lab"
)

// basePath is where the API lives; everything else is the page.
const basePath = "/api/v1"

// maxDocumentBytes bounds a campaign document. Tables of candidates are named by
// their hash, not written out, so that four mebibytes are plenty.
const maxDocumentBytes = 4 << 20

// Server answers requests with the help of its ports. All fields but Page, Ping,
// Schema, Examples, Ready, Version and Logger must be set.
type Server struct {
	Campaigns Campaigns
	Control   Control
	Devices   Devices
	Exporter  Exporter
	Events    Events
	Suggester Suggester // nil answers that there is no planner
	// Snapshots may be nil: then there are none.
	Snapshots Snapshots
	Library   Library // nil answers that there is none
	Imports   Imports // nil answers that none are taken

	// Ready says why the laboratory could not take a campaign now, or nil.
	Ready func(ctx context.Context) error
	// Schema is the JSON Schema of campaign documents.
	Schema []byte
	// Examples are documents that the page offers to begin from.
	Examples []Example
	// Page is the built web page, with index.html at its root; nil or empty
	// answers with a line that says how to build it.
	Page    fs.FS
	Version string

	Now    func() time.Time
	Rand   io.Reader // mints ids; need not be safe for concurrent use
	Logger *slog.Logger

	// Ping is the time between signs of life on a silent event stream; 0 means 15 s.
	Ping time.Duration

	rand sync.Mutex
	hub  hub
}

// Handler returns the API and the page.
func (s *Server) Handler() http.Handler {
	h, _ := s.build()
	return h
}

// OpenAPI returns the contract of the API as OpenAPI 3.1, indented.
func (s *Server) OpenAPI() ([]byte, error) {
	_, api := s.build()
	return marshalIndent(api.OpenAPI())
}

func (s *Server) build() (http.Handler, huma.API) {
	gin.SetMode(gin.ReleaseMode) // not to chat on standard output; ours is the only gin
	r := gin.New()
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	cfg := huma.DefaultConfig("Athanor", "1")
	cfg.Info.Description = "What a laboratory that runs itself is asked, and what it answers. Times are UTC (RFC 3339), names are snake_case, units are UCUM codes, errors are problem+json (RFC 9457)."
	cfg.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	cfg.Servers = []*huma.Server{{URL: basePath}}
	cfg.DocsPath = ""     // its page loads a script from elsewhere
	cfg.SchemasPath = ""  // the document has them all
	cfg.CreateHooks = nil // no $schema in answers
	cfg.Transformers = []huma.Transformer{wholeLists}
	cfg.Components.Schemas = newRegistry()
	api := humagin.NewWithGroup(r, r.Group(basePath), cfg)
	s.hub.events, s.hub.logger = s.Events, s.logger()
	s.registerCampaigns(api)
	s.registerControl(api)
	s.registerExperiments(api)
	s.registerDevices(api)
	s.registerExport(api)
	s.registerSuggestions(api)
	s.registerSnapshots(api)
	s.registerLiterature(api)
	s.registerImports(api)
	s.registerEvents(api)
	s.registerService(api)
	finishSchemas(api.OpenAPI())
	r.NoMethod(func(c *gin.Context) {
		(&Problem{
			Type: problemType("method_not_allowed"), Title: http.StatusText(http.StatusMethodNotAllowed), Status: http.StatusMethodNotAllowed,
			Detail: c.Request.Method + " is not something that " + c.Request.URL.Path + " answers; it answers " + c.Writer.Header().Get("Allow") + ".", Instance: instanceOf(c.Request.Context()),
		}).write(c.Writer)
	})
	r.NoRoute(gin.WrapH(s.page()))
	return s.named(guard(noStore(r))), api
}

// noStore keeps what the API answers out of caches: it is true for a moment.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r.URL.Path) {
			w.Header().Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// mint returns the id of a new campaign and the time it was minted at.
func (s *Server) mint() (lab.CampaignID, time.Time, error) {
	now := s.Now().UTC()
	s.rand.Lock()
	defer s.rand.Unlock()
	id, err := lab.MintCampaignID(now, s.Rand)
	return id, now, err
}

// plural counts things in words: "1 mistake", "2 mistakes".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
