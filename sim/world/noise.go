package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
)

// Cause is what a random draw of the world is keyed by. Two laboratories with
// the same seed make the same draw for the same cause, whichever device of a
// kind it falls to, in whatever order commands come, and however often the
// laboratory was killed in between. Ids of commands, samples, devices and
// campaigns have no part in it.
//
// The key is the seed, the device's kind, the command's name, its parameters in
// canonical form, how often this command was tried on the very sample before,
// and all that was done to the sample until then. It follows that two
// experiments which are equal in every setting see equal noise.
type Cause struct {
	Seed    uint64
	Kind    string // of the device
	Name    string // of the command
	Command string // id of the command: its own earlier effects do not count
	Sample  string // "" when it works on none
	// Params is the command's parameters without what names samples and
	// devices.
	Params any
}

// Rand returns the random source of a cause.
func (w *World) Rand(c Cause) (*rand.Rand, error) {
	params, err := canonical(c.Params)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "key the noise of command %s: %w", c.Command, err)
	}
	times, done := w.before(c)
	key := digest(binary.BigEndian.AppendUint64(nil, c.Seed), []byte(c.Kind), []byte(c.Name), params, binary.BigEndian.AppendUint64(nil, uint64(times)), done[:])
	return rand.New(rand.NewChaCha8(key)), nil
}

// before returns how many other commands of the name were tried on the sample,
// and the digest of what was done to it, both as they were before the command.
func (w *World) before(c Cause) (int, [sha256.Size]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.samples[c.Sample]
	if s == nil {
		return 0, [sha256.Size]byte{}
	}
	tried, own := map[string]bool{}, false
	for _, e := range s.history {
		own = own || e.Command == c.Command
		if e.Name == c.Name && e.Command != c.Command && !own {
			tried[e.Command] = true
		}
	}
	if !own {
		return len(tried), s.digest
	}
	var d [sha256.Size]byte
	for _, e := range s.history {
		if e.Command == c.Command {
			break
		}
		if e.Data != nil {
			d = digest(d[:], []byte(e.Name), []byte(e.Effect), e.Data)
		}
	}
	return len(tried), d
}

// canonical returns v as JSON with sorted keys and without spaces, in which
// equal numbers are written equally.
func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, fmt.Errorf("parameters are no JSON: %w", err)
	}
	b, err = json.Marshal(plain)
	return bytes.TrimSpace(b), err
}

// digest hashes parts so that no two lists of parts run together.
func digest(parts ...[]byte) [sha256.Size]byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
