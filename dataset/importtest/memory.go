// Package importtest has a store of imports in memory, and the suite that every
// store passes.
package importtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// Memory is an [importer.Store] that carries imports out as soon as they are
// asked for. It is safe for concurrent use.
type Memory struct {
	open  importer.Opener
	mu    sync.Mutex
	files map[string][]byte
	all   []*kept // oldest first
}

type kept struct {
	importer.Standing
	held    []importer.Held
	settled importer.Settled
}

// NewMemory returns an empty store; open may be nil for tables of text and XLSX.
func NewMemory(open importer.Opener) *Memory {
	return &Memory{open: open, files: map[string][]byte{}}
}

// PutFile implements [importer.Store].
func (m *Memory) PutFile(_ context.Context, sha string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != sha {
		return lab.Errorf(lab.Invalid, "its SHA-256 is %x, not %s", sum, sha)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[sha] = b
	return nil
}

// CopyFile implements [importer.Store].
func (m *Memory) CopyFile(_ context.Context, sha string, w io.Writer) error {
	m.mu.Lock()
	b, ok := m.files[sha]
	m.mu.Unlock()
	if !ok {
		return lab.Errorf(lab.NotFound, "file %s is not kept", sha)
	}
	_, err := io.Copy(w, bytes.NewReader(b))
	return err
}

// PutImport implements [importer.Store].
func (m *Memory) PutImport(ctx context.Context, s importer.Standing) (err error) {
	if _, err := m.Standing(ctx, s.ID); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "athanor-memory-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, s.Source)
	m.mu.Lock()
	b, ok := m.files[s.SHA256]
	m.mu.Unlock()
	if !ok {
		return lab.Errorf(lab.NotFound, "file %s is not kept", s.SHA256)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	k := &kept{Standing: s}
	k.BegunAt = time.Now().UTC()
	o, err := importer.Job{Path: path, Open: m.open, Mapping: &s.Mapping}.Look()
	if err != nil {
		return err
	}
	defer o.Close() //nolint:errcheck // it was only read
	sum, err := importer.Run(o.Table, o.SHA256, o.Mapping, importer.Sinks{
		Row: func(r *importer.Row) error { return nil }, Entry: func(importer.Entry) error { return nil },
		Held: func(h importer.Held) error { k.held = append(k.held, h); return nil },
	})
	if err != nil {
		return err
	}
	k.Summary, k.LastRow = &sum, sum.Rows.All
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, k)
	return nil
}

func (m *Memory) find(id string) (*kept, error) {
	if i := slices.IndexFunc(m.all, func(k *kept) bool { return k.ID == id }); i >= 0 {
		return m.all[i], nil
	}
	return nil, lab.Errorf(lab.NotFound, "there is no import %s", id)
}

func (k *kept) now() importer.Standing {
	s := k.Standing
	s.Held, s.Settled = len(k.held), int(k.settled.Rows)
	s.Cells = s.Summary.Cells.Settle(s.Mapping, k.settled)
	return s
}

// Standing implements [importer.Store].
func (m *Memory) Standing(_ context.Context, id string) (importer.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, err := m.find(id)
	if err != nil {
		return importer.Standing{}, err
	}
	return k.now(), nil
}

// Standings implements [importer.Store].
func (m *Memory) Standings(_ context.Context, limit int) ([]importer.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []importer.Standing{}
	for _, k := range slices.Backward(m.all) {
		if len(all) < limit {
			all = append(all, k.now())
		}
	}
	return all, nil
}

// HeldRows implements [importer.Store].
func (m *Memory) HeldRows(_ context.Context, id string, after, limit int) ([]importer.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, err := m.find(id)
	if err != nil {
		return nil, err
	}
	some := []importer.Held{}
	for _, h := range k.held {
		if h.Source.Row > after && len(some) < limit {
			some = append(some, h)
		}
	}
	return some, nil
}

// SettleHeld implements [importer.Store].
func (m *Memory) SettleHeld(_ context.Context, id string, r *importer.Row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, err := m.find(id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(k.held, func(h importer.Held) bool { return h.Source.Row == r.Source.Row })
	if i < 0 {
		return nil
	}
	width, was := len(k.Mapping.Columns), len(k.held[i].Original)
	k.held = slices.Delete(k.held, i, i+1)
	n := &k.settled
	n.Rows++
	n.Mapped += int64(len(r.Settings) + len(r.Observed))
	n.Attributes += int64(len(r.Attributes))
	n.Original += int64(was)
	n.Surplus += int64(max(was-width, 0))
	n.Added += int64(max(width-was, 0))
	return nil
}

var _ importer.Store = (*Memory)(nil)
