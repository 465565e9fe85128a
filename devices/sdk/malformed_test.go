package sdk_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

var malformed = flag.Int("malformed", 10_000, "how many malformed or out-of-limit commands TestMalformedCommandsMoveNothing sends; the claim is 100,000")

// TestMalformedCommandsMoveNothing sends commands that are not of the contract,
// or beyond the limits of the device, and wants every one whose id can be read
// answered with a code of the closed list, and none carried out.
func TestMalformedCommandsMoveNothing(t *testing.T) {
	t.Parallel()
	const seed = 3
	rng := rand.New(rand.NewPCG(seed, 0))
	b := newBench(t)
	b.start()
	b.lease(1)
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	ways := map[string]int{}
	asked := map[string]bool{}
	for i := range *malformed {
		id := fmt.Sprintf("m%d", i)
		way, body := spoil(rng, id, expires)
		ways[way]++
		if c, _ := devices.DecodeCmd(body); c.ID != "" {
			asked[c.ID] = true
		}
		b.send(devices.LeafCmd, string(body))
		if i%500 == 499 { // so that the outbox never drops an answer, and the lease goes on
			b.lease(1)
			b.do(fmt.Sprintf("fence%d", i), "no-such-command", `{}`)
			b.event(fmt.Sprintf("fence%d", i), lab.CommandRejected, 1)
		}
	}
	b.do("last", "look", `{}`)
	b.event("last", lab.CommandDone, 1)
	b.mu.Lock()
	codes := map[devices.Code]int{}
	answered := map[string]bool{}
	for _, e := range b.events {
		if e.ID == "last" {
			continue
		}
		if e.State != lab.CommandRejected || !e.Code.Known() || e.Effect != lab.EffectNone {
			t.Errorf("seed %d: %s was answered %s %s, effect %s; want rejected with a code, none", seed, e.ID, e.State, e.Code, e.Effect)
		}
		codes[e.Code]++
		answered[e.ID] = true
	}
	b.mu.Unlock()
	missing := 0
	for id := range asked {
		if !answered[id] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("seed %d: %d commands whose id could be read were not answered", seed, missing)
	}
	if moved := b.moves(); len(moved) > 0 {
		t.Errorf("seed %d: something moved for %v", seed, moved)
	}
	if codes[devices.BadMessage] == 0 || codes[devices.BadParams] == 0 || codes[devices.StaleEpoch]+codes[devices.NoLease] == 0 || codes[devices.Expired] == 0 {
		t.Errorf("codes = %v; want refusals of every kind", codes)
	}
	t.Logf("%d commands in %d ways, %d answered: %v", *malformed, len(ways), len(answered), codes)
}

// spoil returns a command that must not be carried out, and in what way it is
// wrong.
func spoil(rng *rand.Rand, id, expires string) (way string, body []byte) {
	m := map[string]any{"id": id, "name": "move", "epoch": 1, "expires": expires, "params": map[string]any{"x": 1.0}}
	params := m["params"].(map[string]any)
	pick := func(all ...any) any { return all[rng.IntN(len(all))] }
	raw := func(f func(string) string) []byte {
		good, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		return []byte(f(string(good)))
	}
	switch rng.IntN(14) {
	case 0:
		way = "beyond a limit"
		params["x"] = pick(math.Nextafter(10, 11), math.Nextafter(-10, -11), 1e300, -1e300, 10+rng.ExpFloat64()*10+1e-9)
	case 1:
		way = "another type"
		params["x"] = pick("1", nil, true, []int{1}, map[string]int{"v": 1})
	case 2:
		way = "not in the enum"
		params["gas"] = pick("", "CO", "N2 ", "n2", strings.Repeat("N", 1000))
	case 3:
		way = "no whole number"
		params["n"] = pick(1.5, 0, 4, -1, 1e18)
	case 4:
		way = "missing"
		delete(m, pick("name", "epoch", "params", "expires").(string))
	case 5:
		way = "an unknown field"
		m[pick("force", "Params", "ID", "x", "retry").(string)] = pick(true, 1, "x")
	case 6:
		way = "an unknown parameter"
		params[pick("X", "y", "xx", "speed").(string)] = rng.Float64()
	case 7:
		way = "an epoch without a lease"
		m["epoch"] = pick(0, -1, 2, 1<<40, 1.5, "1")
	case 8:
		way = "too late"
		m["expires"] = pick("2020-01-01T00:00:00Z", "soon", "", 5, time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano))
	case 9:
		way = "an unknown command"
		m["name"] = pick("fly", "Move", "move ", "", "../move", strings.Repeat("m", 129))
	case 10:
		way = "after what is not"
		m["after"] = pick([]string{"nobody"}, []string{id}, []string{"a b"}, "x", []int{1})
	case 11:
		way = "no JSON"
		return way, raw(func(s string) string {
			return pick(s[:len(s)-1], s+"{}", "["+s+"]", strings.Replace(s, ":", "", 1), s+"\x00", strings.Replace(s, `"epoch":1`, `"epoch":NaN`, 1), strings.Replace(s, `"epoch":1`, `"epoch":1,"epoch":1`, 1)).(string)
		})
	case 12:
		way = "bytes that flipped"
		return way, flipped(rng, raw(func(s string) string { return s }))
	default:
		way = "too long, or too deep"
		if rng.IntN(50) > 0 {
			return way, raw(func(s string) string {
				return strings.Replace(s, `"x":1`, `"x":1,"d":`+strings.Repeat("[", 80)+strings.Repeat("]", 80), 1)
			})
		}
		return way, raw(func(s string) string { return s + strings.Repeat(" ", devices.MaxCmd) })
	}
	return way, raw(func(s string) string { return s })
}

// flipped flips bits until the command is another, and one that must not run.
func flipped(rng *rand.Rand, good []byte) []byte {
	for {
		bad := bytes.Clone(good)
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		}
		c, err := devices.DecodeCmd(bad)
		if err != nil && !bytes.Equal(bad, good) || err == nil && c.Epoch != 1 {
			return bad
		}
	}
}
