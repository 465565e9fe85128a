package world

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// LedgerFile is the name of the ledger in a world's directory.
const LedgerFile = "effects.jsonl"

// Floor is the place of what was dropped, Bench that of what was put aside, and
// Waste that of what was thrown away.
const (
	Floor = "floor"
	Bench = "bench"
	Waste = "waste"
)

// World holds samples, their places and the ledger. It is safe for concurrent
// use.
type World struct {
	Clock *Clock

	mu       sync.Mutex
	file     *os.File
	seq      int64
	size     int64
	samples  map[string]*sample
	at       map[string]map[string]bool // place → samples
	commands map[string][]Effect
	devices  map[string]map[EffectKind]tally
	capacity map[string]int
	broken   error // a write failed: what is on disk is no longer known

	syncMu sync.Mutex
	synced int64 // bytes known to be on disk
}

type sample struct {
	place   string
	slot    string
	history []Effect
	digest  [sha256.Size]byte
}

// Sample is a piece of matter: where it is, and all that happened to it.
type Sample struct {
	ID      string
	Place   string
	History []Effect
}

// Open opens the world in dir, which is made when it is missing, and replays
// its ledger. The clock goes on from the last effect at the given speed, in
// world seconds to a second. It returns a Conflict error when another process
// has the world open. Cost: O(effects).
func Open(dir string, speed float64) (*World, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open world: %w", err)
	}
	path := filepath.Join(dir, LedgerFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open world: %w", err)
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(lab.Errorf(lab.Conflict, "open world %s: another simulator has it open; stop that one or choose another directory: %w", dir, err), f.Close())
	}
	w := &World{file: f, samples: map[string]*sample{}, at: map[string]map[string]bool{}, commands: map[string][]Effect{}, devices: map[string]map[EffectKind]tally{}, capacity: map[string]int{}}
	last := 0.0
	w.size, err = scan(f, func(e Effect) error {
		w.seq, last = e.Seq, e.WorldS
		w.apply(e)
		return nil
	})
	if err == nil {
		err = f.Truncate(w.size) // the torn tail goes, or the next line would be glued to it
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open world ledger %s: %w", path, err), unlockFile(f))
	}
	w.synced, w.Clock = w.size, NewClock(speed, last)
	return w, nil
}

// Close closes the ledger.
func (w *World) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = errors.New("the world is closed")
	}
	return unlockFile(w.file)
}

// Limit sets how many samples a place can hold; 0, the default, is no limit.
func (w *World) Limit(place string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.capacity[place] = n
}

// Record makes an effect happen: it is checked against where the sample is,
// appended to the ledger and on disk when Record returns. The world sets Seq, At
// and WorldS. It returns a Conflict error, and nothing happened, when the sample
// is not where the effect needs it or there is no room where it goes; any other
// error means that it may have happened.
func (w *World) Record(e Effect) (Effect, error) {
	w.mu.Lock()
	e, end, err := w.append(e)
	w.mu.Unlock()
	if err != nil {
		return e, err
	}
	return e, w.sync(end)
}

// append checks e, writes its line and takes it into the state. It returns the
// length of the ledger with it.
func (w *World) append(e Effect) (Effect, int64, error) {
	if w.broken != nil {
		return e, 0, fmt.Errorf("record %s of command %s: %w", e.Effect, e.Command, w.broken)
	}
	if err := w.possible(e); err != nil {
		return e, 0, lab.Errorf(lab.Conflict, "record %s of command %s: %w", e.Effect, e.Command, err)
	}
	e.Seq, e.At, e.WorldS = w.seq+1, time.Now().UTC(), w.Clock.Seconds()
	line, err := json.Marshal(e)
	if err != nil {
		return e, 0, fmt.Errorf("record %s of command %s: %w", e.Effect, e.Command, err)
	}
	if _, err := w.file.WriteAt(append(line, '\n'), w.size); err != nil {
		w.broken = fmt.Errorf("write the world ledger: %w", err)
		return e, 0, w.broken
	}
	w.seq, w.size = e.Seq, w.size+int64(len(line))+1
	w.apply(e)
	return e, w.size, nil
}

