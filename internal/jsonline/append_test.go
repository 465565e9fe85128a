package jsonline_test

import (
	"encoding/json"
	"testing"

	"github.com/athanor-lab/athanor/internal/jsonline"
)

// FuzzAppend wants what the library writes.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "plain", `"`, `\`, "<a&b>", "\x00", "\x7f", "é", "\u2028", "\xff", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonline.Append([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q is %s, want x%s", s, got, want)
		}
	})
}
