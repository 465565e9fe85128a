package devices

// Code says why a device refused or failed a command. The list is closed.
type Code string

// The codes of commands that were refused: nothing has moved.
const (
	BadMessage       Code = "bad_message"       // malformed, or a known id with other bytes
	BadParams        Code = "bad_params"        // a parameter is unknown, missing, of a wrong type or beyond its limits
	UnknownCommand   Code = "unknown_command"   // the device has no such command
	StaleEpoch       Code = "stale_epoch"       // a newer holder has the device
	NoLease          Code = "no_lease"          // nobody holds the device, or somebody else; lease it and send again
	Expired          Code = "expired"           // too late to start
	NoTime           Code = "no_time"           // the device does not know the time; send again after a beat
	Busy             Code = "busy"              // at work; send again later
	WrongMode        Code = "wrong_mode"        // a person has the device (local or service)
	Interlock        Code = "interlock"         // stopped, or a condition of the device forbids it
	Calibration      Code = "calibration"       // a calibration that the command requires is not valid
	Consumable       Code = "consumable"        // a consumable that the command requires is out
	DependencyFailed Code = "dependency_failed" // a command named in "after" is not done
)

// The codes of commands that failed after they were accepted.
const (
	Timeout     Code = "timeout"      // ran longer than timeout_s
	DeviceFault Code = "device_fault" // the driver says so
	Orphaned    Code = "orphaned"     // the laboratory was silent for too long
	PowerLoss   Code = "power_loss"   // the device's process died at work
)

// Known reports whether c is of the closed list.
func (c Code) Known() bool {
	switch c {
	case BadMessage, BadParams, UnknownCommand, StaleEpoch, NoLease, Expired, NoTime, Busy, WrongMode,
		Interlock, Calibration, Consumable, DependencyFailed, Timeout, DeviceFault, Orphaned, PowerLoss:
		return true
	default:
		return false
	}
}

// Curable reports whether sending the same bytes again may succeed. A device
// does not write such a refusal down, and the laboratory sends again until the
// deadline.
func (c Code) Curable() bool { return c == Busy || c == NoLease || c == NoTime }
