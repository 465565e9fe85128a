package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/planner/bench"
)

// TestBestPeerHasTheMostPairs prefers what is known best, then what is best.
func TestBestPeerHasTheMostPairs(t *testing.T) {
	t.Parallel()
	peers := map[string]bench.PeerSet{
		"lucky": {Pairs: 1, RelativeArea: 0.1}, "worse": {Pairs: 8, RelativeArea: 0.5}, "better": {Pairs: 8, RelativeArea: 0.4},
	}
	if name, p := bestPeer(peers); name != "better" || p.RelativeArea != 0.4 {
		t.Errorf("the best peer is %q, want better", name)
	}
	if name, _ := bestPeer(nil); name != "" {
		t.Errorf("the best of none is %q", name)
	}
}

// TestTracesAreWhereTheyUsuallyAre asks for a folder, and for none.
func TestTracesAreWhereTheyUsuallyAre(t *testing.T) {
	t.Parallel()
	usual := filepath.Join(t.TempDir(), "traces")
	if got := tracesIn("", usual); got != "" {
		t.Errorf("traces in %q, which is not there", got)
	}
	if err := os.Mkdir(usual, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := tracesIn("", usual); got != usual {
		t.Errorf("traces in %q, want the usual folder", got)
	}
	if got := tracesIn("asked", usual); got != "asked" {
		t.Errorf("traces in %q, want what was asked for", got)
	}
}

// TestPeersAreTableWithKinds prints a peer, and its kinds where there are more
// than one.
func TestPeersAreTableWithKinds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	over := bench.Over{Sets: 2, Pairs: 9, RelativeArea: 0.5, Ours: 0.4, Difference: -0.1}
	err := printPeers(&terminal{out: &out}, map[string]bench.Peer{
		"one": {Version: "p 1.0", Over: over, Kinds: map[string]bench.Over{"numeric": over}},
		"two": {Version: "q 2.0", Over: over, Kinds: map[string]bench.Over{"mixed": over, "noisy": over}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !strings.Contains(got, "-0.100") || strings.Contains(got, "numeric") || !strings.Contains(got, "  mixed") || !strings.Contains(got, "  noisy") {
		t.Errorf("printed\n%s", got)
	}
}
