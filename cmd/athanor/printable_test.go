package main

import "testing"

// TestPrintableDropsWhatSteers hands it what a device could say to take over a
// terminal.
func TestPrintableDropsWhatSteers(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"heater \u00b0C – ü":             "heater \u00b0C – ü",
		"\x1b]0;owned\x07title":          "]0;ownedtitle",
		"\x1b[2J\x1b[1;1Hdone":           "[2J[1;1Hdone",
		"a\r\nb\tc\x00":                  "abc",
		"\u009b31mred":                   "31mred",
		"safe\u202eexe.txt\u2066x\u200b": "safeexe.txtx",
		"\xff\xfe":                       "",
	} {
		if got := printable(said); got != want {
			t.Errorf("printable(%q) = %q, want %q", said, got, want)
		}
	}
}
