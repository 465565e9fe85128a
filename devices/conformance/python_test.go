package conformance_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
)

// python returns a Python that has paho-mqtt: ATHANOR_PYTHON, or the first of
// the path's and the system's.
func python(t testing.TB) string {
	t.Helper()
	candidates := []string{"python3", "/usr/bin/python3"}
	if p := os.Getenv("ATHANOR_PYTHON"); p != "" {
		candidates = []string{p}
	}
	for _, p := range candidates {
		if exec.Command(p, "-c", "import sys, paho.mqtt.client; assert sys.version_info >= (3, 10)").Run() == nil {
			return p
		}
	}
	t.Fatalf("none of %s is a Python 3.10 with paho-mqtt: apt-get install python3-paho-mqtt, or name one by ATHANOR_PYTHON", strings.Join(candidates, ", "))
	return ""
}

// TestPythonSDKConforms runs the Python furnace as it is shipped, kills it, and
// restarts its broker.
func TestPythonSDKConforms(t *testing.T) {
	t.Parallel()
	house, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	broker := mqtttest.Start(t)
	// The one folder comes before what the caller has; an empty one would be the working directory.
	path := filepath.Join(house, "python")
	if p := os.Getenv("PYTHONPATH"); p != "" {
		path += string(os.PathListSeparator) + p
	}
	r := conformance.Run(t.Context(), conformance.Config{
		Dial: mqtt.Dialer(broker.Options()), Device: "furnace-py", Patience: patience,
		Start: []string{
			"env", "PYTHONPATH=" + path, "PYTHONPYCACHEPREFIX=" + t.TempDir(), python(t), filepath.Join(house, "examples/devices/python/furnace.py"),
			"furnace-py", filepath.Join(t.TempDir(), "journal"), broker.Options().URL,
		},
		Long:          map[string]json.RawMessage{"heat": json.RawMessage(`{"target":26,"rate":600,"hold":2}`)},
		RestartBroker: func() error { broker.Stop(); broker.Start(); return nil },
	})
	if !r.OK() || r.Passed < 80 || r.SDK != "athanor-python" {
		t.Errorf("the Python SDK (%q) passed %d checks: %s", r.SDK, r.Passed, strings.Join(failures(r), "\n"))
	}
	t.Logf("%d checks in %.1f s; skipped %v", r.Passed, r.TookMS/1000, skips(r))
}

// TestPythonSDKHasEverything runs a Python device with pauses, orphan rules,
// alarms, supplies, raw data, telemetry and slots, and wants no check skipped.
func TestPythonSDKHasEverything(t *testing.T) {
	t.Parallel()
	house, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	broker := mqtttest.Start(t)
	path := filepath.Join(house, "python")
	if p := os.Getenv("PYTHONPATH"); p != "" {
		path += string(os.PathListSeparator) + p
	}
	p, lonely := json.RawMessage(`{"time":2}`), json.RawMessage(`{"time":3}`)
	r := conformance.Run(t.Context(), conformance.Config{
		Dial: mqtt.Dialer(broker.Options()), Device: "everything", Patience: patience,
		Start: []string{
			"env", "PYTHONPATH=" + path, "PYTHONPYCACHEPREFIX=" + t.TempDir(), python(t), filepath.Join(house, "python/tests/everything.py"),
			"everything", filepath.Join(t.TempDir(), "journal"), broker.Options().URL,
		},
		Long: map[string]json.RawMessage{"again": p, "standing": p, "once": p, "stopping": lonely, "pausing": lonely, "finishing": lonely},
		Only: []string{"birth", "pause", "watch", "alarm", "supply", "blob", "hand", "link.late-will", "whole"},
	})
	if !r.OK() || len(skips(r)) > 0 || r.Profile != "SCLMB" {
		t.Errorf("profile %s, skipped %v: %s", r.Profile, skips(r), strings.Join(failures(r), "\n"))
	}
	t.Logf("%d checks in %.1f s", r.Passed, r.TookMS/1000)
}

// TestPythonSDK runs the unit tests of the Python SDK, over a broker too.
func TestPythonSDK(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	cmd := exec.Command(python(t), "-m", "unittest", "discover", "-s", "tests", "-t", ".")
	cmd.Dir = "../../python"
	cmd.Env = append(os.Environ(), "ATHANOR_TEST_MQTT="+strings.TrimPrefix(broker.Options().URL, "mqtt://"), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("unit tests of the Python SDK: %v\n%s", err, out)
	}
}

// TestPythonDriverIsShort holds the size of a driver: 30 lines of code, imports
// and comments aside.
func TestPythonDriverIsShort(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../examples/devices/python/furnace.py")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	_, body, _ := strings.Cut(strings.TrimPrefix(string(src), `"""`), `"""`)
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "import ") && !strings.HasPrefix(line, "from ") {
			n++
		}
	}
	if n < 10 || n > 30 {
		t.Errorf("the driver has %d lines of code; want at most 30", n)
	}
}
