// Package jsonline reads lines of JSON and writes texts of them, for what has millions.
package jsonline

import (
	"encoding/json"
	"strings"
)

// plain are the bytes that [json.Marshal] leaves as they are.
var plain = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return is
}()

// Append appends s as [json.Marshal] would write it, and leaves what is not plain
// to it.
func Append(b []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			text, err := json.Marshal(s)
			if err != nil {
				panic("jsonline: a text is always JSON")
			}
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
