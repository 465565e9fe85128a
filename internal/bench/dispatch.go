package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/internal/rig"
	"github.com/athanor-lab/athanor/lab"
)

// Options say what is measured.
type Options struct {
	Devices  int     // at least 1
	Rate     float64 // commands a second
	Seconds  float64
	Seed     uint64
	Broker   string // "mosquitto", "mochi", or "" for the first that there is
	Dir      string // for journals and configuration; removed by the caller
	Postgres string // URL of an empty database
	Spawn    rig.Spawn
	Log      io.Writer // of children
	Logger   *slog.Logger
	Say      func(format string, args ...any)
}

// Quantiles are of a time in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
	N   int     `json:"n"`
}

// Dispatch is what was measured.
type Dispatch struct {
	Devices   int     `json:"devices"`
	Rate      float64 `json:"rate"`
	Seconds   float64 `json:"seconds"`
	Commands  int     `json:"commands"`
	Completed int     `json:"completed"`
	Lost      int     `json:"lost"`
	Commanded int     `json:"devices_commanded"` // and leased; the others are at rest

	Accepted Quantiles `json:"accepted_ms"` // dispatched → the device says that it has it, on its disk
	Done     Quantiles `json:"done_ms"`     // dispatched → the device says that it is done
	Told     Quantiles `json:"told_ms"`     // dispatched → entered in the ledger and told
	Stop     Quantiles `json:"stop_ms"`     // lab stop → a device says that it is stopped
	Cancel   Quantiles `json:"cancel_ms"`   // cancel → cancelled

	DeadByWillS            float64 `json:"dead_by_will_s"`    // the slowest
	DeadBySilenceS         float64 `json:"dead_by_silence_s"` // the slowest
	DeadBySilenceHeartbeat float64 `json:"dead_by_silence_heartbeats"`

	ConnectS    float64            `json:"connect_s"` // all devices, from the first process's start
	RSSMB       map[string]float64 `json:"rss_mb"`    // by process
	Processes   int                `json:"device_processes"`
	FileLimit   uint64             `json:"file_limit"`
	Broker      string             `json:"broker"`
	HeartbeatS  float64            `json:"heartbeat_s"`
	BeatS       float64            `json:"beat_s"`
	Cells       int                `json:"cells"`
	Seed        uint64             `json:"seed"`
	CPUSeconds  float64            `json:"gateway_cpu_seconds"` // of this process, under load
	DrainedInS  float64            `json:"drained_in_s"`        // the last answer, after the last command
	CommandsOut float64            `json:"commands_per_s"`
}

const (
	perCell    = 50   // devices that hear one beat
	heartbeatS = 5.0  // the contract's default
	filesEach  = 2    // a connection and a journal
	filesSpare = 2000 // of a process for everything else
	perProcess = 5000 // devices, at most
	victims    = 3    // devices that are killed, and as many that fall silent
	victimBeat = 2.0  // seconds between heartbeats of those
	drainMax   = time.Minute
	cancelMax  = 200 // devices whose work is cancelled
)

