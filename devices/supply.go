package devices

import (
	"math"
	"regexp"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Alarm is something that a person should know about a device, retained under
// its code until it is cleared by an empty message.
type Alarm struct {
	Code    string    `json:"code"`  // as in the topic
	Level   string    `json:"level"` // "info", "warning", "error" or "critical"
	Text    string    `json:"text,omitempty"`
	Since   time.Time `json:"since"`
	Boot    int64     `json:"boot"`
	Command string    `json:"cmd,omitempty"` // the id of the command that it is about
}

// CalibrationState is how far a device's readings can be believed, and why.
type CalibrationState struct {
	Name        string    `json:"name"`
	Status      string    `json:"status"` // "valid", "due" or "invalid"
	At          time.Time `json:"at,omitzero"`
	Due         time.Time `json:"due,omitzero"` // after it the calibration is not valid
	By          string    `json:"by,omitempty"`
	Certificate string    `json:"certificate,omitempty"`
}

// The states of a calibration.
const (
	CalibrationValid   = "valid"
	CalibrationDue     = "due" // still good, and soon not
	CalibrationInvalid = "invalid"
)

// Holds reports whether c is good at an instant.
func (c CalibrationState) Holds(at time.Time) bool {
	return c.Status != CalibrationInvalid && (c.Due.IsZero() || at.Before(c.Due))
}

// Supply is something that a device uses up.
type Supply struct {
	Name  string   `json:"name"`
	Unit  lab.Unit `json:"unit"`          // a UCUM code
	Level float64  `json:"level"`         // what is left
	Low   float64  `json:"low,omitempty"` // below it somebody should refill
	Lot   string   `json:"lot,omitempty"`
}

// Need is how much of a consumable a command wants there before it begins.
type Need struct {
	Name   string  `json:"name"`
	Amount float64 `json:"amount,omitempty"` // in the consumable's unit; 0 is anything above none
}

// Slot is a place of a device that a sample can be in.
type Slot struct {
	Slot     string    `json:"slot"`
	Sample   string    `json:"sample,omitempty"` // "" when empty
	Sensed   bool      `json:"sensed,omitempty"` // a sensor says so, not the device's memory alone
	Handover *Handover `json:"handover,omitempty"`
}

// Handover is a sample's change of hands that a device is at.
type Handover struct {
	Token string    `json:"token"`           // the same for both sides
	Want  string    `json:"want"`            // "give" or "take"
	Until time.Time `json:"until,omitzero"`  // when the device gives up waiting for the other side
	Ended bool      `json:"ended,omitempty"` // the device has done its part; clear is missing
}

// Blob is raw data that belongs to a command's end, named by its content.
type Blob struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size"`           // in bytes
	SHA256    string `json:"sha256"`         // in hexadecimal, small letters
	Data      []byte `json:"data,omitempty"` // all of it in base64, when it is small; otherwise it is uploaded
}

// InlineMax is the largest blob that goes inside an event, in bytes.
const InlineMax = 32 << 10

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ValidSHA256 reports whether s is a SHA-256 in small hexadecimal letters.
func ValidSHA256(s string) bool { return sha256Pattern.MatchString(s) }

// Column is a quantity of a stream.
type Column struct {
	Name string   `json:"name"`
	Unit lab.Unit `json:"unit"`
	Min  *float64 `json:"min,omitempty"` // of what the sensor can say
	Max  *float64 `json:"max,omitempty"`
}

// Stream describes a device's telemetry.
type Stream struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Batch is a piece of telemetry, column by column. (Boot, N) counts the
// batches of a stream, so that it is known which were lost.
type Batch struct {
	Boot    int64                `json:"boot"`
	N       int64                `json:"n"`
	T0      time.Time            `json:"t0"`    // of the device's clock; see the state's clock
	DtMS    []float64            `json:"dt_ms"` // after T0, never falling
	V       map[string][]float64 `json:"v"`     // a value to an instant
	U       map[string]lab.Unit  `json:"u"`
	Command string               `json:"cmd,omitempty"`
}

// Limits of a batch.
const (
	MaxBatch   = 256 << 10 // bytes
	columnsMax = 64
	// BatchValuesMax is the largest number of values in a batch.
	BatchValuesMax = 8192
)

// DecodeBatch reads a piece of telemetry.
func DecodeBatch(b []byte) (Batch, error) {
	var t Batch
	m, err := object("tm", b, MaxBatch)
	if err != nil {
		return t, err
	}
	err = fields("tm", m, false, map[string]any{
		"boot": &t.Boot, "n": &t.N, "t0": &t.T0, "dt_ms": &t.DtMS, "v": &t.V, "u": &t.U, "cmd": &t.Command,
	}, "boot", "n", "t0", "dt_ms", "v", "u")
	switch {
	case err != nil:
		return t, err
	case t.Boot < 1 || t.N < 1:
		return t, lab.Errorf(lab.Invalid, "decode tm: (boot, n) = (%d, %d) is below (1, 1)", t.Boot, t.N)
	case len(t.V) == 0 || len(t.V) > columnsMax || len(t.DtMS) == 0 || len(t.V)*len(t.DtMS) > BatchValuesMax:
		return t, lab.Errorf(lab.Invalid, "decode tm: %d columns of %d values; want 1 to %d columns and at most %d values", len(t.V), len(t.DtMS), columnsMax, BatchValuesMax)
	case t.Command != "" && !ValidID(t.Command):
		return t, lab.Errorf(lab.Invalid, "decode tm: cmd %.40q is no id", t.Command)
	}
	for name, values := range t.V {
		if !ValidID(name) || len(values) != len(t.DtMS) {
			return t, lab.Errorf(lab.Invalid, "decode tm: column %.40q has %d values for %d instants, or its name is no name", name, len(values), len(t.DtMS))
		}
		if u, ok := t.U[name]; !ok || len(u) > 64 {
			return t, lab.Errorf(lab.Invalid, "decode tm: column %.40q has no unit; a bare number has the unit 1", name)
		}
	}
	last := 0.0
	for _, dt := range t.DtMS {
		if dt < last || math.IsInf(dt, 0) {
			return t, lab.Errorf(lab.Invalid, "decode tm: dt_ms falls from %g to %g, or is below 0", last, dt)
		}
		last = dt
	}
	return t, nil
}

