package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// material names what an experiment was made of: the labels chosen, and which
// parts of a composition are there at all. Numbers have no part in it. Labels
// that are SMILES of one molecule are one, however they are written.
// Experiments without labels or parts are each of a material of their own, by
// their condition.
func material(settings []lab.Setting, condition string) string {
	return group(settings, condition, func(label string) string {
		if s, ok := molecule(label); ok {
			return s
		}
		return label
	})
}

// scaffold is [material] with ring systems in the place of labels that are
// SMILES: molecules that differ in their side chains only are one.
func scaffold(settings []lab.Setting, condition string) string {
	return group(settings, condition, func(label string) string {
		if s, ok := ringSystem(label); ok {
			return s
		}
		return label
	})
}

func group(settings []lab.Setting, condition string, of func(label string) string) string {
	var parts []string
	for _, s := range settings {
		switch s.Value.Kind() {
		case lab.IsLabel:
			parts = append(parts, strconv.Quote(s.Name)+"="+of(strings.TrimSpace(s.Value.Label())))
		case lab.IsParts:
			there := make([]byte, 0, len(s.Value.Parts()))
			for _, x := range s.Value.Parts() {
				if x > 0 {
					there = append(there, '1')
				} else {
					there = append(there, '0')
				}
			}
			parts = append(parts, strconv.Quote(s.Name)+"="+string(there))
		default: // numbers make no material
		}
	}
	if len(parts) == 0 {
		return condition
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
