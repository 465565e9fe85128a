package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
)

// settings are the parameters of the test device: one of every type.
type settings struct {
	Level float64  `json:"level" unit:"mm" min:"-2.5" max:"7.25"`
	Count int      `json:"count" unit:"1" min:"0" max:"9"`
	Gas   string   `json:"gas" enum:"N2,Ar"`
	Label string   `json:"label"`
	Dry   bool     `json:"dry"`
	Speed float64  `json:"speed" unit:"1/s" min:"0" max:"10" default:"2"`
	Extra *float64 `json:"extra" unit:"1" min:"0" max:"1"`
}

type waiting struct {
	Time float64 `json:"time" unit:"s" min:"0" max:"60"`
}

type waited struct {
	Time float64   `json:"time" unit:"s"`
	Path []float64 `json:"path"`
}

// examples of the test device's commands.
var examples = map[string]json.RawMessage{
	"set":   json.RawMessage(`{"level":1,"count":2,"gas":"Ar","label":"x","dry":true}`),
	"again": json.RawMessage(`{"time":0}`), "resume": json.RawMessage(`{"time":0}`), "look": json.RawMessage(`{"time":0}`), "once": json.RawMessage(`{"time":0}`),
	"standing": json.RawMessage(`{"time":0}`), "stopping": json.RawMessage(`{"time":0}`), "pausing": json.RawMessage(`{"time":0}`), "finishing": json.RawMessage(`{"time":0}`),
}

// patience is for a machine that is busy with everybody's tests.
const patience = 15 * time.Second

// orphanAfter is the silence that the test device bears.
const orphanAfter = 1200 * time.Millisecond

// newDevice returns a device with a command of every recovery class.
func newDevice(journal string) *sdk.Device {
	d := sdk.New(sdk.Config{ID: "dut", Kind: "Tester", Capabilities: []string{"test"}, Journal: journal, Simulated: true, Heartbeat: time.Second})
	sdk.Handle(d, "set", func(_ *sdk.Ctx, p settings) (struct{}, error) { return struct{}{}, nil })
	wait := func(c *sdk.Ctx, p waiting) (waited, error) {
		done := 0.0
		for c.Resumed(&done); done < p.Time; done += 0.05 {
			c.Progress(done / p.Time)
			if err := c.Checkpoint(done); err != nil {
				return waited{}, err
			}
			if err := c.Sleep(50 * time.Millisecond); err != nil {
				return waited{}, err
			}
		}
		return waited{p.Time, []float64{0, p.Time}}, nil
	}
	sdk.Handle(d, "resume", wait, sdk.Resume)
	sdk.Handle(d, "again", wait, sdk.Repeat)
	sdk.Handle(d, "look", wait, sdk.Probe(func(*sdk.Ctx) (sdk.Found, any, error) { return sdk.Partial, nil, nil }))
	sdk.Handle(d, "once", wait)
	sdk.Handle(d, "standing", wait, sdk.Resume, sdk.Pausable)
	sdk.Handle(d, "stopping", wait, sdk.Repeat, sdk.Orphan(sdk.OrphanStop, orphanAfter))
	sdk.Handle(d, "pausing", wait, sdk.Repeat, sdk.Orphan(sdk.OrphanPause, orphanAfter))
	sdk.Handle(d, "finishing", wait, sdk.Repeat, sdk.Orphan(sdk.OrphanFinish, orphanAfter))

	d.SetCalibration(devices.CalibrationState{Name: "ruler", Status: devices.CalibrationValid, Certificate: "K-7"})
	d.SetCalibration(devices.CalibrationState{Name: "scale", Status: devices.CalibrationInvalid})
	d.Supply(devices.Supply{Name: "tips", Unit: "1"})
	nothing := func(*sdk.Ctx, struct{}) (struct{}, error) { return struct{}{}, nil }
	sdk.Handle(d, "measure", nothing, sdk.Repeat, sdk.NeedCalibration("ruler"), sdk.Example(struct{}{}))
	sdk.Handle(d, "weigh", nothing, sdk.Repeat, sdk.NeedCalibration("scale"))
	sdk.Handle(d, "pipette", nothing, sdk.Repeat, sdk.Need("tips", 1))

	levels := d.Stream("levels", devices.Column{Name: "level", Unit: "mm"})
	sdk.Handle(d, "scan", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		if err := levels.AddFor(c, 1); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, errors.Join(c.Attach("note.txt", "text/plain", []byte("little")), c.Attach("trace.bin", "", bytes.Repeat([]byte("0123456789"), 30_000)))
	}, sdk.Repeat, sdk.Blobs("note.txt", "trace.bin"), sdk.Example(struct{}{}))

	read := func(_ *sdk.Ctx, h sdk.Handing) (string, error) { return h.Sample, nil }
	d.Hands(sdk.Hands{Slots: []string{"A1", "A2"}, Give: read, Take: read})
	return d
}

// machine is the test device's process: in this one, and killed as by SIGKILL.
type machine struct {
	t       testing.TB
	dial    devices.Dialer
	journal string
	// lose, when set, spoils the journal of a process that died.
	lose func(journal string)

	device *sdk.Device
	ended  chan struct{} // closed after err is set
	err    error
}

func (m *machine) Start() error {
	if m.lose != nil && m.device == nil {
		m.lose(m.journal)
	}
	device, ended := newDevice(m.journal), make(chan struct{})
	m.device, m.ended = device, ended
	go func() {
		m.err = device.Run(context.Background(), m.dial)
		close(ended)
	}()
	return nil
}

func (m *machine) Ended() <-chan struct{} { return m.ended }

