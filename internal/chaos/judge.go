package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// said is what the laboratory believes of a command.
type said struct {
	name   string
	state  lab.CommandState // "" when it has not ended
	effect lab.Effect
}

// did is what the world knows of a command.
type did struct {
	times map[int]int // part → movements
	final int         // ends
}

// judge holds what was said against what happened. stale are the commands of
// those who had no right to send them.
func judge(r *Report, commands map[string]said, stale map[string]bool, happened map[string]*did) {
	blame := func(n *int, id, what string, args ...any) {
		*n++
		if len(r.Examples) < 20 {
			r.Examples = append(r.Examples, fmt.Sprintf("%s %s", id, fmt.Sprintf(what, args...)))
		}
	}
	r.Ends = map[string]map[string]int{}
	for _, c := range classes {
		r.Ends[c] = map[string]int{}
	}
	for id, s := range commands {
		state := string(s.state)
		if state == "" {
			state = "open"
		}
		r.Ends[s.name][state]++
		d := happened[id]
		if d == nil {
			d = &did{}
		}
		again := 0
		for _, n := range d.times {
			again += n - 1
		}
		switch {
		case again > 0 && s.name == repeats:
			r.Repeats += again
		case again > 0:
			blame(&r.SilentDouble, id, "(%s) moved %d times too often, and is %s", s.name, again, state)
		}
		switch {
		case s.state == "":
			blame(&r.SilentLosses, id, "(%s) never ended", s.name)
		case s.state == lab.CommandInDoubt:
			r.InDoubt++
			if s.name != blind {
				r.Unexplained++
			}
		case s.state == lab.CommandDone && d.final == 0:
			blame(&r.SilentLosses, id, "(%s) is done, and never happened", s.name)
		case s.state != lab.CommandDone && d.final > 0 && s.effect != lab.EffectUnknown:
			blame(&r.SilentLosses, id, "(%s) is %s with effect %s, and has happened", s.name, state, s.effect)
		case s.effect == lab.EffectNone && len(d.times) > 0:
			blame(&r.SilentLosses, id, "(%s) is %s with effect none, and has moved", s.name, state)
		}
	}
	for id, d := range happened {
		if _, known := commands[id]; stale[id] || !known {
			blame(&r.SilentDouble, id, "was sent without a lease, and moved %d times", len(d.times))
		}
	}
	if r.OK() && r.Commands > 0 {
		r.Bound95 = 3 / float64(r.Commands)
	}
}

// readWorlds reads the ledgers of the worlds in dirs.
func readWorlds(dirs []string) (map[string]*did, error) {
	all := map[string]*did{}
	for _, dir := range dirs {
		l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
		if err != nil {
			return nil, err
		}
		for _, e := range l.Effects {
			if e.Effect != moved {
				continue
			}
			d := all[e.Command]
			if d == nil {
				d = &did{times: map[int]int{}}
				all[e.Command] = d
			}
			d.times[e.Part]++
			if e.Final {
				d.final++
			}
		}
	}
	return all, nil
}

// readGraves counts the deaths of processes by their own hand, by point and
// class.
func readGraves(dirs []string) (map[string]int, int, error) {
	at, n := map[string]int{}, 0
	for _, dir := range dirs {
		b, err := os.ReadFile(filepath.Join(dir, gravesFile))
		if err != nil {
			return nil, 0, fmt.Errorf("count kills: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			point, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			at[point]++
			n++
		}
	}
	return at, n, nil
}
