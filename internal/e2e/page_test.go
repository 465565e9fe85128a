package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPageInABrowser drives the page of a real laboratory in Chromium: list,
// mistakes, submission, live updates, pause, resume, export, themes, keyboard,
// and accessibility (web/e2e says each step).
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	if !exists("../../web/node_modules/.package-lock.json") {
		t.Fatal("the page's tools are not installed: run make web")
	}
	data := folder(t)
	url := run(t, nil, up(data)...).url()
	if err := os.WriteFile(filepath.Join(data, "inbox", "shared.csv"), []byte("solvent,temperature (°C),yield (%)\nDMSO,90,41\nDMF,95,52\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the devices", func() bool {
		_, _, status := command(t, url, "campaign", "check", "../../examples/campaigns/01-reaction-yield.yaml")
		var list struct{ Items []struct{ Conn string } }
		return status == 0 && get(t, url+"/api/v1/devices", &list) && len(list.Items) == 5
	})
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "run", "--silent", "e2e")
	cmd.Dir = "../../web"
	cmd.Env = append(os.Environ(), "ATHANOR_URL="+url)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "ok 1 ") {
		t.Errorf("the page's tests: %v", err)
	}
}

// TestPageOfARichLaboratory drives the page over made-up answers that a short run of a real laboratory does not give: papers that
// wait for a judgement, plans whose model is in doubt, devices in trouble, snapshots.
func TestPageOfARichLaboratory(t *testing.T) {
	t.Parallel()
	if !exists("../../web/node_modules/.package-lock.json") {
		t.Fatal("the page's tools are not installed: run make web")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "run", "--silent", "e2e")
	cmd.Dir = "../../web"
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "ATHANOR_URL=") })
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "ok 1 ") {
		t.Errorf("the page's tests: %v", err)
	}
}
