package devices

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
)

// Limits of what a message may hold.
const (
	afterMax   = 64
	samplesMax = 256
	activeMax  = 256
	recentMax  = 64
	faultsMax  = 64
	textMax    = 2000 // characters of a note, an error, a reason
)

var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// DecodeCmd reads a command. Everything that is not of the contract is
// refused with lab.Invalid; the id comes back as far as it could be read, so
// that the refusal can be answered.
func DecodeCmd(b []byte) (Cmd, error) {
	var c Cmd
	var id string
	m, err := object("cmd", b, MaxCmd)
	if err != nil && len(b) <= MaxCmd {
		_ = json.Unmarshal(b, &m) // for the id alone
	}
	if json.Unmarshal(m["id"], &id) == nil && ValidID(id) {
		c.ID = id
	}
	if err != nil {
		return c, err
	}
	err = fields("cmd", m, true, map[string]any{
		"id": &id, "name": &c.Name, "epoch": &c.Epoch, "issued": &c.Issued, "expires": &c.Expires,
		"timeout_s": &c.TimeoutS, "after": &c.After, "params": &c.Params, "samples": &c.Samples,
		"traceparent": &c.Traceparent, "upload": &c.Upload, "sig": &c.Sig,
	}, "id", "name", "epoch", "params")
	if err != nil {
		return c, err
	}
	_, hasTimeout := m["timeout_s"]
	switch {
	case c.ID == "":
		err = lab.Errorf(lab.Invalid, "decode cmd: id %.40q is not letters, digits and ._:- (at most 128)", id)
	case !ValidID(c.Name):
		err = lab.Errorf(lab.Invalid, "decode cmd: name %.40q is not letters, digits and ._:- (at most 128)", c.Name)
	case c.Epoch < 1:
		err = lab.Errorf(lab.Invalid, "decode cmd: epoch %d is below 1", c.Epoch)
	case hasTimeout && c.TimeoutS <= 0:
		err = lab.Errorf(lab.Invalid, "decode cmd: timeout_s %g is not above 0", c.TimeoutS)
	case len(c.After) > afterMax:
		err = lab.Errorf(lab.Invalid, "decode cmd: after has %d ids, at most %d are allowed", len(c.After), afterMax)
	case len(c.Samples) > samplesMax:
		err = lab.Errorf(lab.Invalid, "decode cmd: %d samples, at most %d are allowed", len(c.Samples), samplesMax)
	case !isObject(c.Params):
		err = lab.Errorf(lab.Invalid, "decode cmd: params is not an object")
	case c.Traceparent != "" && !traceparent.MatchString(c.Traceparent):
		err = lab.Errorf(lab.Invalid, "decode cmd: traceparent is not of the form 00-<32 hex>-<16 hex>-<2 hex>")
	}
	for _, id := range c.After {
		if err == nil && !ValidID(id) {
			err = lab.Errorf(lab.Invalid, "decode cmd: after names %.40q, which is no id", id)
		}
	}
	for _, s := range c.Samples {
		if err == nil && s.ID == "" {
			err = lab.Errorf(lab.Invalid, "decode cmd: a sample has no id")
		}
	}
	return c, err
}

// DecodeCtl reads an operation. Everything that is not of the contract is
// refused with lab.Invalid.
func DecodeCtl(b []byte) (Ctl, error) {
	var c Ctl
	m, err := object("ctl", b, MaxCtl)
	if err != nil {
		return c, err
	}
	err = fields("ctl", m, true, map[string]any{
		"id": &c.ID, "op": &c.Op, "target": &c.Target, "epoch": &c.Epoch, "holder": &c.Holder, "ttl_s": &c.TTLS,
		"outcome": &c.Outcome, "by": &c.By, "reason": &c.Reason, "sha256": &c.SHA256, "missing": &c.Missing,
	}, "id", "op")
	if err != nil {
		return c, err
	}
	if !ValidID(c.ID) {
		return c, lab.Errorf(lab.Invalid, "decode ctl: id %.40q is not letters, digits and ._:- (at most 128)", c.ID)
	}
	if _, ok := m["target"]; ok && !ValidID(c.Target) {
		return c, lab.Errorf(lab.Invalid, "decode ctl: target %.40q is no id", c.Target)
	}
	return c, c.check()
}