// Run measures. It ends every process that it started.
func Run(ctx context.Context, o Options) (_ Dispatch, err error) {
	if o.Devices < 1 || !(o.Rate > 0) || !(o.Seconds > 0) {
		return Dispatch{}, lab.Errorf(lab.Invalid, "%d devices, %g commands/s, %g s: all must be above 0", o.Devices, o.Rate, o.Seconds)
	}
	r := Dispatch{
		Devices: o.Devices, Rate: o.Rate, Seed: o.Seed, HeartbeatS: heartbeatS, BeatS: 1,
		Cells: (o.Devices + perCell - 1) / perCell, FileLimit: rig.RaiseFileLimit(), RSSMB: map[string]float64{},
	}
	each := min(perProcess, int(r.FileLimit-filesSpare)/filesEach)
	if r.FileLimit < filesSpare+2*filesEach || uint64(o.Devices) > r.FileLimit-filesSpare {
		return r, lab.Errorf(lab.Invalid, "%d devices need as many connections in the broker, and a process here may have %d files open: raise the hard limit (ulimit -Hn) or take fewer devices",
			o.Devices, r.FileLimit)
	}
	m, err := open(ctx, o)
	if err != nil {
		return r, err
	}
	defer m.close()
	r.Broker = m.broker.Name

	began := time.Now()
	for first := 0; first < o.Devices; first += each {
		if _, err := m.devices("bench", first, min(each, o.Devices-first), heartbeatS); err != nil {
			return r, err
		}
		r.Processes++
	}
	if err := m.watch.await(ctx, 2*time.Minute, o.Devices, "devices are online", m.watch.onlineCount); err != nil {
		return r, err
	}
	r.ConnectS = time.Since(began).Seconds()
	o.Say("%d devices are online on %s after %.1f s", o.Devices, r.Broker, r.ConnectS)

	if err := m.load(ctx, &r); err != nil {
		return r, err
	}
	m.memory(&r)
	if r.Cancel, err = m.cancel(ctx); err != nil {
		return r, err
	}
	if r.Stop, err = m.stop(ctx); err != nil {
		return r, err
	}
	return r, m.deaths(ctx, &r)
}

// measuring is everything that runs.
type measuring struct {
	Options
	broker   *rig.Broker
	children []*rig.Child
	db       *postgres.DB
	gateway  *gateway.Gateway
	watch    *watch
	rand     *rand.Rand
	number   int // of experiments so far
	closers  []func()
}

func open(ctx context.Context, o Options) (_ *measuring, err error) {
	m := &measuring{Options: o, watch: newWatch(), rand: rand.New(rand.NewPCG(o.Seed, 0))}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if err := os.MkdirAll(filepath.Join(o.Dir, "journals"), 0o755); err != nil {
		return nil, fmt.Errorf("open the bench: %w", err)
	}
	if m.db, err = postgres.Open(ctx, o.Postgres, o.Logger); err != nil {
		return nil, err
	}
	m.closers = append(m.closers, m.db.Close)
	if m.broker, err = rig.StartBroker(ctx, o.Broker, o.Dir, o.Spawn, o.Log); err != nil {
		return nil, err
	}
	m.closers = append(m.closers, m.broker.Kill)
	dial := m.watch.tap(mqtt.Dialer(mqtt.Options{URL: m.broker.URL(), Logger: o.Logger}))
	if m.gateway, err = gateway.Open(ctx, gateway.Config{Dial: dial, Ledger: m.db, Fleet: seer{m.db, m.watch}, Completer: m.watch, Logger: o.Logger}); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = m.gateway.Run(running) // ends with the bench
	}()
	m.closers = append(m.closers, func() { cancel(); <-ended })
	return m, nil
}

// close ends everything, in the order opposite to its start, devices first.
func (m *measuring) close() {
	for _, c := range m.children {
		c.Kill()
	}
	for _, end := range slices.Backward(m.closers) {
		end()
	}
}

// devices starts a process of devices.
func (m *measuring) devices(prefix string, first, n int, heartbeat float64) (*rig.Child, error) {
	c, err := rig.Start(m.Spawn, Devices, fleet{
		URL: m.broker.URL(), Prefix: prefix, First: first, Count: n, PerCell: perCell,
		Journals: filepath.Join(m.Dir, "journals"), HeartbeatS: heartbeat,
	}, m.Log)
	if err == nil {
		m.children = append(m.children, c)
	}
	return c, err
}

// command mints a command to a device.
func (m *measuring) command(device, name string) lab.Command {
	m.number++
	campaign := lab.CampaignID{15: byte(m.Seed)}
	e := lab.ExperimentIDOf(campaign, m.number)
	return lab.Command{
		ID: lab.CommandIDOf(e, name, 1, 0), CampaignID: campaign, ExperimentID: e, Number: m.number, Step: name, Intent: 1,
		Device: device, Epoch: 1, Name: name, Params: json.RawMessage(`{}`), TimeoutS: 300, Deadline: time.Now().Add(5 * time.Minute),
	}
}
