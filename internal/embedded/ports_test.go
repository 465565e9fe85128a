package embedded

import (
	"net"
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