// check refuses a ctl that lacks what its operation needs.
func (c Ctl) check() error {
	switch c.Op {
	case OpLease:
		if c.Epoch < 1 || c.Holder == "" || len(c.Holder) > 128 || c.TTLS <= 0 || c.TTLS > 7*86400 {
			return lab.Errorf(lab.Invalid, "decode ctl: lease needs epoch from 1, a holder, and ttl_s above 0 and up to a week")
		}
	case OpRelease:
		if c.Epoch < 1 {
			return lab.Errorf(lab.Invalid, "decode ctl: release needs the epoch of the lease")
		}
	case OpCancel:
		if c.Target == "" {
			return lab.Errorf(lab.Invalid, "decode ctl: %s needs the target's id", c.Op)
		}
	case OpMissing:
		if c.Target == "" && c.Missing == nil || !ValidSHA256(c.SHA256) {
			return lab.Errorf(lab.Invalid, "decode ctl: blob_missing needs the target's id, unless it answers chunks by missing, and sha256 in small hexadecimal letters")
		}
		for _, index := range c.Missing {
			if index < 0 || index >= ChunksMax {
				return lab.Errorf(lab.Invalid, "decode ctl: missing names chunk %d; want an index from 0 below %d", index, ChunksMax)
			}
		}
	case OpResolve:
		if c.Target == "" || c.By == "" || c.Outcome != lab.CommandDone && c.Outcome != lab.CommandFailed {
			return lab.Errorf(lab.Invalid, "decode ctl: resolve needs target, by, and the outcome done or failed")
		}
	case OpPause, OpResume, OpStop, OpReset, OpStatus, OpRecall:
	default:
		return lab.Errorf(lab.Invalid, "decode ctl: op %.40q is not of the contract", string(c.Op))
	}
	return nil
}

// DecodeEvent reads what a device says of a command. Fields that are not known
// are ignored, and texts are made fit to show: see [Clean].
func DecodeEvent(b []byte) (Event, error) {
	var e Event
	m, err := object("ev", b, MaxEvent)
	if err != nil {
		return e, err
	}
	err = fields("ev", m, false, map[string]any{
		"id": &e.ID, "state": &e.State, "boot": &e.Boot, "n": &e.N, "ts": &e.TS, "progress": &e.Progress, "note": &e.Note,
		"result": &e.Result, "code": &e.Code, "error": &e.Error, "retryable": &e.Retryable, "dup": &e.Dup, "took_ms": &e.TookMS,
		"effect": &e.Effect, "by": &e.By, "calibration": &e.Calibration, "blobs": &e.Blobs,
	}, "id", "state", "boot", "n", "ts")
	switch {
	case err != nil:
		return e, err
	case !ValidID(e.ID):
		return e, lab.Errorf(lab.Invalid, "decode ev: id %.40q is no id", e.ID)
	case !commandState(e.State):
		return e, lab.Errorf(lab.Invalid, "decode ev: state %.40q is not of the contract", string(e.State))
	case e.Boot < 1 || e.N < 1:
		return e, lab.Errorf(lab.Invalid, "decode ev: (boot, n) = (%d, %d) is below (1, 1)", e.Boot, e.N)
	case e.Code != "" && !e.Code.Known():
		return e, lab.Errorf(lab.Invalid, "decode ev: code %.40q is not of the closed list", string(e.Code))
	case e.Effect != "" && !effect(e.Effect):
		return e, lab.Errorf(lab.Invalid, "decode ev: effect %.40q is not of the contract", string(e.Effect))
	case e.Result != nil && !isObject(e.Result):
		return e, lab.Errorf(lab.Invalid, "decode ev: result is not an object")
	case len(e.Calibration) > affordancesMax:
		return e, lab.Errorf(lab.Invalid, "decode ev: more than %d calibrations", affordancesMax)
	}
	if err := checkBlobs(e.Blobs); err != nil {
		return e, err
	}
	for i, c := range e.Calibration {
		e.Calibration[i] = Clean(c)
	}
	if e.State.Terminal() && e.Effect == "" {
		e.Effect = lab.EffectUnknown
	}
	e.Progress = min(max(e.Progress, 0), 1)
	e.TookMS = max(e.TookMS, 0)
	e.Note, e.Error, e.By = Clean(e.Note), Clean(e.Error), Clean(e.By)
	return e, nil
}

// DecodeRecall reads a page of the commands that a device remembers, and the
// commands themselves.
func DecodeRecall(b []byte) (Recall, []Cmd, error) {
	var r Recall
	m, err := object("recall", b, MaxRecall)
	if err != nil {
		return r, nil, err
	}
	err = fields("recall", m, false, map[string]any{"id": &r.ID, "boot": &r.Boot, "commands": &r.Commands, "more": &r.More}, "id", "boot", "commands")
	switch {
	case err != nil:
		return r, nil, err
	case !ValidID(r.ID) || r.Boot < 1:
		return r, nil, lab.Errorf(lab.Invalid, "decode recall: id %.40q is no id, or boot %d is below 1", r.ID, r.Boot)
	case r.More && len(r.Commands) == 0:
		return r, nil, lab.Errorf(lab.Invalid, "decode recall: there is more, and none came")
	}
	all := make([]Cmd, len(r.Commands))
	for i, text := range r.Commands {
		if all[i], err = DecodeCmd([]byte(text)); err != nil {
			return r, nil, lab.Errorf(lab.Invalid, "decode recall: commands[%d]: %w", i, err)
		}
	}
	return r, all, nil
}

