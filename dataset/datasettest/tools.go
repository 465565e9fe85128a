package datasettest

import (
	"os"
	"testing"
)

// PublicTools returns the Python that has the tools of others, which
// scripts/validators installs; without it there is nothing to ask.
func PublicTools(t *testing.T) string {
	t.Helper()
	python := os.Getenv("ATHANOR_VALIDATORS") //nolint:forbidigo // as a test would
	if python == "" {
		t.Skip("ATHANOR_VALIDATORS names no Python with the tools; run scripts/validators")
	}
	return python
}
