package embedded_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// fleet is a folder with two devices, a gateway, a viewer and a safety panel.
type fleet struct {
	t    *testing.T
	dir  string
	of   map[string]embedded.Credentials
	urls map[string]string // by how a client shows who it is
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: filepath.Join(t.TempDir(), "fleet"), of: map[string]embedded.Credentials{}}
	for _, a := range []embedded.Account{
		{Name: "heater", Role: embedded.DeviceRole},
		{Name: "robot", Role: embedded.DeviceRole},
		{Name: "gate", Role: embedded.GatewayRole},
		{Name: "eye", Role: embedded.ViewerRole},
		{Name: "panel", Role: embedded.SafetyRole},
	} {
		a.Lab = "lab"
		c, err := embedded.AddAccount(f.dir, a, []string{"broker.example"}, false)
		if err != nil {
			t.Fatal(err)
		}
		f.of[a.Name] = c
	}
	return f
}

// brokers runs a test on mosquitto and on our own broker, with clients that show a password and with clients that show a certificate.
func brokers(t *testing.T, test func(t *testing.T, f *fleet, how string)) {
	for name, start := range map[string]func(*fleet){"Mosquitto": (*fleet).mosquitto, "Embedded": (*fleet).embedded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			start(f)
			for _, how := range []string{"password", "certificate"} {
				t.Run(how, func(t *testing.T) {
					f := *f
					f.t = t
					test(t, &f, how)
				})
			}
		})
	}
}

