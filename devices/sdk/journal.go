package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
)

// record is a line of the journal.
type record struct {
	T string `json:"t"` // see the constants

	ID      string          `json:"id,omitempty"`
	N       int64           `json:"n,omitempty"` // the boot, or the epoch
	Cmd     json.RawMessage `json:"c,omitempty"` // of a begin, or of an end that has none before it
	Text    string          `json:"b,omitempty"` // the same, where it would be written in other bytes than it came in
	Sum     string          `json:"h,omitempty"` // SHA-256 of the command's bytes, of a begin or an end
	Event   *devices.Event  `json:"e,omitempty"` // of an end
	V       json.RawMessage `json:"v,omitempty"` // of a checkpoint, a level, a slot
	Expires time.Time       `json:"x,omitzero"`  // of an end
}

// with returns r with a command's bytes, none lost.
func (r record) with(raw json.RawMessage) record {
	if len(raw) == 0 {
		return r
	}
	if b, err := json.Marshal(raw); err == nil && bytes.Equal(b, raw) {
		r.Cmd = raw
	} else {
		r.Text = string(raw)
	}
	return r
}

// raw returns the command's bytes.
func (r record) raw() json.RawMessage {
	if r.Text != "" {
		return json.RawMessage(r.Text)
	}
	return r.Cmd
}

// The kinds of records.
const (
	recBoot  = "boot"  // the process started
	recEpoch = "epoch" // the highest epoch seen
	recBegin = "begin" // before the first movement
	recCkpt  = "ckpt"  // by the driver
	recEnd   = "end"   // before the terminal event
	recStop  = "stop"  // stopped until reset
	recReset = "reset"

	recPause  = "pause"  // of a command, or of the device when it has no id
	recResume = "resume" // the same
	recSupply = "supply" // the level of a consumable
	recSlot   = "slot"   // what is in a slot, and the handover that it is at
)

// journal is a file of JSON lines that only grows, until it is compacted. A
// line counts when it is whole: a torn one at the end was never relied upon.
type journal struct {
	path string

	mu      sync.Mutex
	flushed *sync.Cond
	file    *os.File
	through func(*os.File) Disk // nil: the file itself
	disk    Disk                // what file is written through
	buf     []byte
	wrote   uint64 // records appended
	synced  uint64 // of them, on the disk
	busy    bool   // somebody writes
	err     error  // the first failure; nothing is written after it
	closed  bool
	size    int64 // of the file, in bytes
	base    int64 // of it when it was last compacted
}

// swellMax is how many bytes a journal may grow before it is compacted.
const swellMax = 64 << 20

// swollen reports whether the file is worth compacting for its length alone.
func (j *journal) swollen() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size > swellMax+2*j.base
}

// openJournal reads the journal at path, or begins it, and locks it against a
// second process. What a crash tore off its end is cut away.
func openJournal(path string) (*journal, []record, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	records, err := readJournal(file, path)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	if err := syncDir(path); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open journal: %w", err), unlockFile(file))
	}
	j := &journal{path: path, file: file, disk: file}
	if info, err := file.Stat(); err == nil {
		j.size = info.Size()
	}
	j.flushed = sync.NewCond(&j.mu)
	return j, records, nil
}

func readJournal(file *os.File, path string) ([]record, error) {
	if err := lockFile(file); err != nil {
		return nil, fmt.Errorf("open journal: another process has %s; a device runs once", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	records, whole, err := parseJournal(b)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	if err := file.Truncate(int64(whole)); err != nil {
		return nil, fmt.Errorf("cut the torn end off journal %s: %w", path, err)
	}
	if _, err := file.Seek(int64(whole), 0); err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return records, nil
}

// parseJournal returns the records of a journal and the length of its whole
// lines. A line that is no record is the torn end when nothing whole follows,
// and otherwise damage that a person must look at: forgetting it could move
// something twice.
func parseJournal(b []byte) (records []record, whole int, err error) {
	for line := 1; whole < len(b); line++ {
		end := bytes.IndexByte(b[whole:], '\n')
		if end < 0 {
			return records, whole, nil
		}
		var r record
		if bad := json.Unmarshal(b[whole:whole+end], &r); bad != nil || r.T == "" {
			if bytes.IndexByte(b[whole+end+1:], '\n') < 0 {
				return records, whole, nil
			}
			return nil, 0, fmt.Errorf("line %d is damaged, and lines follow it; look at it, and move the file away only when "+
				"no command that it holds can be sent again", line)
		}
		records = append(records, r)
		whole += end + 1
	}
	return records, whole, nil
}

// onto has what is written from here on go through a simulated disk, if there
// is one.
func (j *journal) onto(through func(*os.File) Disk) {
	j.through, j.disk = through, j.file
	if through != nil {
		j.disk = through(j.file)
	}
}

// append adds a record and returns its place, for sync to wait for.
func (j *journal) append(r record) uint64 {
	b, err := json.Marshal(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("write journal: %w", err)
	}
	j.buf = append(append(j.buf, b...), '\n')
	j.wrote++
	return j.wrote
}

// sync returns when the record at place, and all before it, are on the disk.
// Whoever comes first writes for all who wait.
func (j *journal) sync(place uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.err == nil && j.synced < place {
		if j.busy {
			j.flushed.Wait()
			continue
		}
		j.busy = true
		buf, upTo := j.buf, j.wrote
		j.buf = nil
		j.mu.Unlock()
		_, err := j.disk.Write(buf)
		if err == nil {
			err = j.disk.Sync()
		}
		j.mu.Lock()
		j.busy = false
		if err != nil && j.err == nil {
			j.err = fmt.Errorf("write journal: %w", err)
		} else if err == nil {
			j.synced = upTo
			j.size += int64(len(buf))
		}
		j.flushed.Broadcast()
	}
	return j.err
}

// put appends a record and waits until it is on the disk.
func (j *journal) put(r record) error { return j.sync(j.append(r)) }

// rewrite replaces the journal by records: all or nothing.
func (j *journal) rewrite(records []record) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("compact journal: %w", err)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.busy {
		j.flushed.Wait()
	}
	if j.err != nil {
		return j.err
	}
	file, err := j.replace(b.Bytes())
	if err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	old := j.file
	j.file, j.buf, j.synced = file, nil, j.wrote
	j.onto(j.through)
	j.size, j.base = int64(b.Len()), int64(b.Len())
	j.flushed.Broadcast()
	return unlockFile(old)
}

// replace puts a file with content in the journal's place, and locks it.
func (j *journal) replace(content []byte) (*os.File, error) {
	file, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockFile(file)
	if err == nil {
		_, err = file.Write(content)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), j.path)
	}
	if err == nil {
		err = syncDir(j.path)
	}
	if err != nil {
		return nil, errors.Join(err, unlockFile(file))
	}
	return file, nil
}

// close ends the journal. What was appended and not waited for is lost, as it
// is when the process dies. A device that is killed while it ends in order
// closes it twice.
func (j *journal) close(why error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = why
	}
	j.flushed.Broadcast()
	for j.busy {
		j.flushed.Wait()
	}
	if j.closed {
		return nil
	}
	j.closed = true
	return unlockFile(j.file)
}

// broken returns the failure that ended the journal.
func (j *journal) broken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
