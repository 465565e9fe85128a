package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Stream is telemetry: rows of numbers that are said in batches, at least once
// a second. Batches are not repeated: what is lost while there is no link is
// lost, and their numbers show it.
type Stream struct {
	d       *Device
	columns []devices.Column

	mu      sync.Mutex
	name    string
	n       int64
	t0      time.Time
	command string
	dt      []float64
	v       [][]float64
	flush   *time.Timer
}

const (
	batchEvery = time.Second
	batchRows  = 512
)

// Stream declares telemetry, before Run: a name, and its columns with units
// and, where the sensor has them, limits.
func (d *Device) Stream(name string, columns ...devices.Column) *Stream {
	s := &Stream{d: d, name: name, columns: columns, v: make([][]float64, len(columns))}
	about := devices.Stream{Name: name, Columns: columns}
	if !devices.ValidID(name) || len(columns) == 0 {
		d.misuse(fmt.Errorf("stream %q has no name or no columns", name))
	}
	for i, c := range columns {
		if !devices.ValidID(c.Name) || c.Unit == "" {
			d.misuse(fmt.Errorf("column %d of stream %q has no name or no unit; a bare number has the unit 1", i+1, name))
		}
	}
	d.streams = append(d.streams, about)
	return s
}

// Add adds a row, a value to a column. It is an error when their number is
// another, or when one is no number.
func (s *Stream) Add(values ...float64) error { return s.add("", values) }

// AddFor is Add for what belongs to a command.
func (s *Stream) AddFor(c *Ctx, values ...float64) error { return s.add(c.CommandID(), values) }

func (s *Stream) add(command string, values []float64) error {
	if len(values) != len(s.columns) {
		return fmt.Errorf("add to stream %s: %d values for %d columns", s.name, len(values), len(s.columns))
	}
	for i, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("add to stream %s: %s is %g, which is no number", s.name, s.columns[i].Name, x)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.d.now()
	if len(s.dt) > 0 && (s.command != command || len(s.dt) >= min(batchRows, devices.BatchValuesMax/len(s.columns))) {
		s.send()
	}
	if len(s.dt) == 0 {
		s.t0, s.command = now, command
		s.flush = time.AfterFunc(batchEvery, s.Flush)
	}
	s.dt = append(s.dt, max(0, ms(now.Sub(s.t0))))
	for i, x := range values {
		s.v[i] = append(s.v[i], x)
	}
	return nil
}

// Flush says what was added, now.
func (s *Stream) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send()
}

// send hands the batch over; s.mu is held.
func (s *Stream) send() {
	if len(s.dt) == 0 {
		return
	}
	s.flush.Stop()
	s.d.mu.Lock()
	boot, out := s.d.boot, s.d.out
	s.d.mu.Unlock()
	if out == nil && len(s.dt) < batchRows { // before Run: it waits
		s.flush.Reset(batchEvery)
		return
	}
	s.n++
	b := devices.Batch{Boot: boot, N: s.n, T0: s.t0, DtMS: s.dt, V: map[string][]float64{}, U: map[string]lab.Unit{}, Command: s.command}
	for i, c := range s.columns {
		b.V[c.Name], b.U[c.Name] = s.v[i], c.Unit
	}
	s.dt, s.v = nil, make([][]float64, len(s.columns))
	payload, err := json.Marshal(b)
	if err != nil {
		s.d.log.Error("batch not written", "stream", s.name, "err", err)
		return
	}
	out.telemetry(devices.Message{Topic: devices.SubTopic(s.d.cfg.Lab, s.d.cfg.ID, devices.LeafTm, s.name), Payload: payload})
}
