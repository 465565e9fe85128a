package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// Mochi is the role of a child that is the embedded broker.
const Mochi = "broker"

// Broker is an MQTT broker in a process of its own: mosquitto where the machine
// has one, otherwise the embedded one. It keeps nothing over a restart.
type Broker struct {
	Name string // "mosquitto 2.0.11", or "mochi (embedded)"
	Addr string // host:port, the same over restarts

	program string // of mosquitto
	config  string
	spawn   Spawn
	log     io.Writer
	kill    func()
	pid     int
}

// mosquittos are where mosquitto may be besides the path.
var mosquittos = []string{"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"}

// Mosquitto returns where the machine's mosquitto is, or "".
func Mosquitto() string {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path
	}
	for _, path := range mosquittos {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// StartBroker runs a broker on a free port of this machine. which is
// "mosquitto", "mochi", or "" for the first that there is. dir holds its
// configuration.
func StartBroker(ctx context.Context, which, dir string, spawn Spawn, log io.Writer) (*Broker, error) {
	// It is not one that systems give to outgoing connections: it is free again when a broker was killed.
	port, err := embedded.ChoosePort(dir, "broker", 0)
	if err != nil {
		return nil, fmt.Errorf("start a broker: %w", err)
	}
	b := &Broker{Name: "mochi (embedded)", Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), spawn: spawn, log: log}
	switch which {
	case "", "mosquitto":
		b.program = Mosquitto()
	case "mochi":
	default:
		return nil, fmt.Errorf("start broker %q: it is mosquitto or mochi", which)
	}
	if which == "mosquitto" && b.program == "" {
		return nil, errors.New("start a broker: there is no mosquitto on this machine; install it, or take mochi")
	}
	if b.program != "" {
		b.Name = "mosquitto " + mosquittoVersion(ctx, b.program)
		b.config = filepath.Join(dir, "mosquitto.conf")
		text := "listener " + strconv.Itoa(port) + " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_dest none\n"
		if os.Geteuid() == 0 {
			text += "user root\n"
		}
		if err := os.WriteFile(b.config, []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("start a broker: %w", err)
		}
	}
	return b, b.Start(ctx)
}

func mosquittoVersion(ctx context.Context, program string) string {
	out, _ := exec.CommandContext(ctx, program, "-h").Output() // it exits with 3 for the help
	fields := strings.Fields(string(out))
	if len(fields) > 2 {
		return fields[2]
	}
	return "of unknown version"
}

// Start brings a broker that was killed back on its port, and returns when it
// takes connections.
func (b *Broker) Start(ctx context.Context) error {
	if b.program == "" {
		c, err := Start(b.spawn, Mochi, b.Addr, b.log)
		if err != nil {
			return err
		}
		b.kill, b.pid = c.Kill, c.PID()
	} else if err := b.startMosquitto(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", b.Addr)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			b.Kill()
			return fmt.Errorf("the broker does not answer at %s: %w", b.Addr, err)
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // nobody tells when it listens
	}
}

func (b *Broker) startMosquitto() error {
	cmd := exec.Command(b.program, "-c", b.config)
	said, err := os.OpenFile(b.config+".log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start mosquitto: %w", err)
	}
	defer func() { _ = said.Close() }()
	cmd.Stdout, cmd.Stderr = said, said
	ownForeign(cmd)
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel signals the child when the thread that made it ends, so
		// that thread stays for as long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start mosquitto: %w", err)
	}
	b.pid = cmd.Process.Pid
	b.kill = func() {
		_ = cmd.Process.Kill() // gone already
		<-ended
	}
	return nil
}

// URL is how clients write the address.
func (b *Broker) URL() string { return "mqtt://" + b.Addr }

// PID returns the id of the broker's process.
func (b *Broker) PID() int { return b.pid }

// Kill ends the broker by SIGKILL and returns when it is gone.
func (b *Broker) Kill() { b.kill() }

// RunMochi is the role [Mochi]: the embedded broker at the address that config
// is.
func RunMochi(ctx context.Context, config []byte) error {
	var addr string
	if err := json.Unmarshal(config, &addr); err != nil {
		return fmt.Errorf("run the broker: %w", err)
	}
	b, err := embedded.StartBroker(embedded.BrokerOptions{Addr: addr, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return b.Stop()
}
