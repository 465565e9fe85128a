package embedded

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

// TestChosenPortIsFreeWhileProcessesStart chooses ports while other processes are made,
// as a laboratory does that starts its servers side by side, and listens on them at once.
func TestChosenPortIsFreeWhileProcessesStart(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	var makers sync.WaitGroup
	for range 4 {
		makers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command("true").Run()
				}
			}
		})
	}
	dir, taken := t.TempDir(), 0
	for range 400 {
		port, err := ChoosePort(dir, "broker", 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			taken++
			continue
		}
		l.Close()
	}
	close(done)
	makers.Wait()
	if taken > 0 {
		t.Errorf("%d of 400 ports were in use the moment they had been chosen", taken)
	}
}

// TestChosenPortIsFreeInANewProcess is the same for a program that has not made a process yet, which package os begins by making one
// of its own: a sixth of such programs found their port in use.
func TestChosenPortIsFreeInANewProcess(t *testing.T) {
	t.Parallel()
	const inChild = "ATHANOR_TEST_TRIES_PORTS"
	if os.Getenv(inChild) != "" {
		made := make(chan error)
		go func() { made <- exec.Command("true").Run() }()
		for {
			select {
			case err := <-made:
				if err != nil {
					t.Fatal(err)
				}
				return
			default:
			}
			port, err := probePort(lowPort + rand.IntN(highPort-lowPort))
			if err != nil {
				continue // another program has it
			}
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
	}
	for range 60 {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), inChild+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
	}
}
