package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// offerFile names, in the data directory, the socket where a running laboratory
// gives backups.
const offerFile = "backups"

// lastWord ends a backup that comes through the socket.
type lastWord struct {
	Index Index  `json:"index"`
	Error string `json:"error,omitempty"`
}

// OfferBackups gives backups to commands of the same user until stop. The socket
// is in a folder that is closed to others: a backup holds all there is.
func OfferBackups(dir string, backup func(context.Context, io.Writer) (Index, error)) (stop func(), err error) {
	closed, err := os.MkdirTemp("", "athanor-") // short, for a name of a socket has 100 bytes
	if err != nil {
		return nil, fmt.Errorf("offer backups: %w", err)
	}
	path := filepath.Join(closed, "backups")
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, offerFile), []byte(path+"\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("offer backups: %w", err), os.RemoveAll(closed))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for { // one at a time
			c, err := l.Accept()
			if err != nil {
				return
			}
			give(ctx, c, backup)
		}
	}()
	return func() {
		cancel()
		_ = l.Close()
		<-ended
		_ = os.Remove(filepath.Join(dir, offerFile))
		_ = os.RemoveAll(closed)
	}, nil
}

// give writes a backup to a connection in pieces, each after its length, and
// after an empty one how it went.
func give(ctx context.Context, c net.Conn, backup func(context.Context, io.Writer) (Index, error)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.Close() //nolint:errcheck // the other end knows whether it has all
	go func() {     // who asked is gone, or we close
		_, _ = io.Copy(io.Discard, c)
		cancel()
	}()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	w := bufio.NewWriterSize(pieces{c}, 256<<10)
	x, err := backup(ctx, w)
	last := lastWord{Index: x}
	if err = errors.Join(err, w.Flush()); err != nil {
		last.Error = err.Error()
	}
	body, err := json.Marshal(last)
	if err != nil {
		return
	}
	_, _ = c.Write(append(make([]byte, 4), body...))
}

// pieces writes each piece after its length.
type pieces struct{ w io.Writer }

func (p pieces) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := binary.Write(p.w, binary.BigEndian, uint32(len(b))); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// BackupRunning has the laboratory that runs on dir back itself up to w. When it
// offers none, the error is inUse.
func BackupRunning(ctx context.Context, dir string, w io.Writer, inUse error) (x Index, err error) {
	path, err := os.ReadFile(filepath.Join(dir, offerFile))
	if err != nil {
		return x, inUse
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimSpace(string(path)))
	if err != nil {
		return x, errors.Join(inUse, err)
	}
	defer c.Close() //nolint:errcheck // it was only read
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	in := bufio.NewReaderSize(c, 256<<10)
	for {
		var n uint32
		if err := binary.Read(in, binary.BigEndian, &n); err != nil {
			return x, fmt.Errorf("the laboratory on %s broke off its backup: %w", dir, err)
		}
		if n == 0 {
			break
		}
		if _, err := io.CopyN(w, in, int64(n)); err != nil {
			return x, err
		}
	}
	var last lastWord
	if err := json.NewDecoder(io.LimitReader(in, maxIndex)).Decode(&last); err != nil {
		return x, fmt.Errorf("the laboratory on %s broke off its backup: %w", dir, err)
	}
	if last.Error != "" {
		return last.Index, errors.New(last.Error)
	}
	return last.Index, nil
}
