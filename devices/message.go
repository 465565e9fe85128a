package devices

import (
	"encoding/json"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Cmd asks a device to do something. Its id is the sender's; a resend has the
// same id and the same bytes.
type Cmd struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Epoch int64  `json:"epoch"` // fencing token of the lease, at least 1

	Issued time.Time `json:"issued,omitzero"`
	// Expires is the instant, in the laboratory's time, after which a device
	// must not start. Only commands whose recovery is repeat may leave it out.
	Expires  time.Time `json:"expires,omitzero"`
	TimeoutS float64   `json:"timeout_s,omitempty"` // of running; 0 means none
	// After lists commands of the same device that must be done first.
	After       []string        `json:"after,omitempty"`
	Params      json.RawMessage `json:"params"` // an object
	Samples     []lab.SampleRef `json:"samples,omitempty"`
	Traceparent string          `json:"traceparent,omitempty"`
	Upload      *Upload         `json:"upload,omitempty"`
	Sig         string          `json:"sig,omitempty"`
}

// Upload says where raw data of a command may be put over HTTP.
type Upload struct {
	Href  string `json:"href,omitempty"`
	Token string `json:"token,omitempty"`
}

// Event is what a device says about a command. (Boot, N) rises strictly, over
// restarts of the device as well.
type Event struct {
	ID    string           `json:"id"`
	State lab.CommandState `json:"state"`
	Boot  int64            `json:"boot"`
	N     int64            `json:"n"`
	TS    time.Time        `json:"ts"`

	Progress  float64         `json:"progress,omitempty"` // from 0 to 1
	Note      string          `json:"note,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"` // an object
	Code      Code            `json:"code,omitempty"`
	Error     string          `json:"error,omitempty"`
	Retryable bool            `json:"retryable,omitempty"`
	Dup       bool            `json:"dup,omitempty"` // repeats what was written down, in answer to a resend
	TookMS    float64         `json:"took_ms,omitempty"`
	Effect    lab.Effect      `json:"effect,omitempty"` // of a terminal state
	By        string          `json:"by,omitempty"`     // the person who resolved a doubt
	// Calibration names the calibrations that were in force, by their certificate or name.
	Calibration []string `json:"calibration,omitempty"`
	Blobs       []Blob   `json:"blobs,omitempty"`
}

// Newer reports whether e was said after the event (boot, n).
func (e Event) Newer(boot, n int64) bool { return e.Boot > boot || e.Boot == boot && e.N > n }

// Refusal reports whether e is a refusal that a resend may cure.
func (e Event) Refusal() bool { return e.State == lab.CommandRejected && e.Code.Curable() }

// Op is what a [Ctl] asks for.
type Op string

// The operations beside the queue of commands.
const (
	OpLease   Op = "lease"        // take the device: holder, epoch, ttl_s
	OpRelease Op = "release"      // let it go: epoch
	OpCancel  Op = "cancel"       // end the command named by target
	OpPause   Op = "pause"        // hold the command named by target, or the device
	OpResume  Op = "resume"       // go on with it: epoch, when something moves by it
	OpStop    Op = "stop"         // end everything and stay stopped
	OpReset   Op = "reset"        // leave stopped or fault
	OpResolve Op = "resolve"      // say what became of a command in doubt: target, outcome, by, reason
	OpStatus  Op = "status"       // say the state now, and what is known of target
	OpRecall  Op = "recall"       // say which commands are remembered, from after target on
	OpMissing Op = "blob_missing" // send the blob sha256 of the command target again, in chunks from missing on; an empty missing: it is kept
)

