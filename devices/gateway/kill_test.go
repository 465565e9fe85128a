package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/lab"
)

// TestMain is also the device's process of TestKilledProcess.
func TestMain(m *testing.M) {
	if url := os.Getenv("DEVICE_BROKER"); url != "" {
		if err := pour(url, os.Getenv("DEVICE_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

// pour is a device that pours, slowly, into a world that is a file: what is
// in it has happened.
func pour(url, dir string) error {
	world := filepath.Join(dir, "world")
	d := sdk.New(sdk.Config{ID: "pump", Kind: "Pump", Capabilities: []string{"pump"}, Journal: filepath.Join(dir, "journal"), Heartbeat: 200 * time.Millisecond})
	sdk.Handle(d, "pour", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		if err := c.Sleep(10 * time.Millisecond); err != nil {
			return struct{}{}, err
		}
		f, err := os.OpenFile(world, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return struct{}{}, err
		}
		defer func() { _ = f.Close() }()
		if _, err := f.WriteString(c.CommandID() + "\n"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, c.Sleep(10 * time.Millisecond)
	}, sdk.Probe(func(c *sdk.Ctx) (sdk.Found, any, error) {
		b, err := os.ReadFile(world)
		switch {
		case os.IsNotExist(err) || err == nil && !bytes.Contains(b, []byte(c.CommandID())):
			return sdk.Undone, nil, nil
		case err != nil:
			return sdk.Unknown, nil, err
		default:
			return sdk.Done, nil, nil
		}
	}))
	return d.Run(context.Background(), mqtt.Dialer(mqtt.Options{URL: url}))
}

// TestKilledProcess kills a device's process with SIGKILL again and again
// while it works through commands, over TCP, and reads in the world's own
// file that each was done once.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	const commands, seed = 100, 1
	rng := rand.New(rand.NewPCG(seed, 0))
	broker := mqtttest.Start(t)
	s := newSite(t, mqtt.Dialer(broker.Options()))
	ctx, stop := context.WithCancel(t.Context())
	killed := make(chan int)
	go func() { // the machine that the device runs on
		kills := 0
		defer func() { killed <- kills }()
		for ctx.Err() == nil {
			p := exec.Command(os.Args[0], "-test.run=^$")
			p.Env = append(os.Environ(), "DEVICE_BROKER="+broker.Options().URL, "DEVICE_DIR="+s.dir)
			if err := p.Start(); err != nil {
				t.Error(err)
				return
			}
			select {
			// Longer each time, so that on a machine that is busy it comes to something.
			case <-time.After(150*time.Millisecond + time.Duration(kills)*10*time.Millisecond + time.Duration(rng.Int64N(int64(400*time.Millisecond)))):
				kills++
			case <-ctx.Done():
			}
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	}()
	var all []lab.Command
	for n := range commands {
		c := s.command("pump", "pour", n+1)
		c.Params = nil
		s.dispatch(c)
		s.ended(c, lab.CommandDone)
		all = append(all, c)
	}
	stop()
	kills := <-killed
	b, err := os.ReadFile(filepath.Join(s.dir, "world"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if n := strings.Count(string(b), c.ID.UUID()); n != 1 {
			t.Errorf("seed %d: command %s was poured %d times; want once", seed, c.ID, n)
		}
	}
	if kills == 0 {
		t.Errorf("seed %d: nothing was killed", seed)
	}
	t.Logf("%d commands, %d kills", commands, kills)
}
