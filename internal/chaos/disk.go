package chaos

import (
	"os"
	"sync"

	"github.com/athanor-lab/athanor/devices/sdk"
)

// powered is a disk that loses power with its process: what was not synced is
// in memory only.
type powered struct {
	file *os.File
	mu   sync.Mutex
	kept []byte
}

func newPowered(f *os.File) sdk.Disk { return &powered{file: f} }

// Write implements io.Writer.
func (p *powered) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, b...)
	return len(b), nil
}

// Sync implements [sdk.Disk].
func (p *powered) Sync() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.file.Write(p.kept); err != nil {
		return err
	}
	p.kept = p.kept[:0]
	return p.file.Sync()
}
