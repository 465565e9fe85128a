package gateway

import (
	"bytes"
	"testing"
	"time"
)

// FuzzUploadToken lets in nobody but the bearer of a token that was given out.
func FuzzUploadToken(f *testing.F) {
	u := &Uploads{Href: "http://x", Secret: bytes.Repeat([]byte{7}, 32)}
	until := time.Unix(2_000_000_000, 0)
	good := u.token("373ed45a-c1a6-8861-bce3-07a2fccda495", until)
	for _, s := range []string{good, "", ".", "..", good + "x", good[1:], "a.b.c", "a.99999999999999999999." + u.sign("a.99999999999999999999")} {
		f.Add(s)
	}
	if !u.check(good, until) || u.check(good, until.Add(time.Second)) {
		f.Fatal("a token does not hold until its end, or longer")
	}
	f.Fuzz(func(t *testing.T, token string) {
		if u.check(token, until) && token != good {
			t.Errorf("%q was let in", token)
		}
	})
}