func (f *fleet) embedded() {
	accounts, err := embedded.OpenAccounts(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	serve, err := embedded.ServerTLS(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	b := startBroker(f.t, embedded.BrokerOptions{MaxMessageBytes: 100_000, Secure: &embedded.SecureListener{Addr: "127.0.0.1:0", TLS: serve, Auth: accounts}})
	f.urls = map[string]string{"password": b.SecureURL(), "certificate": b.SecureURL()}
}

func (f *fleet) mosquitto() {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		f.t.Fatalf("mosquitto is needed for this test: %v", err)
	}
	path := filepath.Join(f.dir, "mosquitto.conf")
	conf, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.urls = map[string]string{}
	for port, how := range map[string]string{"8883": "certificate", "8884": "password"} {
		free, err := embedded.ChoosePort(f.t.TempDir(), how, 0)
		if err != nil {
			f.t.Fatal(err)
		}
		f.urls[how] = fmt.Sprint("mqtts://127.0.0.1:", free)
		conf = bytes.Replace(conf, []byte("listener "+port), fmt.Appendf(nil, "listener %d 127.0.0.1", free), 1)
	}
	conf = bytes.Replace(conf, fmt.Appendf(nil, "message_size_limit %d", embedded.DefaultMaxMessageBytes), []byte("message_size_limit 100000"), 1)
	if os.Geteuid() == 0 {
		conf = append(conf, "user root\n"...)
	}
	if err := os.WriteFile(path, conf, 0o600); err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", path)
	cmd.Stdout, cmd.Stderr = f.t.Output(), f.t.Output()
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	within(f.t, patience, "mosquitto listens", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.urls["password"], "mqtts://"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (f *fleet) options(name, how string) *mqtt.ClientOptions {
	f.t.Helper()
	c := f.of[name]
	cert, key := "", ""
	o := mqtt.NewClientOptions().AddBroker(f.urls[how]).SetClientID("lab." + name).SetAutoReconnect(false).SetConnectTimeout(patience)
	if how == "certificate" {
		cert, key = c.Cert, c.Key
	} else {
		o.SetUsername(name).SetPassword(c.Password)
	}
	config, err := embedded.ClientTLS(c.CA, cert, key)
	if err != nil {
		f.t.Fatal(err)
	}
	return o.SetTLSConfig(config)
}

func (f *fleet) connect(name, how string) mqtt.Client {
	f.t.Helper()
	c := mqtt.NewClient(f.options(name, how))
	done(f.t, "connect "+name, c.Connect())
	f.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// say publishes at QoS 0, for which no broker ends the connection.
func say(c mqtt.Client, topic, text string) { c.Publish(topic, 0, false, text).WaitTimeout(patience) }

// TestDeviceSpeaksForItselfOnly wants a device heard on its own topics and on no other, and to hear what it is told and nothing that
// others are told.
func TestDeviceSpeaksForItselfOnly(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, f *fleet, how string) {
		gate := f.connect("gate", how)
		heard := make(chan mqtt.Message, 100)
		for _, leaf := range []string{"ev", "conn", "state"} {
			done(t, "subscribe", gate.Subscribe("ldp/1/lab/+/"+leaf, 1, func(_ mqtt.Client, m mqtt.Message) { heard <- m }))
		}
		shared := subscribe(t, gate, "$share/orc/ldp/1/lab/+/alarm/#")
		heater, robot := f.connect("heater", how), f.connect("robot", how)
		commands := subscribe(t, heater, "ldp/1/lab/heater/cmd")

		say(robot, "ldp/1/lab/heater/ev", "I am the heater")
		say(robot, "ldp/1/lab/heater/conn", "the heater is gone")
		say(robot, "ldp/1/lab/heater/cmd", "heat")
		say(robot, "ldp/1/lab/_lab/stop", "")
		say(robot, "ldp/1/other/robot/ev", "elsewhere")
		say(robot, "ldp/1/lab/robot/ev", "I am the robot")
		if m := receive(t, heard); string(m.Payload()) != "I am the robot" || m.Topic() != "ldp/1/lab/robot/ev" {
			t.Errorf("the laboratory hears %q on %s; want the robot on its own topic", m.Payload(), m.Topic())
		}
		say(robot, "ldp/1/lab/robot/alarm/x", "hot")
		if m := receive(t, shared); string(m.Payload()) != "hot" {
			t.Errorf("a shared subscription brings %q", m.Payload())
		}

		// Raw data under its own name only, as long as a chunk may be.
		raw := subscribe(t, gate, "ldp/1/lab/+/blob/+")
		chunk := strings.Repeat("x", 64<<10)
		say(robot, "ldp/1/lab/heater/blob/ab", "of the heater")
		done(t, "publish a chunk", robot.Publish("ldp/1/lab/robot/blob/cd", 1, false, chunk))
		if m := receive(t, raw); m.Topic() != "ldp/1/lab/robot/blob/cd" || string(m.Payload()) != chunk {
			t.Errorf("the laboratory hears %d bytes on %s; want the robot's chunk on its own topic", len(m.Payload()), m.Topic())
		}

		// What the robot subscribes to besides its own brings it nothing.
		own := make(chan mqtt.Message, 100)
		for _, filter := range []string{"#", "ldp/1/lab/heater/cmd", "ldp/1/lab/+/cmd", "ldp/1/lab/robot/cmd"} {
			token := robot.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { own <- m })
			if !token.WaitTimeout(patience) {
				t.Fatal("no answer to a subscription")
			}
		}
		say(gate, "ldp/1/lab/heater/cmd", "for the heater")
		say(gate, "ldp/1/lab/robot/cmd", "for the robot")
		if m := receive(t, commands); string(m.Payload()) != "for the heater" {
			t.Errorf("the heater hears %q", m.Payload())
		}
		if m := receive(t, own); string(m.Payload()) != "for the robot" {
			t.Errorf("the robot hears %q on %s; want only what is for it", m.Payload(), m.Topic())
		}
	})
}

// TestViewerAndPanel wants a viewer to hear all and say nothing, and a safety panel to stop the laboratory and nothing else.
func TestViewerAndPanel(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, f *fleet, how string) {
		gate, eye, panel := f.connect("gate", how), f.connect("eye", how), f.connect("panel", how)
		seen := subscribe(t, eye, "ldp/1/lab/#")
		for _, c := range []mqtt.Client{eye, panel} {
			say(c, "ldp/1/lab/heater/cmd", "heat")
			say(c, "ldp/1/lab/heater/ctl", "lease")
			say(c, "ldp/1/lab/heater/ev", "done")
		}
		say(eye, "ldp/1/lab/_lab/stop", "by the viewer")
		say(panel, "ldp/1/lab/_lab/stop", "by the panel")
		say(gate, "ldp/1/lab/heater/cmd", "by the gateway")
		got := map[string]bool{string(receive(t, seen).Payload()): true, string(receive(t, seen).Payload()): true}
		if !got["by the panel"] || !got["by the gateway"] {
			t.Errorf("the viewer sees %v; want the panel's stop and the gateway's command", got)
		}
	})
}

