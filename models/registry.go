package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Entry is a model as a registry lists it.
type Entry struct {
	Model   *Model    `json:"model"`
	AddedAt time.Time `json:"added_at"`
}

// Dir is a registry of models in a folder, a file to a version: what the command
// line has without a laboratory.
type Dir string

// Put keeps a model. Keeping one twice is the same as once.
func (d Dir) Put(m *Model) error {
	folder := filepath.Join(string(d), m.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("keep model %s: %w", m.Name, err)
	}
	file := filepath.Join(folder, m.Version+".json")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write model %s: %w", m.Name, err)
	}
	// Written beside and renamed, so that half a model is never found.
	part, err := os.CreateTemp(folder, ".part-*")
	if err != nil {
		return fmt.Errorf("keep model %s: %w", m.Name, err)
	}
	_, err = part.Write(body)
	err = errors.Join(err, part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("keep model %s: %w", m.Name, errors.Join(err, os.Remove(part.Name())))
	}
	return nil
}

// List returns all versions, by name and the latest first. A folder that is not
// there has none.
func (d Dir) List() ([]Entry, error) {
	files, err := filepath.Glob(filepath.Join(string(d), "*", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list the models of %s: %w", d, err)
	}
	var out []Entry
	for _, f := range files {
		e, err := d.read(f)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		if c := strings.Compare(a.Model.Name, b.Model.Name); c != 0 {
			return c
		}
		return b.AddedAt.Compare(a.AddedAt)
	})
	return out, nil
}

// Get returns NAME, its latest version, or NAME@VERSION, of which the first
// digits suffice.
func (d Dir) Get(ref string) (Entry, error) {
	name, version, _ := strings.Cut(ref, "@")
	if err := CheckName(name); err != nil {
		return Entry{}, err
	}
	all, err := d.List()
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.Model.Name == name && strings.HasPrefix(e.Model.Version, version) {
			return e, nil
		}
	}
	return Entry{}, lab.Errorf(lab.NotFound, "no model %s in %s; athanor model list says which there are", ref, d)
}

func (d Dir) read(file string) (Entry, error) {
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, lab.Errorf(lab.NotFound, "model %s is gone", file)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read a model: %w", err)
	}
	st, err := os.Stat(file)
	if err != nil {
		return Entry{}, fmt.Errorf("read a model: %w", err)
	}
	m, err := Decode(body)
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", file, err)
	}
	return Entry{Model: m, AddedAt: st.ModTime().UTC().Truncate(time.Millisecond)}, nil
}
