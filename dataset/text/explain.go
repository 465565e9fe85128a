package text

import (
	"fmt"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset"
)

// Explain walks from an experiment back to its decision, the commands that
// carried it out and the hashes of the exact bytes, in lines for a person. What
// devices and papers said has no byte in it that could steer a terminal.
func Explain(r dataset.Experiment) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(plain(fmt.Sprintf(format, args...)) + "\n") }
	for l := range strings.SplitSeq(CardOf(r).Render(), "\n") {
		line("%s", l)
	}
	line("")
	line("decision")
	line("  plan %s, round %d, by %s", r.IDs.PlanID, r.Record.Round, r.Record.Planner)
	line("  reason: %s", r.Decision.Reason)
	if a := r.Decision.Acquisition; a != nil {
		line("  %s: %.6g", a.Name, a.Value)
	}
	for i, l := range r.Decision.Losers {
		line("  lost %d: %s (%.6g)", i+1, List(Settings(l.Settings)), l.Acquisition)
	}
	line("  knew: brief sha256 %s", r.Record.Brief)
	for _, u := range r.Record.Evidence {
		line("  read: %s %s, %.0f %% of what papers moved it: %q", u.Paper, u.Title, 100*u.Share, u.Quote)
	}
	if k := r.Record.Commitment; k != nil {
		line("  committed %s, %s: sha256 %s in link %s", k.CommittedAt.Format(time.RFC3339Nano), standing(r), k.SHA256, k.Hash)
	} else {
		line("  no commitment: it was planned before there were any")
	}
	for _, c := range r.Record.Commands {
		line("")
		line("step %s on %s: %s", c.Step, c.Device, c.CommandID)
		line("  sent %s, %d bytes, sha256 %s", c.Published.Format(time.RFC3339Nano), c.Bytes, c.SHA256)
		for _, ev := range c.Events {
			line("  %s %s %s, %d bytes, sha256 %s", ev.At.Format(time.RFC3339Nano), ev.Source, ev.State, ev.Bytes, ev.SHA256)
		}
		for _, f := range r.Record.Raw {
			if f.CommandID == c.CommandID {
				line("  file %s (%s), %d bytes, sha256 %s", f.Name, f.MediaType, f.Bytes, f.SHA256)
			}
		}
	}
	for _, s := range r.Record.Samples {
		var way []string
		for _, h := range s.History {
			way = append(way, h.Relation+" in "+h.Step+" by "+h.Device)
		}
		line("")
		line("sample %s: %s", s.Name, strings.Join(way, ", "))
	}
	for _, k := range r.Record.Corrections {
		line("")
		line("corrected %s by %s: %s %s (%s)", k.RecordedAt.Format(time.RFC3339Nano), k.By, k.Kind, k.Objective, k.Why)
	}
	return b.String()
}

func standing(e dataset.Experiment) string {
	s, err := dataset.CheckCommitment(e)
	if err != nil {
		return "which does not hold: " + err.Error()
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// plain drops what could steer a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}