// TestStrangersStayOut wants nobody in without an account, with another's, with a false certificate or without TLS.
func TestStrangersStayOut(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, f *fleet, how string) {
		stranger := newFleet(t) // another authority
		refused := func(what string, o *mqtt.ClientOptions) {
			t.Helper()
			c := mqtt.NewClient(o.SetConnectTimeout(5 * time.Second))
			token := c.Connect()
			if token.WaitTimeout(patience) && token.Error() == nil {
				// A TLS 1.3 server can refuse a certificate after the client thinks that it is in.
				if sub := c.Subscribe("ldp/1/lab/heater/cmd", 1, nil); sub.WaitTimeout(patience) && sub.Error() == nil {
					t.Errorf("%s is let in", what)
				}
			}
			c.Disconnect(0)
		}
		if how == "password" {
			refused("a wrong password", f.options("heater", how).SetPassword("x"))
			refused("no password", f.options("heater", how).SetPassword(""))
			refused("nobody", f.options("heater", how).SetUsername("").SetPassword(""))
			refused("an unknown account", f.options("heater", how).SetUsername("nobody"))
			refused("another's password", f.options("heater", how).SetUsername("robot"))
		} else {
			other, err := embedded.ClientTLS(f.of["heater"].CA, stranger.of["heater"].Cert, stranger.of["heater"].Key)
			if err != nil {
				t.Fatal(err)
			}
			refused("a certificate of another fleet", f.options("heater", how).SetTLSConfig(other))
			none, err := embedded.ClientTLS(f.of["heater"].CA, "", "")
			if err != nil {
				t.Fatal(err)
			}
			refused("no certificate", f.options("heater", how).SetTLSConfig(none))
		}
		trusting, err := embedded.ClientTLS(stranger.of["heater"].CA, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&tls.Dialer{Config: trusting}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.urls[how], "mqtts://")); err == nil {
			t.Error("the broker passes for one of another fleet")
		}
		plain, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", strings.TrimPrefix(f.urls[how], "mqtts://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = plain.Close() }()
		_, _ = plain.Write([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil"))
		_ = plain.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 4)
		if n, _ := plain.Read(b); n == 4 && b[0] == 0x20 && b[3] == 0 {
			t.Error("a client without TLS is let in")
		}
	})
}

// TestWillsAndSizes wants a last will on another's topic unheard, a client id of another's refused or of no use, and a message that is
// too large to end its sender's connection or to go nowhere.
func TestWillsAndSizes(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, f *fleet, how string) {
		seen := subscribe(t, f.connect("eye", how), "ldp/1/lab/#")
		heater := f.connect("heater", how)
		false1 := mqtt.NewClient(f.options("robot", how).SetClientID("lab.robot").SetWill("ldp/1/lab/heater/conn", "lost", 1, true))
		if token := false1.Connect(); token.WaitTimeout(patience) && token.Error() == nil {
			cut(false1)
		}
		thief := mqtt.NewClient(f.options("robot", how).SetClientID("lab.heater"))
		thief.Connect().WaitTimeout(patience)
		say(heater, "ldp/1/lab/heater/ev", "still here")
		if m := receive(t, seen); string(m.Payload()) != "still here" {
			t.Errorf("heard %q on %s; want the heater, still here", m.Payload(), m.Topic())
		}
		thief.Disconnect(0)
		robot := f.connect("robot", how)
		robot.Publish("ldp/1/lab/robot/ev", 0, false, bytes.Repeat([]byte("x"), 100_001)).WaitTimeout(patience)
		say(heater, "ldp/1/lab/heater/ev", "next")
		if m := receive(t, seen); string(m.Payload()) != "next" {
			t.Errorf("heard %d bytes on %s; want what came after the oversized message", len(m.Payload()), m.Topic())
		}
	})
}

