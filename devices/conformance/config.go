package conformance

import (
	"encoding/json"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Config is what the kit knows about a device.
type Config struct {
	Dial   devices.Dialer
	Lab    string // "" is "lab"
	Device string

	// Start is the command line that starts the device's process in the
	// foreground. The kit starts it, kills it with SIGKILL in the middle of
	// commands, and ends it. Without it, and without Process, the device is
	// expected to run, and checks of crashes are skipped.
	Start []string
	// Process does what Start does, for a device that is no child process.
	Process Process
	// RestartBroker ends the broker, with all it has retained, and starts it
	// again. Without it the checks of that are skipped.
	RestartBroker func() error

	// Profile is what the device claims, as in "SCL"; "" is what its
	// descriptor says.
	Profile string

	// Examples are the parameters by action that the kit may run at any time;
	// those of the descriptor (ldp:example) when an action has none here.
	Examples map[string]json.RawMessage
	// Long are parameters by action of commands that run for 2 s at least.
	// Without one for an action that resumes, repeats or has a duration among its
	// parameters, an example with a longer duration is tried.
	Long map[string]json.RawMessage
	// Samples go with every command.
	Samples []lab.SampleRef

	// Listen is where the kit waits for uploads, as the device reaches it; "" is
	// a free port of 127.0.0.1.
	Listen string

	Patience time.Duration // for what should come at once; 0 is 5 s
	Seed     uint64        // of malformed messages; 0 is 1

	// Only, when not empty, is the names of the checks and groups to make.
	Only []string
	// Each, when set, is told every result as it comes.
	Each func(Result)
}

// Process is a device's process.
type Process interface {
	Start() error
	// Kill ends it as SIGKILL does, and returns when it is gone.
	Kill() error
	// Ended is closed when the process that was started last has ended, and nil
	// when none was or [Process.Kill] has ended it.
	Ended() <-chan struct{}
}

func (c Config) withDefaults() Config {
	if c.Lab == "" {
		c.Lab = "lab"
	}
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Process == nil && len(c.Start) > 0 {
		c.Process = &command{line: c.Start}
	}
	return c
}
