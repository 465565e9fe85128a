// Package eln reads electronic laboratory notebooks exported as .eln: a ZIP
// archive with an RO-Crate.
//
// The entities of the crate's metadata are tables by their type, "Dataset" (the
// experiments) first; a row is an entity, a reference to others is kept as its
// JSON. The files of the archive are compared with the sizes and hashes that
// the crate says, and what is missing or other is told.
//
// What is easily taken wrong: an archive is refused before it is unpacked when
// it claims to grow beyond the limits, and nothing of it is written to the disk.
package eln

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/jsontable"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

const metadata = "ro-crate-metadata.json"

// Is reports whether an archive holds a crate.
func Is(z *zip.Reader) bool { return find(z) != nil }

func find(z *zip.Reader) *zip.File {
	var best *zip.File
	for _, f := range z.File {
		if path.Base(f.Name) == metadata && (best == nil || strings.Count(f.Name, "/") < strings.Count(best.Name, "/")) {
			best = f
		}
	}
	return best
}

// Open opens an archive.
func Open(name string, o tabular.Options) (_ *tabular.Source, err error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "%s is cut or no ZIP archive: %w", name, err)
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	if err := tabular.CheckArchive(&z.Reader, o.Limits); err != nil {
		return nil, err
	}
	m := find(&z.Reader)
	if m == nil {
		return nil, lab.Errorf(lab.Invalid, "%s has no %s; it is no RO-Crate", name, metadata)
	}
	raw, err := content(m)
	if err != nil {
		return nil, err
	}
	v, err := jsontable.Parse(raw)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "%s of %s: %w", m.Name, name, err)
	}
	top, _ := v.(*jsontable.Object)
	var graph []any
	if top != nil {
		graph, _ = top.Get("@graph").([]any)
	}
	if len(graph) == 0 {
		return nil, lab.Errorf(lab.Invalid, "%s of %s has no @graph", m.Name, name)
	}
	notes := compare(&z.Reader, path.Dir(m.Name), graph)
	tables, err := tablesOf(graph, o)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		t.Notes = append(t.Notes, notes...)
	}
	return tabular.NewSource(tables, o, nil)
}

func content(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "unpack %s: %w", f.Name, err)
	}
	defer in.Close()
	const most = 256 << 20
	raw, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil || len(raw) > most {
		return nil, lab.Errorf(lab.Invalid, "unpack %s: it is damaged or has more than %d bytes: %w", f.Name, most, err)
	}
	return raw, nil
}

func tablesOf(graph []any, o tabular.Options) ([]*tabular.Table, error) {
	rows := map[string][]any{}
	var types []string
	for _, v := range graph {
		name := "(none)"
		if e, ok := v.(*jsontable.Object); ok {
			switch t := e.Get("@type").(type) {
			case string:
				name = t
			case []any:
				if len(t) > 0 {
					name = strings.Trim(jsontable.JSON(t[0]), `"`)
				}
			}
		}
		if rows[name] == nil {
			types = append(types, name)
		}
		rows[name] = append(rows[name], v)
	}
	slices.SortStableFunc(types, func(a, b string) int {
		if (a == "Dataset") != (b == "Dataset") {
			if a == "Dataset" {
				return -1
			}
			return 1
		}
		return 0
	})
	var tables []*tabular.Table
	for i, name := range types {
		to := o
		if o.Sheet != name && (o.Sheet != "" || i > 0) {
			to.Names = nil
		}
		t, err := jsontable.Rows(name, "eln", rows[name], to)
		if err != nil {
			return nil, err
		}
		t.Known = map[string]tabular.Known{"contentSize": tabular.About, "value": tabular.About} // of files; of properties, each of its own kind
		tables = append(tables, t)
	}
	return tables, nil
}

// compare tells of files that are missing or other than the crate says.
func compare(z *zip.Reader, root string, graph []any) (notes []tabular.Note) {
	files := map[string]*zip.File{}
	for _, f := range z.File {
		files[path.Clean(f.Name)] = f
	}
	for _, v := range graph {
		e, ok := v.(*jsontable.Object)
		if !ok || e.Text("@type") != "File" || strings.Contains(e.Text("@id"), "://") {
			continue
		}
		id := e.Text("@id")
		note := func(code, format string, args ...any) {
			notes = append(notes, tabular.Note{Code: code, Text: fmt.Sprintf("file %q: ", id) + fmt.Sprintf(format, args...)})
		}
		f := files[path.Join(root, id)]
		if f == nil {
			note("file_missing", "the crate names it and the archive does not have it")
			continue
		}
		size := fmt.Sprint(e.Get("contentSize"))
		if n, err := strconv.ParseUint(size, 10, 64); err == nil && n != f.UncompressedSize64 {
			note("file_differs", "it has %d bytes and the crate says %d", f.UncompressedSize64, n)
		}
		if want := e.Text("sha256"); want != "" {
			if raw, err := content(f); err != nil {
				note("file_damaged", "%v", err)
			} else if sum := sha256.Sum256(raw); !strings.EqualFold(hex.EncodeToString(sum[:]), want) {
				note("file_differs", "its SHA-256 is %x and the crate says %s", sum, want)
			}
		}
	}
	return notes
}