// cut ends a client's connection without a word, so that its last will is published.
func cut(c mqtt.Client) {
	c.Publish("ldp/1/lab/robot/ev", 0, false, bytes.Repeat([]byte("x"), 200_000)) // beyond the limit: the broker ends it
	c.Disconnect(0)
}

// TestAccountsComeAndGo adds, renews and removes accounts beside a running broker, and reads what mosquitto's own tool wrote.
func TestAccountsComeAndGo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	if _, err := embedded.AddAccount(f.dir, embedded.Account{Name: "heater", Lab: "lab", Role: embedded.DeviceRole}, nil, false); err == nil || !strings.Contains(err.Error(), "--renew") {
		t.Errorf("adding twice = %v; want a word of --renew", err)
	}
	for _, bad := range []embedded.Account{
		{Name: "a b", Lab: "lab", Role: embedded.DeviceRole}, {Name: "x", Lab: "+", Role: embedded.DeviceRole}, {Name: "x", Lab: "lab", Role: "king"}, {Name: "../x", Lab: "lab", Role: embedded.DeviceRole},
	} {
		if _, err := embedded.AddAccount(f.dir, bad, nil, false); err == nil {
			t.Errorf("account %+v is added", bad)
		}
	}
	accounts, err := embedded.OpenAccounts(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	heater := embedded.BrokerClient{Username: "heater"}
	old := f.of["heater"].Password
	if !accounts.Connect(heater, []byte(old)) || accounts.Connect(heater, []byte(old+"x")) || accounts.Connect(embedded.BrokerClient{}, nil) {
		t.Error("the password is not what decides")
	}
	renewed, err := embedded.AddAccount(f.dir, embedded.Account{Name: "heater", Lab: "lab", Role: embedded.DeviceRole}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	within(t, patience, "the new password is known", func() bool { return accounts.Connect(heater, []byte(renewed.Password)) })
	if accounts.Connect(heater, []byte(old)) {
		t.Error("the old password is still good")
	}
	if err := embedded.RemoveAccount(f.dir, "robot"); err != nil {
		t.Fatal(err)
	}
	robot := embedded.BrokerClient{Certificate: "robot"}
	within(t, patience, "the robot is gone", func() bool { return !accounts.Subscribe(robot, "ldp/1/lab/robot/cmd") })
	if accounts.Publish(robot, "ldp/1/lab/robot/ev") || accounts.Connect(robot, nil) {
		t.Error("a removed account is not out")
	}
	if err := embedded.RemoveAccount(f.dir, "robot"); err == nil {
		t.Error("removing twice is no error")
	}
	if _, err := os.Stat(filepath.Join(f.dir, "keys", "robot.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key of a removed account: %v; want it gone", err)
	}
	if tool, err := exec.LookPath("mosquitto_passwd"); err == nil {
		if out, err := exec.Command(tool, "-b", filepath.Join(f.dir, embedded.PasswordsFile), "eye", "by mosquitto's own tool").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if a, err := embedded.OpenAccounts(f.dir); err != nil || !a.Connect(embedded.BrokerClient{Username: "eye"}, []byte("by mosquitto's own tool")) {
			t.Errorf("what mosquitto_passwd wrote is not understood: %v", err)
		}
	}
	for name, mode := range map[string]os.FileMode{"ca.key": 0o600, "server.key": 0o600, "keys/heater.key": 0o600} {
		if info, err := os.Stat(filepath.Join(f.dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}
}

// TestRevokedCertificateIsOutAtOnce removes an account whose client is connected by
// its certificate, and wants the connection to end and the certificate to be of no
// use, to an account of the same name that is added later either.
func TestRevokedCertificateIsOutAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.embedded()
	old := f.of["robot"]
	pair, err := tls.LoadX509KeyPair(old.Cert, old.Key) // it was copied to the robot
	if err != nil {
		t.Fatal(err)
	}
	trust, err := embedded.ClientTLS(old.CA, "", "")
	if err != nil {
		t.Fatal(err)
	}
	trust.Certificates = []tls.Certificate{pair}
	lost := make(chan error, 1)
	dial := func() error {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(f.urls["certificate"]).SetClientID("robot").SetTLSConfig(trust).SetAutoReconnect(false).
			SetConnectTimeout(patience).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
		token := c.Connect()
		token.WaitTimeout(patience)
		if token.Error() == nil {
			t.Cleanup(func() { c.Disconnect(0) })
		}
		return token.Error()
	}
	if err := dial(); err != nil {
		t.Fatal(err)
	}
	if err := embedded.RemoveAccount(f.dir, "robot"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	select {
	case <-lost:
		t.Logf("out after %s", time.Since(began).Round(time.Millisecond))
	case <-time.After(patience):
		t.Fatal("a removed account's client is still connected")
	}
	if err := dial(); err == nil {
		t.Error("a removed account connects")
	}
	fresh, err := embedded.AddAccount(f.dir, embedded.Account{Name: "robot", Lab: "lab", Role: embedded.DeviceRole}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	f.of["robot"] = fresh
	within(t, patience, "the new account is known", func() bool {
		a, err := embedded.OpenAccounts(f.dir)
		return err == nil && a.Connect(embedded.BrokerClient{Username: "robot"}, []byte(fresh.Password))
	})
	time.Sleep(1100 * time.Millisecond) // the broker looks once a second
	if err := dial(); err == nil {
		t.Error("the old certificate is good for the new account of the same name")
	}
	if pair, err = tls.LoadX509KeyPair(fresh.Cert, fresh.Key); err != nil {
		t.Fatal(err)
	}
	trust.Certificates = []tls.Certificate{pair}
	if err := dial(); err != nil {
		t.Errorf("the new certificate is refused: %v", err)
	}
	if err := os.Rename(filepath.Join(f.dir, "ca.key"), filepath.Join(t.TempDir(), "ca.key")); err != nil {
		t.Fatal(err)
	}
	if err := embedded.RemoveAccount(f.dir, "robot"); err == nil || !strings.Contains(err.Error(), "ca.key") {
		t.Errorf("removing without the authority's key = %v; want a word of ca.key", err)
	}
	if a, err := embedded.OpenAccounts(f.dir); err != nil || a.Connect(embedded.BrokerClient{Certificate: "robot"}, nil) {
		t.Errorf("without the authority's key the account is still there (%v)", err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, embedded.RevokedFile), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.OpenAccounts(f.dir); err == nil {
		t.Error("a revocation list that is none is taken")
	}
}

// FuzzAccounts reads files that anybody may have written.
func FuzzAccounts(f *testing.F) {
	f.Add("a:$7$101$AAAA$AAAA\n", "user a\ntopic read ldp/1/lab/#\n", "ldp/1/lab/x/cmd")
	f.Add("# none\n", "topic x\n", "#")
	f.Fuzz(func(t *testing.T, passwords, rules, filter string) {
		dir := t.TempDir()
		for name, text := range map[string]string{embedded.PasswordsFile: passwords, embedded.RulesFile: rules} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a, err := embedded.OpenAccounts(dir)
		if err != nil {
			return
		}
		if a.Subscribe(embedded.BrokerClient{Username: "nobody has this name"}, filter) && !strings.Contains(rules, "nobody has this name") {
			t.Errorf("a client without rules may subscribe to %q", filter)
		}
	})
}
