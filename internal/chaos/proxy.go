package chaos

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands between a process and the broker. It cuts and holds links, and
// repeats and reorders the messages that pass.
type proxy struct {
	listener net.Listener
	to       string
	rate     float64 // of packets that are repeated, and of those that are late

	mu    sync.Mutex
	rand  *rand.Rand
	conns map[net.Conn]bool
	open  chan struct{} // closed while links are not held

	repeated, late atomic.Int64
}

func newProxy(to string, rate float64, r *rand.Rand) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	p := &proxy{listener: l, to: to, rate: rate, rand: r, conns: map[net.Conn]bool{}, open: make(chan struct{})}
	close(p.open)
	go p.serve()
	return p, nil
}

func (p *proxy) url() string { return "mqtt://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		broker, err := net.DialTimeout("tcp", p.to, 2*time.Second)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[broker] = true, true
		p.mu.Unlock()
		go p.pass(client, broker)
		go p.pass(broker, client)
	}
}

// pass carries packets from one end to the other until either is gone.
func (p *proxy) pass(from, to net.Conn) {
	defer func() {
		p.mu.Lock()
		delete(p.conns, from)
		delete(p.conns, to)
		p.mu.Unlock()
		_ = from.Close()
		_ = to.Close()
	}()
	in := bufio.NewReader(from)
	var held []byte // a message that is let past by the next
	for {
		packet, err := readPacket(in)
		if err != nil {
			return
		}
		p.wait()
		again, later := p.draw(packet)
		out := packet
		switch {
		case held != nil:
			out, held = slices.Concat(packet, held), nil
		case later:
			held = packet
			continue
		case again:
			out = slices.Concat(packet, packet)
		}
		if _, err := to.Write(out); err != nil {
			return
		}
	}
}

// draw decides what becomes of a packet. Only messages, type 3, are touched.
func (p *proxy) draw(packet []byte) (again, later bool) {
	const publish = 3
	if packet[0]>>4 != publish {
		return false, false
	}
	p.mu.Lock()
	u := p.rand.Float64()
	p.mu.Unlock()
	switch {
	case u < p.rate:
		p.repeated.Add(1)
		return true, false
	case u < 2*p.rate:
		p.late.Add(1)
		return false, true
	}
	return false, false
}

// wait returns when links are not held.
func (p *proxy) wait() {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	<-open
}

// cut ends every link at once.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // what is on its way is lost
		}
		_ = c.Close()
	}
}

// hold lets nothing through for a time: the links stay, half-open.
func (p *proxy) hold(ctx context.Context, d time.Duration) {
	p.mu.Lock()
	select {
	case <-p.open:
	default: // held already
		p.mu.Unlock()
		return
	}
	open := make(chan struct{})
	p.open = open
	p.mu.Unlock()
	pause(ctx, d)
	close(open)
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cut()
}

// packetMax is the longest packet that MQTT can say, in bytes after its length.
const packetMax = 256<<20 - 1

// readPacket returns an MQTT control packet, whole: a byte of type and flags,
// the length of the rest in one to four bytes of seven bits, and the rest (MQTT
// 3.1.1, section 2.2).
func readPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	packet, length := []byte{head}, 0
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		packet = append(packet, b)
		if length |= int(b&0x7f) << shift; b < 0x80 {
			break
		}
		if shift == 21 {
			return nil, fmt.Errorf("read an MQTT packet: its length has more than four bytes, at most %d is allowed", packetMax)
		}
	}
	n := len(packet)
	packet = append(packet, make([]byte, length)...)
	_, err = io.ReadFull(r, packet[n:])
	return packet, err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