func (m *machine) Kill() error {
	if m.device == nil {
		return nil
	}
	m.device.Kill()
	<-m.ended
	m.device, m.ended = nil, nil
	if !errors.Is(m.err, sdk.ErrKilled) {
		return m.err
	}
	return nil
}

// long is a shorter wait than the kit's own, so that the tests are quick.
func long(s string) map[string]json.RawMessage {
	p, lonely := json.RawMessage(`{"time":`+s+`}`), json.RawMessage(`{"time":3}`) // longer than the silence that they bear
	return map[string]json.RawMessage{
		"resume": p, "again": p, "look": p, "once": p, "standing": p, "stopping": lonely, "pausing": lonely, "finishing": lonely,
	}
}

func failures(r conformance.Report) []string {
	var all []string
	for _, x := range r.Results {
		if x.Outcome == conformance.Failed {
			all = append(all, x.Check+": "+x.Message)
		}
	}
	return all
}

func skips(r conformance.Report) []string {
	var all []string
	for _, x := range r.Results {
		if x.Outcome == conformance.Skipped {
			all = append(all, x.Check)
		}
	}
	return all
}

// TestGoSDKConforms runs every check against a device of the Go SDK, over a
// broker in memory and over a real one that is restarted, and skips none.
func TestGoSDKConforms(t *testing.T) {
	t.Parallel()
	memory, served := devicestest.NewBroker(), mqtttest.Start(t)
	for name, b := range map[string]struct {
		dial    devices.Dialer
		restart func() error
		only    []string
		least   int // checks passed
	}{
		"Memory": {memory.Dial, func() error { memory.Stop(); memory.Start(); return nil }, nil, 80},
		// What a real link can make different.
		"MQTT": {mqtt.Dialer(served.Options()), func() error { served.Stop(); served.Start(); return nil }, []string{"birth", "link", "crash"}, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &machine{t: t, dial: b.dial, journal: filepath.Join(t.TempDir(), "journal")}
			r := conformance.Run(t.Context(), conformance.Config{
				Dial: b.dial, Device: "dut", Process: m, RestartBroker: b.restart, Examples: examples, Long: long("2"), Only: b.only, Patience: patience,
			})
			if !r.OK() || b.only == nil && len(skips(r)) > 0 {
				t.Errorf("the Go SDK does not conform: %s\nskipped: %v", strings.Join(failures(r), "\n"), skips(r))
			}
			if r.Passed < b.least || r.ExitCode() != 0 || r.Profile != "SCLMB" || r.SDK == "" || r.Kind != "Tester" {
				t.Errorf("report = %d passed, exit %d, profile %q, sdk %q, kind %q; want at least %d, and all told", r.Passed, r.ExitCode(), r.Profile, r.SDK, r.Kind, b.least)
			}
			t.Logf("%d checks in %.1f s", r.Passed, r.TookMS/1000)
		})
	}
}

// TestChecksAreDocumented wants a name and a title for every check, and no
// name twice.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range conformance.Checks() {
		if !regexp.MustCompile(`^[a-z]+\.[a-z0-9-]+$`).MatchString(c.Name) || len(c.Title) < 10 || slices.Contains(names, c.Name) {
			t.Errorf("check %q, %q: want a name of its own as in group.name, and a title", c.Name, c.Title)
		}
		names = append(names, c.Name)
	}
	if len(names) < 80 {
		t.Errorf("there are %d checks; want at least 80", len(names))
	}
}

// TestNoDevice wants a device that is not there to fail, and nothing to pass.
func TestNoDevice(t *testing.T) {
	t.Parallel()
	r := conformance.Run(t.Context(), conformance.Config{Dial: devicestest.NewBroker().Dial, Device: "nobody", Patience: 10 * time.Millisecond})
	if r.OK() || r.ExitCode() != 1 || r.Failed != 1 || r.Passed != 0 {
		t.Errorf("report = %d passed, %d failed, exit %d; want the first to fail and nothing to pass", r.Passed, r.Failed, r.ExitCode())
	}
}

// TestReport writes a report in its three forms.
func TestReport(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	m := &machine{t: t, dial: broker.Dial, journal: filepath.Join(t.TempDir(), "journal")}
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Kill() })
	var told []string
	r := conformance.Run(t.Context(), conformance.Config{
		Dial: broker.Dial, Device: "dut", Examples: examples, Only: []string{"birth", "crash.will"},
		Each: func(x conformance.Result) { told = append(told, x.Check) },
	})
	if !r.OK() || r.Skipped != 1 || len(told) != len(r.Results) {
		t.Errorf("report = %d failed, %d skipped, %d told of %d; want 0, 1, all: %v", r.Failed, r.Skipped, len(told), len(r.Results), failures(r))
	}
	var b bytes.Buffer
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests   int `xml:"tests,attr"`
		Skipped int `xml:"skipped,attr"`
		Cases   []struct {
			Name    string `xml:"name,attr"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	last := suite.Cases[len(suite.Cases)-1]
	if suite.Tests != len(r.Results) || suite.Skipped != 1 || last.Skipped == nil || !strings.Contains(last.Skipped.Message, "process") {
		t.Errorf("JUnit = %s; want every case, and why one was skipped", b.String())
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back conformance.Report
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "skipped  crash.will") {
		t.Errorf("text = %v\n%s; want the skipped check", err, b.String())
	}
}

// TestProcessThatEnds wants a device whose process ends by itself to be told
// from one that is silent, at once.
func TestProcessThatEnds(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	r := conformance.Run(t.Context(), conformance.Config{Dial: broker.Dial, Device: "dut", Start: []string{"false"}, Patience: time.Minute})
	if got, want := strings.Join(failures(r), "\n"), "ended by itself"; !strings.Contains(got, want) {
		t.Errorf("failures %q; want one that says %q", got, want)
	}
}
