//go:build !unix

package sdk

import "os"

// lockFile does nothing where files cannot be locked: take care that a device
// runs once.
func lockFile(*os.File) error { return nil }

// unlockFile closes the file.
func unlockFile(file *os.File) error { return file.Close() }