// Ctl is an instruction out of the order of commands. Cancel and stop need no
// lease: stopping is always allowed.
type Ctl struct {
	ID      string           `json:"id"`
	Op      Op               `json:"op"`
	Target  string           `json:"target,omitempty"` // the id of a command
	Epoch   int64            `json:"epoch,omitempty"`
	Holder  string           `json:"holder,omitempty"`
	TTLS    float64          `json:"ttl_s,omitempty"`
	Outcome lab.CommandState `json:"outcome,omitempty"` // "done" or "failed"
	By      string           `json:"by,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	SHA256  string           `json:"sha256,omitempty"`
	// Missing answers chunks: the index of the first that the laboratory lacks,
	// or none, and not nil, when it has the blob on its disk.
	Missing []int64 `json:"missing,omitzero"`
}

// Recall is a page of the commands that a device remembers, whatever became of
// them: what a laboratory asks for whose record was restored from a backup while
// its devices went on.
type Recall struct {
	ID   string `json:"id"`   // of the ctl that asked
	Boot int64  `json:"boot"` // starts of the device's process: in another boot the order may be another
	// Commands are the exact bytes of each, as they came.
	Commands []string `json:"commands"`
	More     bool     `json:"more,omitempty"` // there are others, after the last of these
}

// Conn is a device's birth and death. The last will says "lost": the link is
// gone, the work may go on.
type Conn struct {
	State string    `json:"state"` // "online", "offline" or "lost"
	Boot  int64     `json:"boot"`  // starts of the device's process, counted in its journal
	TS    time.Time `json:"ts,omitzero"`
	SDK   string    `json:"sdk,omitempty"`
}

// The states of a link.
const (
	Online  = "online"
	Offline = "offline" // ended in order
	Lost    = "lost"    // the broker says so
)

// State is a device's snapshot of itself, retained: on change, and at least
// every heartbeat.
type State struct {
	Boot int64     `json:"boot"`
	N    int64     `json:"n"` // of the last event before it
	TS   time.Time `json:"ts"`
	Op   string    `json:"op"`   // "starting", "idle", "busy", "paused", "safe", "stopped" or "fault"
	Mode string    `json:"mode"` // "remote", "local" or "service"

	Lease     *Lease              `json:"lease,omitempty"`
	Active    []lab.ActiveCommand `json:"active,omitempty"`
	Recent    []Recent            `json:"recent,omitempty"` // ended last, newest last, at most 64
	Faults    []lab.Fault         `json:"faults,omitempty"`
	Clock     *ClockState         `json:"clock,omitempty"`
	BeatAgeMS float64             `json:"beat_age_ms,omitempty"`

	Calibration []CalibrationState `json:"calibration,omitempty"`
	Consumables []Supply           `json:"consumables,omitempty"`
	Slots       []Slot             `json:"slots,omitempty"`
	Alarms      []string           `json:"alarms,omitzero"` // the codes that stand; an empty list says that none does
}

// Mentions returns what s says of a command, and whether it says anything.
func (s State) Mentions(id string) (lab.CommandState, bool) {
	for _, a := range s.Active {
		if a.ID == id {
			return a.State, true
		}
	}
	for _, r := range s.Recent {
		if r.ID == id {
			return r.State, true
		}
	}
	return "", false
}

// Lease is who may command a device.
type Lease struct {
	Epoch  int64     `json:"epoch"`
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Recent is a command that has ended.
type Recent struct {
	ID    string           `json:"id"`
	State lab.CommandState `json:"state"`
}

// ClockState is what a device knows of the laboratory's time.
type ClockState struct {
	OffsetMS float64 `json:"offset_ms"` // laboratory minus device
	ErrMS    float64 `json:"err_ms,omitempty"`
	Source   string  `json:"source"` // "ptp", "ntp", "beat" or "none"
}

// Beat is the laboratory's heartbeat to a cell: it renews the leases of its
// holder, tells the time and keeps watchdogs quiet.
type Beat struct {
	TS    time.Time `json:"ts"`
	Seq   int64     `json:"seq"`
	Orc   string    `json:"orc,omitempty"` // renews the leases that this holder has
	Epoch int64     `json:"epoch,omitempty"`
}

// LabStop is a request that everything stops, latched until it is taken back.
// It is no safety function: the emergency stop is hardware.
type LabStop struct {
	Latched bool      `json:"latched"`
	ID      string    `json:"id"`
	By      string    `json:"by"`
	Reason  string    `json:"reason,omitempty"`
	TS      time.Time `json:"ts,omitzero"`
}
