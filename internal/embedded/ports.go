package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Ports that are not asked for by number lie below those that systems give to outgoing connections (32768 and up on Linux, 49152 on
// macOS), one of which could otherwise have taken the remembered port when we come back for it.
const lowPort, highPort = 20000, 30000

// ChoosePort returns a free loopback port for the server called name: the one that it had at the last start in this data directory,
// else preferred, else any. The choice is remembered in dir/ports/name, so that addresses that people and devices wrote down stay
// good. A preferred port of 0 means that none is better than another.
//
// The port is free when ChoosePort returns; whoever listens may still find that somebody was quicker, and can ask again.
func ChoosePort(dir, name string, preferred int) (int, error) {
	file := filepath.Join(dir, "ports", name)
	remembered, err := readPort(file)
	if err != nil {
		return 0, err
	}
	candidates := slices.DeleteFunc([]int{remembered, preferred}, func(port int) bool { return port == 0 })
	for range 100 {
		candidates = append(candidates, lowPort+rand.IntN(highPort-lowPort))
	}
	for _, port := range append(candidates, 0) { // 0: whatever the system gives
		got, err := probePort(port)
		if err != nil {
			continue
		}
		if got != remembered {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return 0, fmt.Errorf("remember port of %s: %w", name, err)
			}
			if err := writeFile(file, strconv.Itoa(got)+"\n", 0o644); err != nil {
				return 0, fmt.Errorf("remember port of %s: %w", name, err)
			}
		}
		return got, nil
	}
	return 0, fmt.Errorf("find a free port for %s: the machine has none left on 127.0.0.1", name)
}

// readPort returns 0 when nothing is remembered.
func readPort(file string) (int, error) {
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read remembered port: %w", err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(body)), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%s holds %q, want a port number: correct the file or remove it", file, strings.TrimSpace(string(body)))
	}
	return int(port), nil
}

// probePort tells whether a loopback port can be listened on, and which one it is when port is 0. No process is made meanwhile: it
// would hold the port, with all that is open here, until it becomes another program, and the port would be in use when we come to
// listen on it ourselves.
func probePort(port int) (int, error) {
	knowProcesses()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// knowProcesses has package os try, once, whether the system has handles of processes. It makes a process for that, without taking
// ForkLock, when the program starts or looks for its first one; that process must have come and gone before a port is tried.
var knowProcesses = sync.OnceFunc(func() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Release()
	}
})
