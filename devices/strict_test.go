package devices_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/devices"
)

// slowly is Strict by the tokens of encoding/json: what it should say.
func slowly(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := slowValue(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows")
	}
	return nil
}

func slowValue(dec *json.Decoder, depth int) error {
	if depth > 64 {
		return errors.New("too deep")
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Number:
		if x, err := strconv.ParseFloat(t.String(), 64); err != nil || math.IsInf(x, 0) {
			return errors.New("beyond float64")
		}
	case json.Delim:
		seen := map[string]bool{}
		for dec.More() {
			if t == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				k, ok := key.(string)
				if !ok || seen[k] {
					return errors.New("repeated")
				}
				seen[k] = true
			}
			if err := slowValue(dec, depth+1); err != nil {
				return err
			}
		}
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	return nil
}

// FuzzStrict wants the walk over the bytes to say what the tokens say.
func FuzzStrict(f *testing.F) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	for _, s := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , 2.5e3 , -0 , true , false , null ] , "b" : { } } `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\ud800":1,"\ufffd":2}`,
		`1e999`, `-1e999`, `1e-999`, `"x"`, `{"a":"\\\""}`, `{"a":{"b":1,"b":2}}`, `[1]x`, `{"a":1}}`, `{"a"}`, `{,}`, ``, ` `, `nul`, `"\x"`, "\"\xff\"",
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 66) + strings.Repeat("]", 66), strings.Repeat("9", 400), "0." + strings.Repeat("1", 400),
		"{" + strings.Join(many, ",") + "}", "{" + strings.Join(append(many, `"k3":1`), ",") + "}", "{" + strings.Join(append(many, `"k39":1`), ",") + "}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := devices.Strict(b), slowly(b); (got == nil) != (want == nil) {
			t.Errorf("Strict(%q) = %v; want %v", b, got, want)
		}
	})
}

// BenchmarkStrict reads a state as devices send it.
func BenchmarkStrict(b *testing.B) {
	state := []byte(`{"boot":3,"n":812,"ts":"2026-01-02T03:04:05.678Z","op":"busy","mode":"remote","lease":{"epoch":17,"holder":"athanor","until":"2026-01-02T03:04:20Z"},` +
		`"active":[{"id":"5b1c0000-0000-4000-8000-000000000000","name":"heat","state":"running","progress":0.25}],"recent":[{"id":"5b1c0000-0000-4000-8000-000000000001","state":"done"}],"clock":{"offset_ms":0.25,"source":"beat"},"beat_age_ms":312.5}`)
	b.SetBytes(int64(len(state)))
	for b.Loop() {
		if err := devices.Strict(state); err != nil {
			b.Fatal(err)
		}
	}
}
