package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Format is the version of the layout of a data directory that this program reads and writes.
const Format = "1"

const formatFile = "format"

// CheckFormat makes sure that dir is a data directory of this program's [Format]. An empty one (but for the lock) becomes one.
// A directory of another version, or one that holds somebody's other files, is refused and left as it is.
func CheckFormat(dir string) error {
	name := filepath.Join(dir, formatFile)
	body, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newFormat(dir, name)
	case err != nil:
		return fmt.Errorf("read format of data directory: %w", err)
	}
	if got := strings.TrimSpace(string(body)); got != Format {
		return fmt.Errorf("data directory %s has format %q, this program knows format %q: use the version of Athanor that wrote it (its release notes say how to move on), or choose another directory", dir, got, Format)
	}
	return nil
}

func newFormat(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case lockFile, formatFile + ".new", "lost+found":
		default:
			return fmt.Errorf("directory %s holds %q but no %q file: it is no data directory of Athanor: choose an empty or a new directory", dir, e.Name(), formatFile)
		}
	}
	return writeFile(name, Format+"\n", 0o644)
}

// writeFile replaces a file as a whole: whoever reads it, also after a crash, sees the old or the new text.
func writeFile(name, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(name+".new", name)
}
