package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	env := map[string]string{"ATHANOR_TEMPORAL_PORT": "7233", "ATHANOR_TEMPORAL_UI_PORT": "8233", "ATHANOR_TEMPORAL_STOP_ON_STDIN_EOF": "true", "ATHANOR_TEMPORAL_SHARDS": ""}
	got, err := ParseOptions([]string{"--db", "x.db", "-port", "7000", "-log-level", "info"}, lookup(env), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := Options{DB: "x.db", IP: "127.0.0.1", Port: 7000, UIPort: 8233, Namespace: "athanor", Retention: 7 * 24 * time.Hour, LogLevel: slog.LevelInfo, StopOnStdinEOF: true}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseOptionsComplains(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		args string
		env  map[string]string
		want []string
	}{
		{args: "", want: []string{"give one store"}},
		{args: "-db x -postgres-url postgres://h/d", want: []string{"give one store"}},
		{args: "-db x -ip 0.0.0.0", want: []string{`-ip is "0.0.0.0"`, "loopback"}},
		{args: "-db x -port 70000 -ui-port -2", want: []string{"-port is 70000", "-ui-port is -2"}},
		{args: "-db x -port 7233 -ui-port 7233", want: []string{"both 7233"}},
		{args: "-db x -retention 1m", want: []string{"-retention is 1m0s"}},
		{args: "-db x -shards -4", want: []string{"-shards is -4"}},
		{args: "-db x start", want: []string{`unexpected argument "start"`}},
		{args: "-db x -namespace=", want: []string{"-namespace is empty"}},
		{args: "-db x", env: map[string]string{"ATHANOR_TEMPORAL_PORT": "many"}, want: []string{`ATHANOR_TEMPORAL_PORT="many"`}},
	} {
		_, err := ParseOptions(strings.Fields(x.args), lookup(x.env), io.Discard)
		for _, want := range x.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("ParseOptions(%q): error %v, want it to contain %q", x.args, err, want)
			}
		}
	}
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}
