package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/athanor-lab/athanor/"

// mayImport is the import diagram: a star whose middle is lab. "*" is for those
// who wire the house; nobody imports them. ucum and expr are leaves that know
// nothing of the laboratory and that all but lab may use.
var mayImport = map[string][]string{
	"lab":  {},
	"ucum": {"internal/memo"},
	"expr": {},

	"campaign":                    {"lab"},
	"planner":                     {"lab", "planner/space", "planner/gp", "planner/acq", "planner/net"},
	"planner/net":                 {},
	"models":                      {"lab", "planner/net", "planner/space"},
	"planner/space":               {"lab"},
	"planner/gp":                  {},
	"planner/acq":                 {},
	"planner/bench":               {"lab", "planner", "planner/space", "planner/acq"},
	"planner/askdata":             {"lab"},
	"planner/plugin":              {"lab", "planner", "planner/space"},
	"planner/race":                {"lab", "planner"},
	"schedule":                    {"lab"},
	"schedule/scheduletest":       {"lab", "schedule"},
	"devices":                     {"lab"},
	"devices/mqtt":                {"lab", "devices"},
	"devices/mqtt/mqtttest":       {"devices/mqtt", "internal/brokerhooks"},
	"devices/sdk":                 {"lab", "devices", "devices/mqtt"},
	"devices/gateway":             {"lab", "devices"},
	"devices/gateway/gatewaytest": {"lab", "devices", "devices/gateway"},
	"devices/devicestest":         {"lab", "devices"},
	"sim":                         {"lab", "sim/truth", "sim/world", "sim/instrument", "devices", "devices/sdk"},
	"sim/truth":                   {"lab"},
	"sim/xrd":                     {},
	"sim/world":                   {"lab"},
	"sim/instrument":              {"lab", "sim/truth", "sim/world", "sim/xrd", "devices", "devices/sdk"},
	"workflows":                   {"lab"},
	"literature":                  {"lab"},
	"literature/literaturetest":   {"lab", "literature"},
	"literature/shelf":            {"lab", "literature"},
	"literature/corpus":           {"lab", "literature"},
	"literature/index":            {"lab", "literature"},
	"literature/screen":           {"lab", "literature/index"},
	"literature/extract":          {"literature", "literature/index"},
	"literature/evidence":         {"lab", "literature", "literature/index"},
	"literature/synonyms":         {"lab"},
	"literature/pdf":              {"lab"},
	"literature/embed":            {"lab", "literature", "literature/index"},
	"literature/llm":              {"lab", "literature", "literature/extract"},
	"literature/sources":          {"lab", "literature", "literature/corpus"},
	"literature/review":           {"lab", "literature", "literature/corpus", "literature/evidence", "literature/extract", "literature/index", "literature/synonyms"},
	"literature/bench":            {"lab", "literature", "literature/index", "literature/screen", "literature/extract", "literature/evidence"},
	"devices/conformance":         {"lab", "devices"},
	"devices/spec":                {"lab", "devices"},
	"dataset":                     {"lab", "internal/jsonline", "internal/memo"},
	"dataset/datasettest":         {"lab", "dataset"},
	"dataset/tabular":             {"lab"},
	"dataset/smiles":              {},
	"dataset/importer":            {"lab", "dataset/tabular", "dataset/smiles", "internal/jsonline"},
	"dataset/importtest":          {"lab", "dataset/importer"},
	"dataset/text":                {"lab", "dataset"},
	"dataset/jsontable":           {"lab", "dataset/tabular"},
	"dataset/asm":                 {"lab", "dataset/tabular", "dataset/jsontable"},
	"dataset/bluesky":             {"lab", "dataset/tabular", "dataset/jsontable"},
	"dataset/eln":                 {"lab", "dataset/tabular", "dataset/jsontable"},
	"dataset/ord":                 {"lab", "dataset/tabular", "dataset/jsontable"},
	"dataset/jcamp":               {"lab", "dataset/tabular"},
	"dataset/formats":             {"lab", "dataset/tabular", "dataset/jsontable", "dataset/asm", "dataset/bluesky", "dataset/eln", "dataset/ord", "dataset/jcamp", "dataset/parquet"},
	"dataset/columnar":            {},
	"dataset/parquet":             {"lab", "dataset", "dataset/columnar", "dataset/importer", "dataset/tabular"},
	"dataset/snapshot":            {"lab", "dataset", "dataset/importer", "dataset/parquet", "dataset/smiles", "internal/ahead", "internal/jsonline"},
	"dataset/tables":              {"lab", "dataset", "dataset/columnar", "dataset/text", "internal/jsonline"},
	"dataset/tasks":               {"lab", "dataset", "dataset/text"},
	"dataset/croissant":           {"dataset"},
	"dataset/rocrate":             {"lab", "dataset"},
	"dataset/hf":                  {"dataset"},
	"dataset/push":                {"lab"},
	"dataset/export":              {"lab", "dataset", "dataset/columnar", "dataset/importer", "dataset/snapshot", "dataset/parquet", "dataset/tables", "dataset/tasks", "dataset/text", "dataset/croissant", "dataset/rocrate", "dataset/hf", "internal/ahead", "internal/jsonline"},
	"api":                         {"lab", "dataset/importer"},
	"api/apitest":                 {"lab", "api", "dataset/importer", "dataset/importtest"},
	"api/apitest/devserver":       {"api", "api/apitest", "web"},
	"mcp":                         {"lab", "dataset", "dataset/text"},
	"web":                         {},
	"internal/postgres":           {"lab", "dataset", "dataset/importer", "schedule", "devices", "devices/gateway", "literature", "literature/index"},
	"internal/pgtest":             {"internal/postgres", "internal/embedded"},
	"internal/embedded":           {"internal/brokerhooks"},
	"internal/brokerhooks":        {},
	"internal/ahead":              {},
	"internal/jsonline":           {"lab"},
	"internal/memo":               {},
	"internal/blob":               {"lab"},
	"internal/arch":               {},
	"internal/rig":                {"internal/embedded"},
	"internal/bench":              {"*"},
	"internal/chaos":              {"*"},
	"internal/e2e":                {"*"},
	"cmd/athanor":                 {"*"},
	"examples":                    {},
	"examples/devices/go":         {"devices/sdk", "devices/mqtt"},
}

