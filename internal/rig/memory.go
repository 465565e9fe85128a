package rig

import (
	"fmt"
	"os"
	"strings"
)

// MemoryMB returns the resident memory of a process in MB, and 0 where that
// cannot be read.
func MemoryMB(pid int) float64 { return field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") / 1024 }

// ChildrenMemoryMB returns the memory of this process's children of a name, and
// of all that descends from them, in MB. What they share counts once.
func ChildrenMemoryMB(name string) float64 {
	children := map[int][]int{}
	var all []int
	entries, _ := os.ReadDir("/proc") // nothing is found where there is none
	for _, e := range entries {
		var pid, ppid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		// "pid (name) state ppid …", where name may hold anything.
		head, rest, ok := strings.Cut(string(stat), ") ")
		var state string
		if _, err := fmt.Sscan(rest, &state, &ppid); err != nil || !ok {
			continue
		}
		children[ppid] = append(children[ppid], pid)
		if ppid == os.Getpid() && strings.HasSuffix(head, "("+name) {
			all = append(all, pid)
		}
	}
	sum := 0.0
	for i := 0; i < len(all); i++ {
		sum += field(fmt.Sprintf("/proc/%d/smaps_rollup", all[i]), "Pss:") / 1024
		all = append(all, children[all[i]]...)
	}
	return sum
}

// field returns a number of a file of lines "name: number".
func field(path, name string) float64 {
	b, _ := os.ReadFile(path) // a process that is gone has none
	for line := range strings.Lines(string(b)) {
		var x float64
		if rest, ok := strings.CutPrefix(line, name); ok {
			if _, err := fmt.Sscan(rest, &x); err == nil {
				return x
			}
		}
	}
	return 0
}

// Self returns the id of this process.
func Self() int { return os.Getpid() }
