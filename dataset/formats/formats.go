// Package formats tells what a file is and opens it as tables: text of any
// dialect and XLSX, JSON and JSON Lines, Parquet, reactions of the Open Reaction
// Database, Allotrope documents, Bluesky documents, JCAMP-DX and .eln archives.
//
// What is easily taken wrong: a file is known by its bytes; its name only
// decides where bytes cannot, as for a binary protocol buffer. Something that
// is compressed is unpacked aside, within the limits.
package formats

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/athanor-lab/athanor/dataset/asm"
	"github.com/athanor-lab/athanor/dataset/bluesky"
	"github.com/athanor-lab/athanor/dataset/eln"
	"github.com/athanor-lab/athanor/dataset/jcamp"
	"github.com/athanor-lab/athanor/dataset/jsontable"
	"github.com/athanor-lab/athanor/dataset/ord"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Open opens a file of any of the formats. What cannot be read is [lab.Invalid],
// with what it is taken for and what is wrong with it.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	head, size, err := peek(path)
	if err != nil {
		return nil, err
	}
	if limit := o.Limits.FileBytes; limit > 0 && size > limit {
		return nil, lab.Errorf(lab.Invalid, "the file has %d bytes, more than the %d that are allowed", size, limit)
	}
	name := strings.ToLower(path)
	has := func(endings ...string) bool {
		for _, e := range endings {
			if strings.HasSuffix(name, e) {
				return true
			}
		}
		return false
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
		return nil, lab.Errorf(lab.Invalid, "%s is empty", path)
	case bytes.HasPrefix(head, []byte("PAR1")):
		return parquet.Open(path, o)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openZip(path, o)
	case has(".pb", ".pb.gz", ".pbtxt", ".pbtxt.gz", ".textproto") || bytes.HasPrefix(text, []byte("reactions {")) || bytes.HasPrefix(text, []byte("reactions:")):
		return ord.Open(path, o)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return unpack(path, o)
	case bytes.HasPrefix(text, []byte("##")) && bytes.Contains(bytes.ToUpper(head), []byte("TITLE")) || has(".jdx", ".dx", ".jcm", ".jcamp"):
		return jcamp.Open(path, o)
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		return openJSON(path, text, has(".json", ".jsonl", ".ndjson"), o)
	default:
		return tabular.Open(path, o)
	}
}

// headBytes are looked at to tell what a file is.
const headBytes = 64 << 10

func peek(path string) ([]byte, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.IsDir() {
		return nil, 0, lab.Errorf(lab.Invalid, "%s is a directory; want a file", path)
	}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, err
	}
	return head[:n], info.Size(), nil
}

func openZip(path string, o tabular.Options) (*tabular.Source, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "%s is a ZIP archive that is cut or damaged: %w", path, err)
	}
	crate := eln.Is(&z.Reader)
	if err := z.Close(); err != nil {
		return nil, err
	}
	if crate {
		return eln.Open(path, o)
	}
	return tabular.Open(path, o)
}

// openJSON tells the kinds of JSON apart. Text that begins like JSON and is none
// is a table after all, unless its name says otherwise.
func openJSON(path string, text []byte, named bool, o tabular.Options) (*tabular.Source, error) {
	first, rest, more := bytes.Cut(text, []byte("\n"))
	v, err := jsontable.Parse(bytes.TrimSpace(first))
	whole := len(text) < headBytes-3
	switch _, _, doc := bluesky.Pair(v); {
	case err == nil && doc:
		return bluesky.Open(path, o)
	case err == nil && more && len(bytes.TrimSpace(rest)) > 0:
		return jsontable.OpenLines(path, o)
	case err != nil && (strings.HasSuffix(strings.ToLower(path), ".jsonl") || strings.HasSuffix(strings.ToLower(path), ".ndjson")):
		return jsontable.OpenLines(path, o)
	}
	if err != nil && whole && !named {
		if _, err := jsontable.Parse(bytes.TrimSpace(text)); err != nil {
			return tabular.Open(path, o)
		}
	}
	if v, err = jsontable.Read(path); err != nil {
		return nil, err
	}
	if asm.Is(v) {
		return asm.Open(path, o)
	}
	return jsontable.Open(path, o)
}

// unpack unpacks a gzipped file aside and opens what was in it.
func unpack(path string, o tabular.Options) (_ *tabular.Source, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "%s is damaged: %w", path, err)
	}
	aside, err := os.CreateTemp("", "athanor-import-*"+strings.TrimSuffix(extension(path), ".gz"))
	if err != nil {
		return nil, err
	}
	gone := func() error { return os.Remove(aside.Name()) }
	most := o.Limits.UnpackedBytes
	if most == 0 {
		most = 1 << 30
	}
	n, err := io.Copy(aside, io.LimitReader(z, most+1))
	err = errors.Join(err, aside.Close())
	if err != nil {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "%s is cut or damaged: %w", path, err), gone())
	}
	if n > most {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "%s unpacks to more than %d bytes; it looks like a bomb", path, most), gone())
	}
	if head, _, err := peek(aside.Name()); err != nil || bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "%s is compressed twice", path), err, gone())
	}
	s, err := Open(aside.Name(), o)
	if err != nil {
		return nil, errors.Join(err, gone())
	}
	return tabular.NewSource(s.Tables, tabular.Options{}, func() error { return errors.Join(s.Close(), gone()) })
}

func extension(path string) string {
	base := strings.ToLower(path[strings.LastIndexAny(path, `/\`)+1:])
	if i := strings.IndexByte(base, '.'); i >= 0 && len(base)-i < 16 {
		return base[i:]
	}
	return ""
}
