package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/lab"
)

// TestDriverIsShort holds the size of a driver: 40 lines of code, imports and
// comments aside.
func TestDriverIsShort(t *testing.T) {
	f, err := os.Open("main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n, body := 0, false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch {
		case !body:
			body = line == ")" // the end of the imports
		case line != "" && !strings.HasPrefix(line, "//"):
			n++
		}
	}
	if n == 0 || n > 40 {
		t.Errorf("the driver has %d lines of code; want at most 40", n)
	}
}

// TestFurnaceHeats runs the driver as it is shipped, over a broker.
func TestFurnaceHeats(t *testing.T) {
	broker := mqtttest.Start(t)
	os.Args = []string{"furnace", "furnace-1", filepath.Join(t.TempDir(), "journal"), broker.Options().URL}
	go main() // until the test's process ends

	ctx, cancel := context.WithTimeout(t.Context(), devicestest.Patience)
	defer cancel()
	done := new(gatewaytest.Completer)
	g, err := gateway.Open(ctx, gateway.Config{Dial: mqtt.Dialer(broker.Options()), Ledger: new(gatewaytest.Ledger), Fleet: new(gatewaytest.Fleet), Completer: done})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.Run(ctx) }()
	e := lab.ExperimentIDOf(lab.CampaignID{1}, 1)
	c := lab.Command{
		ID: lab.CommandIDOf(e, "heat", 1, 0), ExperimentID: e, Device: "furnace-1", Epoch: 1, Name: "heat",
		Params: json.RawMessage(`{"target":26,"rate":600,"hold":0.5}`), TimeoutS: 60, Deadline: time.Now().Add(time.Minute),
	}
	if _, err := g.Dispatch(ctx, c); err != nil {
		t.Fatal(err)
	}
	r, err := done.Await(ctx, c.ID, func(lab.Result) bool { return true })
	if err != nil || r.State != lab.CommandDone || !strings.Contains(string(r.Values), `"temperature":2`) {
		t.Errorf("result = %s %s %s, %v; want done at about 26 Cel", r.State, r.Values, r.Error, err)
	}
}
