package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// walks is a command that moves until it is told to end. When the laboratory is
// silent it must stop by itself.
const walks = "walk"

// stepped is what a walk does to the world, again and again.
const stepped world.EffectKind = "stepped"

const (
	stepEvery   = 100 * time.Millisecond
	orphanAfter = 2 * time.Second // of silence, until a walk must stop
	orphanSlack = 3 * time.Second // on a machine with other work
	walkMax     = time.Minute
	walkEpoch   = 1 << 20 // newer than every lease before
)

// walk steps and steps.
func (m *mover) walk(c *sdk.Ctx, _ nothing) (nothing, error) {
	for n := 1; n <= int(walkMax/stepEvery); n++ {
		if err := c.Sleep(stepEvery); err != nil {
			return nothing{}, sdk.Fault{Effect: lab.EffectPartial, Err: err}
		}
		if _, err := m.world.Record(world.Effect{Command: c.CommandID(), Device: m.id, Name: walks, Effect: stepped, Part: n}); err != nil {
			return nothing{}, err
		}
	}
	return nothing{}, nil
}

// silence has every device walk, ends all gateways, and returns since when
// there is no laboratory any more.
func (s *scene) silence(ctx context.Context, number int) (time.Time, error) {
	s.rate.Store(0) // from here on nobody dies
	for _, m := range s.movers {
		m.kill()
	}
	var walking []lab.CommandID
	campaign := lab.CampaignID{15: byte(s.Seed)}
	for _, ids := range s.ids {
		for _, id := range ids {
			number++
			e := lab.ExperimentIDOf(campaign, number)
			c := lab.Command{
				ID: lab.CommandIDOf(e, walks, 1, 0), CampaignID: campaign, ExperimentID: e, Number: number, Step: walks, Intent: 1,
				Device: id, Epoch: walkEpoch, Name: walks, Params: json.RawMessage(`{}`), TimeoutS: 300, Deadline: time.Now().Add(s.Patience),
			}
			if _, err := s.dispatcher.Dispatch(ctx, c); err != nil {
				return time.Time{}, err
			}
			walking = append(walking, c.ID)
		}
	}
	for until := time.Now().Add(walkMax / 3); len(walking) > 0 && time.Now().Before(until); {
		e, err := s.db.Get(ctx, walking[0].UUID())
		if err != nil {
			return time.Time{}, err
		}
		if e.State == lab.CommandRunning {
			walking = walking[1:]
			continue
		}
		pause(ctx, pollEvery)
	}
	s.hush()
	since := time.Now()
	pause(ctx, orphanAfter+2*orphanSlack)
	return since, ctx.Err()
}

// readWalks counts the devices that walked, and those that still did when the
// laboratory had been silent for too long.
func readWalks(dirs []string, since time.Time) (walked, moved int, err error) {
	last := map[string]time.Time{}
	for _, dir := range dirs {
		l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
		if err != nil {
			return 0, 0, fmt.Errorf("count walks: %w", err)
		}
		for _, e := range l.Effects {
			if e.Effect == stepped {
				last[e.Device] = e.At
			}
		}
	}
	for _, at := range last {
		if at.After(since.Add(orphanAfter + orphanSlack)) {
			moved++
		}
	}
	return len(last), moved, nil
}