// DecodeAlarm reads an alarm. An empty message is no alarm: it clears one.
func DecodeAlarm(b []byte) (Alarm, error) {
	var a Alarm
	m, err := object("alarm", b, MaxSmall)
	if err != nil {
		return a, err
	}
	err = fields("alarm", m, false, map[string]any{
		"code": &a.Code, "level": &a.Level, "text": &a.Text, "since": &a.Since, "boot": &a.Boot, "cmd": &a.Command,
	}, "code", "level", "since", "boot")
	switch {
	case err != nil:
		return a, err
	case !ValidID(a.Code) || !level(a.Level) || a.Boot < 1:
		return a, lab.Errorf(lab.Invalid, "decode alarm: it has no code, no level of info, warning, error and critical, or no boot")
	case a.Command != "" && !ValidID(a.Command):
		return a, lab.Errorf(lab.Invalid, "decode alarm: cmd %.40q is no id", a.Command)
	}
	a.Text = Clean(a.Text)
	return a, nil
}

func level(s string) bool { return oneOf(s, "info", "warning", "error", "critical") }

// checkSupplies refuses what a state must not say of calibrations, consumables
// and slots, and makes its texts fit to show.
func (s *State) checkSupplies() error {
	if len(s.Calibration) > affordancesMax || len(s.Consumables) > affordancesMax || len(s.Slots) > affordancesMax {
		return lab.Errorf(lab.Invalid, "decode state: more than %d calibrations, consumables or slots", affordancesMax)
	}
	for i, c := range s.Calibration {
		if !ValidID(c.Name) || !oneOf(c.Status, CalibrationValid, CalibrationDue, CalibrationInvalid) {
			return lab.Errorf(lab.Invalid, "decode state: calibration[%d] has no name or no status of valid, due and invalid", i)
		}
		s.Calibration[i].By, s.Calibration[i].Certificate = Clean(c.By), Clean(c.Certificate)
	}
	for i, c := range s.Consumables {
		if !ValidID(c.Name) || c.Level < 0 || len(c.Unit) > 64 {
			return lab.Errorf(lab.Invalid, "decode state: consumables[%d] has no name, or a level below 0", i)
		}
		s.Consumables[i].Lot = Clean(c.Lot)
	}
	if len(s.Alarms) > affordancesMax {
		return lab.Errorf(lab.Invalid, "decode state: more than %d alarms", affordancesMax)
	}
	for _, code := range s.Alarms {
		if !ValidID(code) {
			return lab.Errorf(lab.Invalid, "decode state: alarms names %.40q, which is no code", code)
		}
	}
	seen := map[string]bool{}
	for i, p := range s.Slots {
		if !ValidID(p.Slot) || p.Sample != "" && !ValidID(p.Sample) || seen[p.Slot] {
			return lab.Errorf(lab.Invalid, "decode state: slots[%d] has no name of its own, or its sample is no id", i)
		}
		seen[p.Slot] = true
		if h := p.Handover; h != nil && (!ValidID(h.Token) || !oneOf(h.Want, Give, Take)) {
			return lab.Errorf(lab.Invalid, "decode state: slots[%d].handover has no token, or does not want to give or take", i)
		}
	}
	return nil
}

// checkBlobs refuses blobs that do not name their content.
func checkBlobs(blobs []Blob) error {
	if len(blobs) > blobsMax {
		return lab.Errorf(lab.Invalid, "decode ev: %d blobs, at most %d are allowed", len(blobs), blobsMax)
	}
	for i, b := range blobs {
		if b.Name == "" || Clean(b.Name) != b.Name || !ValidSHA256(b.SHA256) || b.Size < 0 || len(b.MediaType) > 128 {
			return lab.Errorf(lab.Invalid, "decode ev: blobs[%d] has no name, no size, or no SHA-256 in small hexadecimal letters", i)
		}
		if len(b.Data) > InlineMax || b.Data != nil && int64(len(b.Data)) != b.Size {
			return lab.Errorf(lab.Invalid, "decode ev: blobs[%d] has %d bytes inside it and size %d; at most %d are allowed there", i, len(b.Data), b.Size, InlineMax)
		}
	}
	return nil
}

const blobsMax = 64

// The commands by which samples change hands. See docs/formats/ldp-1.md.
const (
	Give  = lab.CommandGive
	Take  = lab.CommandTake
	Clear = lab.CommandClear
	// Discard is a driver's own command, which throws away the sample that it
	// names: when it is done the sample is outside the laboratory.
	Discard = lab.CommandDiscard
)
