package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// alive reports whether a process runs. One that has ended but that nobody has waited for, as happens in containers whose first
// process does not, counts as ended.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	// "pid (name) state …", where name may hold anything, also brackets.
	_, after, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	return !ok || len(after) == 0 || (after[0] != 'Z' && after[0] != 'X')
}

// worksOn reports whether a running process is the PostgreSQL server of a data directory. A server's working directory is its data.
func worksOn(pid int, data string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	target, err := filepath.EvalSymlinks(data)
	return err == nil && cwd == target
}

// standsStill reports whether no thread of a process runs, or none is left.
func standsStill(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is well formed
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		_, after, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
		if !ok || len(after) == 0 || !bytes.ContainsRune([]byte("TtZX"), rune(after[0])) {
			return false
		}
	}
	return true
}
