//go:build unix

package rig

import "syscall"

// RaiseFileLimit lets this process, and its children after it, have as many
// files open as the machine allows, and returns how many that is. Without it
// the Go runtime raises the limit for this process only.
func RaiseFileLimit() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur) //nolint:unconvert // it is an int64 on FreeBSD
}
