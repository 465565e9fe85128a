package api_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/api"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestListenIsForThisMachineOnly wants every address that others could reach
// refused, in words that say what to do instead.
func TestListenIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:80", "*:0", "nonsense"} {
		ln, err := api.Listen(context.Background(), addr)
		if err == nil {
			ln.Close()
			t.Errorf("Listen(%q) listens, want it refused", addr)
			continue
		}
		if addr != "nonsense" && !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("Listen(%q) = %v, want it to say what to listen on", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		ln, err := api.Listen(context.Background(), addr)
		if err != nil {
			t.Errorf("Listen(%q) = %v", addr, err)
			continue
		}
		ln.Close()
	}
}

// TestForeignHostsAreRefused plays DNS rebinding: a name of another site that
// was made to resolve to this machine.
func TestForeignHostsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.url, "http://"))
	for _, tt := range []struct {
		host   string
		status int
	}{
		{"127.0.0.1:" + port, 200},
		{"localhost:" + port, 200},
		{"LOCALHOST:" + port, 200},
		{"[::1]:" + port, 200},
		{"evil.example:" + port, 421},
		{"evil.example", 421},
		{"localhost.evil.example:" + port, 421},
		{"127.0.0.1.nip.example:" + port, 421},
		{"192.168.1.5:" + port, 421},
		{"localhost:1", 421},
		{"localhost", 421},
		{"127.0.0.1:" + port + "0", 421},
	} {
		for _, path := range []string{"/", "/api/v1/campaigns", "/api/v1/events"} {
			if tt.status == 200 && path == "/api/v1/events" {
				continue // would go on
			}
			res, got := b.ask("GET", path, "", "Host", tt.host)
			if res.StatusCode != tt.status {
				t.Errorf("GET %s as %q = %d %.80s, want %d", path, tt.host, res.StatusCode, got, tt.status)
			}
		}
	}
}

// TestOtherSitesCannotAsk plays a page of another site that makes the browser
// send requests here.
func TestOtherSitesCannotAsk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.campaign().String()
	pause := "/api/v1/campaigns/" + id + "/pause"
	for _, tt := range []struct {
		name, method, path string
		status             int
		header             []string
	}{
		{"Program", "POST", pause, 200, nil},
		{"OwnPage", "POST", "/api/v1/campaigns/" + id + "/resume", 200, []string{"Origin", b.url, "Sec-Fetch-Site", "same-origin"}},
		{"OtherOrigin", "POST", pause, 403, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}},
		{"OtherPortOfThisMachine", "POST", pause, 403, []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}},
		{"OtherOriginOldBrowser", "POST", pause, 403, []string{"Origin", "https://evil.example"}},
		{"OpaqueOrigin", "POST", pause, 403, []string{"Origin", "null"}},
		{"NoOriginCrossSite", "POST", pause, 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{"FormPost", "POST", "/api/v1/lab/stop", 403, []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}},
		{"ReadByOtherSite", "GET", "/api/v1/campaigns", 403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}},
		{"NavigateToAPI", "GET", "/api/v1/campaigns", 403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}},
		{"LinkToPage", "GET", "/devices", 200, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}},
		{"FrameOfPage", "GET", "/assets/a-1.js", 403, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}},
		{"TypedAddress", "GET", "/api/v1/campaigns", 200, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, got := b.ask(tt.method, tt.path, "", tt.header...)
			if res.StatusCode != tt.status {
				t.Errorf("= %d %.120s, want %d", res.StatusCode, got, tt.status)
			}
			if v := res.Header.Get("Access-Control-Allow-Origin"); v != "" {
				t.Errorf("Access-Control-Allow-Origin = %q, want none", v)
			}
		})
	}
}
