package shelf

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// logName is the file of a corpus in its folder.
const logName = "corpus.jsonl"

// Shelf is a [literature.Store] in a directory. It is safe for concurrent use.
type Shelf struct {
	dir    string
	mu     sync.Mutex
	states map[string]*state
}

// Open returns the shelf in dir. The directory is made by the first import.
func Open(dir string) *Shelf { return &Shelf{dir: dir, states: map[string]*state{}} }

// entry is a line of a log: one of its fields.
type entry struct {
	Batch      *literature.Batch       `json:"batch,omitempty"`
	Judgements []literature.Judgement  `json:"judgements,omitempty"`
	Findings   []literature.Extraction `json:"findings,omitempty"`
	Correction *literature.Correction  `json:"correction,omitempty"`
}

// view calls look with the corpus as it is on the disk.
func (s *Shelf) view(ctx context.Context, corpus string, look func(*state) error) error {
	if err := literature.CheckCorpus(corpus); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(corpus)
	f, err := os.Open(filepath.Join(s.dir, corpus, logName))
	if errors.Is(err, os.ErrNotExist) {
		return look(st)
	}
	if err != nil {
		return lab.Errorf(lab.Unavailable, "read corpus %s: %w", corpus, err)
	}
	defer f.Close()
	if _, err := st.catchUp(f); err != nil {
		return err
	}
	return look(st)
}

// change calls decide with the corpus as it is, under the lock of its log, and
// appends the entry that it returns; nil for nothing.
func (s *Shelf) change(ctx context.Context, corpus string, decide func(*state) (*entry, error)) error {
	if err := literature.CheckCorpus(corpus); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := filepath.Join(s.dir, corpus)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return lab.Errorf(lab.Unavailable, "write corpus %s: %w", corpus, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return lab.Errorf(lab.Unavailable, "write corpus %s: %w", corpus, err)
	}
	defer f.Close() // lets go of the lock
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return lab.Errorf(lab.Unavailable, "lock corpus %s: %w", corpus, err)
	}
	st := s.state(corpus)
	end, err := st.catchUp(f)
	if err != nil {
		return err
	}
	e, err := decide(st)
	if err != nil || e == nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return lab.Errorf(lab.Invalid, "write corpus %s: %w", corpus, err)
	}
	line = append(line, '\n')
	if err := f.Truncate(end); err != nil { // a line that a crash left half written
		return lab.Errorf(lab.Unavailable, "write corpus %s: %w", corpus, err)
	}
	_, err = f.WriteAt(line, end)
	if err = errors.Join(err, f.Sync()); err != nil {
		return lab.Errorf(lab.Unavailable, "write corpus %s: %w", corpus, errors.Join(err, f.Truncate(end)))
	}
	st.apply(*e)
	st.read = end + int64(len(line))
	return nil
}

func (s *Shelf) state(corpus string) *state {
	st := s.states[corpus]
	if st == nil {
		st = newState(corpus)
		s.states[corpus] = st
	}
	return st
}

// catchUp applies the lines that are new since the last time and returns where
// the last whole one ends.
func (st *state) catchUp(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, lab.Errorf(lab.Unavailable, "read corpus %s: %w", st.name, err)
	}
	if info.Size() < st.read { // somebody put another file in its place
		*st = *newState(st.name)
	}
	if info.Size() == st.read {
		return st.read, nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, st.read, info.Size()-st.read), 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // what has no end was never said to be stored
			return st.read, nil
		}
		if err != nil {
			return 0, lab.Errorf(lab.Unavailable, "read corpus %s: %w", st.name, err)
		}
		var e entry
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
			return 0, lab.Errorf(lab.Invalid, "read corpus %s: byte %d of %s: %w; restore the file from a backup, or take the line out", st.name, st.read, logName, err)
		}
		st.apply(e)
		st.read += int64(len(line))
	}
}
