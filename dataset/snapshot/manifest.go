package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf16"

	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/lab"
)

// Version names the form of a [Manifest].
const Version = "snapshot/1"

// Manifest says what is in a snapshot, or in an export of one.
type Manifest struct {
	Athanor string        `json:"athanor"`
	Rows    string        `json:"rows"` // the form of the rows: "outcome/1" or "import/1"
	Parent  string        `json:"parent,omitempty"`
	License string        `json:"license,omitempty"` // SPDX
	Sources []string      `json:"sources"`           // campaigns and the hashes of imported files
	Shape   parquet.Shape `json:"shape"`
	Files   []File        `json:"files"` // by path
	Splits  []Split       `json:"splits"`
	// Of and Format are those of an export: the snapshot, and how it is written.
	Of     string `json:"of,omitempty"`
	Format string `json:"format,omitempty"`
}

// File is a file of the snapshot.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Rows   int    `json:"rows"`
}

// Encode returns m as canonical JSON, and its hash in hex: the snapshot's name.
func (m Manifest) Encode() ([]byte, string, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, "", fmt.Errorf("write a manifest: %w", err)
	}
	b, err := Canonical(raw)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(b)
	return b, hex.EncodeToString(sum[:]), nil
}

// Decode reads a manifest. One that is not canonical, so that its hash says
// nothing, is [lab.Invalid].
func Decode(b []byte) (Manifest, string, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, "", lab.Errorf(lab.Invalid, "the manifest cannot be read: %w", err)
	}
	if m.Athanor != Version {
		return m, "", lab.Errorf(lab.Invalid, "the manifest is of the form %q, want %q", m.Athanor, Version)
	}
	again, id, err := m.Encode()
	if err == nil && !bytes.Equal(again, b) {
		err = lab.Errorf(lab.Invalid, "the manifest is not in its canonical form; it was changed")
	}
	return m, id, err
}

// Canonical returns JSON in the form of RFC 8785: keys sorted, no blanks,
// strings and numbers in their shortest form. Equal values have equal bytes.
func Canonical(raw []byte) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&v); err != nil {
		return nil, lab.Errorf(lab.Invalid, "write canonical JSON: %w", err)
	}
	if d.More() {
		return nil, lab.Errorf(lab.Invalid, "write canonical JSON: there is more than one value")
	}
	return appendCanonical(nil, v)
}

func appendCanonical(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k), ':')
			if b, err = appendCanonical(b, v[k]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendCanonical(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case string:
		return appendString(b, v), nil
	case float64:
		if v == 0 {
			return append(b, '0'), nil // no negative zero
		}
		raw, err := json.Marshal(v) // numbers of Go's JSON are in the form of ECMAScript, as the RFC wants
		return append(b, raw...), err
	default:
		raw, err := json.Marshal(v)
		return append(b, raw...), err
	}
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r < 0x20:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
