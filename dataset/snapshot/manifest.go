package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/lab"
)

// Version names the form of a [Manifest].
const Version = "snapshot/2"

// Manifest says what is in a snapshot, or in an export of one.
type Manifest struct {
	Athanor string        `json:"athanor"`
	Rows    string        `json:"rows"` // the form of the rows: "experiment/1", "outcome/1" or "import/1"
	Parent  string        `json:"parent,omitempty"`
	License string        `json:"license,omitempty"` // SPDX
	Sources []string      `json:"sources"`           // campaigns and the hashes of imported files
	Shape   parquet.Shape `json:"shape"`
	Files   []File        `json:"files"` // by path
	Splits  []Split       `json:"splits"`
	// Facts are counted from the rows of a snapshot of experiments.
	Facts *Facts `json:"facts,omitempty"`
	// Of and Format are those of an export: the snapshot, and how it is written.
	Of     string `json:"of,omitempty"`
	Format string `json:"format,omitempty"`
}

// Facts say what a snapshot of the record is of, and what is in it.
type Facts struct {
	Selection   dataset.Selection        `json:"selection"`
	Classes     map[dataset.Class]int    `json:"classes"`
	Commitments map[dataset.Standing]int `json:"commitments"`
	Repeated    int                      `json:"repeated"` // left out for equal conditions
	Commands    int                      `json:"commands"`
	RawFiles    int                      `json:"raw_files"`
	Corrections int                      `json:"corrections"`
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
func Canonical(raw []byte) ([]byte, error) { return dataset.CanonicalJSON(raw) }
