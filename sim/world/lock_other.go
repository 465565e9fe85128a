//go:build !unix

package world

import "os"

// lockFile does nothing where files cannot be locked: take care that a world is
// open once.
func lockFile(*os.File) error { return nil }

// unlockFile closes the file.
func unlockFile(file *os.File) error { return file.Close() }
