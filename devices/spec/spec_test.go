package spec_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

const published = "../../docs/formats/ldp-1"

// TestPublishedIsWhatTheTypesSay holds the published documents against the
// types, and wants nothing beside them.
func TestPublishedIsWhatTheTypesSay(t *testing.T) {
	t.Parallel()
	if *update {
		if err := spec.Write(published); err != nil {
			t.Fatal(err)
		}
	}
	files, err := spec.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(published, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("%s is not what the types say; -update writes it anew (-published +types):\n%s", name, diff)
		}
	}
	err = fs.WalkDir(os.DirFS(published), ".", func(path string, d fs.DirEntry, err error) error {
		if _, ours := files[path]; err == nil && !d.IsDir() && !ours {
			t.Errorf("%s is not of the contract", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPageDrawsEveryField wants every field of every message on the page that
// people read.
func TestPageDrawsEveryField(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/formats/ldp-1.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := spec.Files()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(name string, s map[string]any)
	walk = func(name string, s map[string]any) {
		for _, inner := range []string{"items", "additionalProperties"} {
			if sub, ok := s[inner].(map[string]any); ok {
				walk(name, sub)
			}
		}
		properties, _ := s["properties"].(map[string]any)
		for field, sub := range properties {
			n++
			if !strings.Contains(string(page), "`"+field+"`") {
				t.Errorf("the page does not draw the field %s of %s", field, name)
			}
			if sub, ok := sub.(map[string]any); ok {
				walk(name, sub)
			}
		}
	}
	for name, content := range files {
		var s map[string]any
		if err := json.Unmarshal(content, &s); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "schemas/") {
			walk(name, s)
		}
	}
	if n < 100 {
		t.Errorf("only %d fields were looked for", n)
	}
	for _, c := range []devices.Code{
		devices.BadMessage, devices.BadParams, devices.UnknownCommand, devices.StaleEpoch, devices.NoLease, devices.Expired, devices.NoTime, devices.Busy, devices.WrongMode,
		devices.Interlock, devices.Calibration, devices.Consumable, devices.DependencyFailed, devices.Timeout, devices.DeviceFault, devices.Orphaned, devices.PowerLoss,
	} {
		if !strings.Contains(string(page), "`"+string(c)+"`") {
			t.Errorf("the page does not draw the code %s", c)
		}
	}
}

// TestExampleComesBack reads the published Thing Description.
func TestExampleComesBack(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(published, "thing-description.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := devices.ParseAbout(b)
	if err != nil || len(a.Actions) != 4 || len(a.Streams) != 1 || len(a.Profile()) != 5 {
		t.Errorf("the published descriptor = %+v, %v", a, err)
	}
}
