package world

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Ledger is the read side of the ledger file, for those who judge.
type Ledger struct {
	Effects []Effect
}

// ReadLedger reads the ledger at path. A last line without its end, which a
// kill can leave, did not happen; anything else that is no effect is an error.
func ReadLedger(path string) (*Ledger, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read world ledger: %w", err)
	}
	defer f.Close()
	l := &Ledger{}
	if _, err := scan(f, func(e Effect) error { l.Effects = append(l.Effects, e); return nil }); err != nil {
		return nil, fmt.Errorf("read world ledger %s: %w", path, err)
	}
	return l, nil
}

// Of returns the effects of a command, in their order.
func (l *Ledger) Of(command string) []Effect {
	return slices.Collect(func(yield func(Effect) bool) {
		for _, e := range l.Effects {
			if e.Command == command && !yield(e) {
				return
			}
		}
	})
}

// Counts returns how often each command came to its end physically: 1 for one
// that was carried out once, whatever number of movements it took.
func (l *Ledger) Counts() map[string]int {
	n := map[string]int{}
	for _, e := range l.Effects {
		if e.Final {
			n[e.Command]++
		}
	}
	return n
}

// Doubles returns the commands that did something physical twice, each once, in
// the order in which they first did: what must never be.
func (l *Ledger) Doubles() []string {
	type key struct {
		command, sample string
		effect          EffectKind
		part            int
	}
	seen, told, doubles := map[key]bool{}, map[string]bool{}, []string(nil)
	for _, e := range l.Effects {
		k := key{e.Command, e.Sample, e.Effect, e.Part}
		if seen[k] && !told[e.Command] {
			told[e.Command] = true
			doubles = append(doubles, e.Command)
		}
		seen[k] = true
	}
	return doubles
}

// Places returns where every sample is after the last effect.
func (l *Ledger) Places() map[string]string {
	at := map[string]string{}
	for _, e := range l.Effects {
		if e.moves() {
			at[e.Sample] = e.To
		}
	}
	return at
}

// scan hands every whole line of a ledger to yield and returns how many bytes
// they are.
func scan(r io.Reader, yield func(Effect) error) (int64, error) {
	in, whole := bufio.NewReaderSize(r, 1<<16), int64(0)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil // a torn tail was never acknowledged to a device
		}
		if err != nil {
			return whole, err
		}
		var e Effect
		dec := json.NewDecoder(bytes.NewReader(line))
		if err := dec.Decode(&e); err != nil {
			return whole, fmt.Errorf("line %d is no effect: %w", n, err)
		}
		if e.Seq != int64(n) {
			return whole, fmt.Errorf("line %d has the number %d: effects are missing or were added by another program", n, e.Seq)
		}
		if err := yield(e); err != nil {
			return whole, fmt.Errorf("line %d: %w", n, err)
		}
		whole += int64(len(line))
	}
}
