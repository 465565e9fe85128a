package chaos

// Report is what a run found.
type Report struct {
	Commands     int            `json:"commands"`
	Kills        int            `json:"kills"` // of all processes
	SilentDouble int            `json:"silent_doubles"`
	SilentLosses int            `json:"silent_losses"`
	InDoubt      int            `json:"in_doubt"`
	Orphans      int            `json:"orphans"`          // devices that were at work when the laboratory fell silent
	Unwatched    int            `json:"orphans_moved_on"` // those of them that did not stop by themselves
	KillsOf      map[string]int `json:"kills_of"`         // by what was killed
	KillsAt      map[string]int `json:"kills_at"`         // devices, by the point of their algorithm and the recovery class
	Partitions   int            `json:"partitions"`       // links cut or held
	Duplicated   int            `json:"duplicated"`       // packets
	Reordered    int            `json:"reordered"`        // packets
	SentTwice    int            `json:"sent_twice"`       // dispatches of one command again
	Cancels      int            `json:"cancels"`          // asked for
	Stale        int            `json:"stale_commands"`   // by senders whose lease had ended
	Takeovers    int            `json:"takeovers"`        // leases with a higher epoch

	Ends        map[string]map[string]int `json:"ends"`    // class → state → commands
	Repeats     int                       `json:"repeats"` // movements done again that are declared repeatable
	Unexplained int                       `json:"unexpected_doubts"`
	Examples    []string                  `json:"examples,omitempty"` // of doubles and losses
	// Bound95 is the largest rate of silent doubles and losses, each, that a run
	// without any leaves possible: 3/n, the rule of three (Hanley &
	// Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249,
	// 1743, 1983).
	Bound95   float64 `json:"rate_bound_95,omitempty"`
	Latency   Latency `json:"ended_ms"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"commands_per_s"`
	Devices   int     `json:"devices"`
	Processes int     `json:"processes"`
	Broker    string  `json:"broker"`
	Seed      uint64  `json:"seed"`
}

// Latency is of commands, from dispatch to their known end, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// OK reports whether nothing was done twice, nothing lost, and nothing moved on
// without a laboratory.
func (r Report) OK() bool { return r.SilentDouble == 0 && r.SilentLosses == 0 && r.Unwatched == 0 }