// leaves may be used by every package but lab.
var leaves = []string{"ucum", "expr"}

// owners says who may touch a library. A library not named here is free.
var owners = map[string][]string{
	"go.temporal.io":                         {"workflows", "cmd/athanor"},
	"github.com/jackc/pgx":                   {"internal/postgres", "internal/pgtest", "internal/embedded"},
	"github.com/eclipse/paho.mqtt.golang":    {"devices/mqtt"},
	"github.com/mochi-mqtt/server":           {"internal/embedded", "internal/brokerhooks", "devices/mqtt/mqtttest"},
	"github.com/gin-gonic/gin":               {"api"},
	"github.com/danielgtaylor/huma":          {"api"},
	"cel.dev/cel-go":                         {"expr"},
	"github.com/xuri/excelize":               {"dataset/tabular"},
	"github.com/parquet-go/parquet-go":       {"dataset/columnar", "dataset/parquet"},
	"github.com/klauspost/compress":          {"dataset/columnar", "internal/postgres", "internal/embedded"},
	"github.com/tiktoken-go/tokenizer":       {"dataset/text"},
	"github.com/go-json-experiment/json":     {"internal/jsonline", "dataset"},
	"github.com/minio/minio-go":              {"dataset/push"},
	"gonum.org/v1/gonum":                     {"planner", "planner/gp", "planner/acq", "planner/space", "planner/bench", "sim/truth", "sim/instrument", "literature/index"},
	"github.com/kljensen/snowball":           {"literature/index"},
	"github.com/klippa-app/go-pdfium":        {"literature/pdf"},
	"github.com/tetratelabs/wazero":          {"literature/pdf"},
	"unsafe":                                 {"dataset/columnar"},    // fields of rows, by their offsets
	"math/rand":                              {},                      // math/rand/v2, with a seed
	"log":                                    {"examples/devices/go"}, // elsewhere log/slog, handed in
	"github.com/modelcontextprotocol/go-sdk": {"mcp", "cmd/athanor"},
}

// TestImports holds every package to the diagram, its tests aside: they may
// bring real neighbours.
func TestImports(t *testing.T) {
	t.Parallel()
	docs := map[string]int{}
	for file, syntax := range parse(t) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s: %s is not in the import diagram", file, pkg)
		}
		if syntax.Doc != nil && !strings.HasSuffix(file, "_test.go") {
			docs[pkg]++
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, spec := range syntax.Imports {
			imp := strings.Trim(spec.Path.Value, `"`)
			inner, ours := strings.CutPrefix(imp, module)
			if ours && !mayUse(pkg, inner, allowed) {
				t.Errorf("%s: %s may not import %s", file, pkg, inner)
			}
			for lib, rooms := range owners {
				if covers(lib, imp) && !slices.Contains(rooms, pkg) {
					t.Errorf("%s: %s belongs to %v", file, imp, rooms)
				}
			}
			if domain, _, _ := strings.Cut(imp, "/"); pkg == "lab" && strings.Contains(domain, ".") {
				t.Errorf("%s: lab imports %s, which is not in the standard library", file, imp)
			}
		}
	}
	for pkg := range mayImport {
		if pkg != "internal/arch" && docs[pkg] != 1 {
			t.Errorf("%s says %d times what it is for, want once", pkg, docs[pkg])
		}
	}
}

func mayUse(pkg, inner string, allowed []string) bool {
	leaf := slices.ContainsFunc(leaves, func(l string) bool { return inner == l || strings.HasPrefix(inner, l+"/") })
	own := strings.HasPrefix(inner, pkg+"/") && strings.HasPrefix(inner, pkg+"/internal")
	return slices.Contains(allowed, "*") || slices.Contains(allowed, inner) || leaf && pkg != "lab" || own || strings.HasPrefix(pkg, "ucum") && strings.HasPrefix(inner, "ucum")
}

// covers reports whether imp is lib or, for a module, a package of it.
func covers(lib, imp string) bool {
	rest, ok := strings.CutPrefix(imp, lib)
	return ok && (rest == "" || rest[0] == '/' && strings.Contains(lib, "."))
}

// parse reads the files itself and does not ask the go command, whose answers
// would not invalidate a cached test result. Modules of their own are not ours
// to judge.
func parse(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	house := os.DirFS("../..")
	err := fs.WalkDir(house, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" || path == "cmd/athanor-temporal"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		src, err := fs.ReadFile(house, path)
		if err != nil {
			return err
		}
		files[path], err = parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly|parser.ParseComments)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
