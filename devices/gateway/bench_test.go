package gateway_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// BenchmarkCommands drives 20 devices over a real broker, each with one
// command after the other: dispatch, journal, end, told. The ledger is in
// memory, so what is measured is the contract and the broker.
func BenchmarkCommands(b *testing.B) {
	const fleet = 20
	dial := mqtt.Dialer(mqtttest.Start(b).Options())
	ctx := b.Context()
	done := new(gatewaytest.Completer)
	g, err := gateway.Open(ctx, gateway.Config{Dial: dial, Ledger: new(gatewaytest.Ledger), Fleet: new(gatewaytest.Fleet), Completer: done})
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = g.Run(ctx) }()
	dir := b.TempDir()
	for i := range fleet {
		d := sdk.New(sdk.Config{ID: fmt.Sprint("d", i), Kind: "K", Journal: filepath.Join(dir, strconv.Itoa(i)), TrustClock: true})
		sdk.Handle(d, "x", func(*sdk.Ctx, struct{}) (struct{}, error) { return struct{}{}, nil })
		go func() { _ = d.Run(ctx, dial) }()
	}
	command := func(n, device int) lab.Command {
		e := lab.ExperimentIDOf(lab.CampaignID{1}, n)
		return lab.Command{
			ID: lab.CommandIDOf(e, "x", 1, 0), ExperimentID: e, Device: fmt.Sprint("d", device), Epoch: 1, Name: "x",
			Params: json.RawMessage(`{}`), TimeoutS: 60, Deadline: time.Now().Add(time.Minute),
		}
	}
	var mu sync.Mutex
	var published, told []time.Duration
	do := func(n, device int) {
		c := command(n, device)
		since := time.Now()
		if _, err := g.Dispatch(ctx, c); err != nil {
			b.Error(err)
			return
		}
		out := time.Since(since)
		if _, err := done.Await(ctx, c.ID, func(r lab.Result) bool { return r.State == lab.CommandDone }); err != nil {
			b.Error(err)
			return
		}
		mu.Lock()
		published, told = append(published, out), append(told, time.Since(since))
		mu.Unlock()
	}
	for i := range fleet {
		do(i+1, i)
	}
	published, told = nil, nil
	next := make(chan int)
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range fleet {
		wg.Go(func() {
			for n := range next {
				do(n, i)
			}
		})
	}
	for n := range b.N {
		next <- fleet + 1 + n
	}
	close(next)
	wg.Wait()
	b.StopTimer()
	slices.Sort(published)
	slices.Sort(told)
	ms := func(d []time.Duration, p float64) float64 {
		return float64(d[int(p*float64(len(d)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	b.ReportMetric(ms(published, 0.5), "published_p50_ms")
	b.ReportMetric(ms(published, 0.99), "published_p99_ms")
	b.ReportMetric(ms(told, 0.5), "told_p50_ms")
	b.ReportMetric(ms(told, 0.99), "told_p99_ms")
}