// sync returns when the first end bytes are on disk. Those who wait meanwhile
// share the next sync, so the rate of effects is not that of the disk.
func (w *World) sync(end int64) error {
	w.syncMu.Lock()
	defer w.syncMu.Unlock()
	if w.synced >= end {
		return nil
	}
	w.mu.Lock()
	covers := w.size
	w.mu.Unlock()
	if err := w.file.Sync(); err != nil {
		w.mu.Lock()
		w.broken = fmt.Errorf("sync the world ledger: %w", err)
		w.mu.Unlock()
		return w.broken
	}
	w.synced = covers
	return nil
}

// possible checks an effect against the places of the samples.
func (w *World) possible(e Effect) error {
	if e.Sample == "" {
		return nil
	}
	s := w.samples[e.Sample]
	switch {
	case e.Effect == Made && s != nil:
		return fmt.Errorf("sample %s is there already, at %s", e.Sample, s.place)
	case e.Effect != Made && s == nil:
		return fmt.Errorf("there is no sample %s", e.Sample)
	case e.Effect != Made && e.moves() && s.place != e.From:
		return fmt.Errorf("sample %s is at %s, not at %s", e.Sample, s.place, e.From)
	case e.moves() && w.capacity[e.To] > 0 && len(w.at[e.To]) >= w.capacity[e.To]:
		return fmt.Errorf("there is no room at %s, which holds %d", e.To, w.capacity[e.To])
	case !e.moves() && e.Effect != Missed && s.place != e.Device:
		return fmt.Errorf("sample %s is at %s, not at %s", e.Sample, s.place, e.Device)
	}
	return nil
}

// apply takes an effect of the ledger into the state.
func (w *World) apply(e Effect) {
	w.commands[e.Command] = append(w.commands[e.Command], e)
	if w.devices[e.Device] == nil {
		w.devices[e.Device] = map[EffectKind]tally{}
	}
	w.devices[e.Device][e.Effect] = tally{w.devices[e.Device][e.Effect].n + 1, e}
	if e.Sample == "" {
		return
	}
	s := w.samples[e.Sample]
	if s == nil {
		s = &sample{}
		w.samples[e.Sample] = s
	}
	s.history = append(s.history, e)
	if e.Data != nil {
		s.digest = digest(s.digest[:], []byte(e.Name), []byte(e.Effect), e.Data)
	}
	if e.moves() {
		delete(w.at[s.place], e.Sample)
		if w.at[e.To] == nil {
			w.at[e.To] = map[string]bool{}
		}
		w.at[e.To][e.Sample] = true
		s.place, s.slot = e.To, e.Slot
	}
}

// Effects returns what a command has done so far: how a device finds out after
// a crash whether it had already happened.
func (w *World) Effects(command string) []Effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.commands[command])
}

// tally is how often a device did something, and when last.
type tally struct {
	n    int
	last Effect
}

// Did returns how often a device had an effect of a kind, and the last of them:
// how worn a part is, or how full a battery, over all restarts.
func (w *World) Did(device string, kind EffectKind) (n int, last Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.devices[device][kind]
	return t.n, t.last
}

// Sample returns a sample, and whether there is one.
func (w *World) Sample(id string) (Sample, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.samples[id]
	if !ok {
		return Sample{ID: id}, false
	}
	return Sample{ID: id, Place: s.place, History: slices.Clone(s.history)}, true
}

// In returns the sample in a slot of a place, "" for none.
func (w *World) In(place, slot string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.at[place] {
		if w.samples[id].slot == slot {
			return id
		}
	}
	return ""
}

// At returns the samples at a place, in the order of their ids.
func (w *World) At(place string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for id := range w.at[place] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