// DecodeState reads a device's snapshot, cut to the limits of the contract.
func DecodeState(b []byte) (State, error) {
	var s State
	m, err := object("state", b, MaxState)
	if err != nil {
		return s, err
	}
	err = fields("state", m, false, map[string]any{
		"boot": &s.Boot, "n": &s.N, "ts": &s.TS, "op": &s.Op, "mode": &s.Mode, "lease": &s.Lease, "active": &s.Active,
		"recent": &s.Recent, "faults": &s.Faults, "clock": &s.Clock, "beat_age_ms": &s.BeatAgeMS,
		"calibration": &s.Calibration, "consumables": &s.Consumables, "slots": &s.Slots, "alarms": &s.Alarms,
	}, "boot", "n", "ts", "op", "mode")
	switch {
	case err != nil:
		return s, err
	case s.Boot < 1 || s.N < 0:
		return s, lab.Errorf(lab.Invalid, "decode state: (boot, n) = (%d, %d) is below (1, 0)", s.Boot, s.N)
	case !oneOf(s.Op, "starting", "idle", "busy", "paused", "safe", "stopped", "fault"):
		return s, lab.Errorf(lab.Invalid, "decode state: op %.40q is not of the contract", s.Op)
	case !oneOf(s.Mode, "remote", "local", "service"):
		return s, lab.Errorf(lab.Invalid, "decode state: mode %.40q is not of the contract", s.Mode)
	case len(s.Active) > activeMax:
		return s, lab.Errorf(lab.Invalid, "decode state: %d active commands, at most %d are allowed", len(s.Active), activeMax)
	}
	for i, a := range s.Active {
		if !ValidID(a.ID) || !commandState(a.State) {
			return s, lab.Errorf(lab.Invalid, "decode state: active[%d] has no id or no state of the contract", i)
		}
		s.Active[i].Name, s.Active[i].Progress = Clean(a.Name), min(max(a.Progress, 0), 1)
	}
	s.Recent = s.Recent[max(0, len(s.Recent)-recentMax):]
	for i, r := range s.Recent {
		if !ValidID(r.ID) || !commandState(r.State) {
			return s, lab.Errorf(lab.Invalid, "decode state: recent[%d] has no id or no state of the contract", i)
		}
	}
	s.Faults = s.Faults[:min(faultsMax, len(s.Faults))]
	for i, f := range s.Faults {
		if !ValidID(f.Code) || !level(f.Level) {
			return s, lab.Errorf(lab.Invalid, "decode state: faults[%d] has no code or no level of the contract", i)
		}
		s.Faults[i].Text = Clean(f.Text)
	}
	if s.Lease != nil {
		s.Lease.Holder = Clean(s.Lease.Holder)
	}
	return s, s.checkSupplies()
}

// DecodeConn reads a device's birth or death.
func DecodeConn(b []byte) (Conn, error) {
	var c Conn
	m, err := object("conn", b, MaxSmall)
	if err != nil {
		return c, err
	}
	err = fields("conn", m, false, map[string]any{"state": &c.State, "boot": &c.Boot, "ts": &c.TS, "sdk": &c.SDK}, "state", "boot")
	switch {
	case err != nil:
		return c, err
	case !oneOf(c.State, Online, Offline, Lost):
		return c, lab.Errorf(lab.Invalid, "decode conn: state %.40q is not online, offline or lost", c.State)
	case c.Boot < 1:
		return c, lab.Errorf(lab.Invalid, "decode conn: boot %d is below 1", c.Boot)
	}
	c.SDK = Clean(c.SDK)
	return c, nil
}

// DecodeBeat reads a cell's beat.
func DecodeBeat(b []byte) (Beat, error) {
	var t Beat
	m, err := object("beat", b, MaxSmall)
	if err != nil {
		return t, err
	}
	return t, fields("beat", m, false, map[string]any{"ts": &t.TS, "seq": &t.Seq, "orc": &t.Orc, "epoch": &t.Epoch}, "ts", "seq")
}

// DecodeLabStop reads the lab's stop request.
func DecodeLabStop(b []byte) (LabStop, error) {
	var s LabStop
	m, err := object("stop", b, MaxSmall)
	if err != nil {
		return s, err
	}
	err = fields("stop", m, false, map[string]any{"latched": &s.Latched, "id": &s.ID, "by": &s.By, "reason": &s.Reason, "ts": &s.TS},
		"latched", "id", "by")
	if err == nil && !ValidID(s.ID) {
		err = lab.Errorf(lab.Invalid, "decode stop: id %.40q is no id", s.ID)
	}
	s.By, s.Reason = Clean(s.By), Clean(s.Reason)
	return s, err
}

// Clean makes a text from outside fit to show: control characters become
// spaces, and it is cut at 2,000 characters. It is still nobody's instruction.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > textMax {
		s = string([]rune(s)[:textMax-1]) + "…"
	}
	return s
}

func commandState(s lab.CommandState) bool {
	return s.Terminal() || s == lab.CommandAccepted || s == lab.CommandRunning || s == lab.CommandPaused || s == lab.CommandCancelling
}

func effect(e lab.Effect) bool {
	return e == lab.EffectNone || e == lab.EffectPartial || e == lab.EffectComplete || e == lab.EffectUnknown
}

func oneOf(s string, of ...string) bool { return slices.Contains(of, s) }

func isObject(b json.RawMessage) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}
