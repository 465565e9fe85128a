package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// TestRolesOnExistingServices runs the roles as docker-compose.yml does, as
// separate processes with two workers and two gateways, against a mosquitto, a
// PostgreSQL and a Temporal server that the test starts itself. In the middle
// one worker and one gateway are killed.
func TestRolesOnExistingServices(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	pg, err := embedded.StartPostgres(t.Context(), embedded.PostgresOptions{Dir: filepath.Join(dir, "postgres"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(t.Context()) })
	env := []string{
		"ATHANOR_POSTGRES_URL=" + pg.URL(),
		"ATHANOR_TEMPORAL_ADDRESS=" + startTemporal(t, dir),
		"ATHANOR_TEMPORAL_NAMESPACE=athanor",
		"ATHANOR_MQTT_URL=tcp://" + startMosquitto(t, dir),
	}
	address := "127.0.0.1:" + unusedPort(t)
	run(t, env, "serve", "--http", address)
	workers := []*program{run(t, env, "worker"), run(t, env, "worker")}
	gateways := []*program{run(t, env, "gateway"), run(t, env, "gateway")}
	run(t, env, "sim", "--data", filepath.Join(dir, "sim"))

	url := "http://" + address
	var id string
	eventually(t, time.Minute, "the roles to find each other", func() bool {
		out, _, status := command(t, url, "campaign", "submit", "../../examples/campaigns/01-reaction-yield.yaml", "--key", "roles")
		id = strings.TrimSpace(out)
		return status == 0
	})
	eventually(t, time.Minute, "the first results", func() bool {
		p, ok := progress(t, url, id)
		return ok && p.Done >= 4
	})
	for _, p := range []*program{workers[0], gateways[0]} {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if out, errs, status := command(t, url, "campaign", "watch", id); status != 0 {
		t.Fatalf("the campaign ended with status %d:\n%s%s", status, out, errs)
	}
	wantWorldInOrder(t, dir, []byte(mustCommand(t, url, "campaign", "export", id)+"\n"))
}

// startMosquitto runs Debian's broker as the compose file configures it.
func startMosquitto(t *testing.T, dir string) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path = "/usr/sbin/mosquitto"; !exists(path) {
			t.Fatal("mosquitto is not on this machine: run scripts/setup test")
		}
	}
	port := unusedPort(t)
	conf := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 100000\nmessage_size_limit 1048576\n", port)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", conf)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address := "127.0.0.1:" + port
	eventually(t, 20*time.Second, "mosquitto", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return address
}

// startTemporal runs the server by itself and returns its address.
func startTemporal(t *testing.T, dir string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/athanor-temporal")
	if err != nil || !exists(path) {
		t.Fatalf("%s is not there (%v): build it with make build", path, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "temporal"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--db", filepath.Join(dir, "temporal", "temporal.db"), "--ui-port", "-1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("athanor-temporal said nothing: %v", err)
	}
	var ready struct{ Address string }
	if err := json.Unmarshal(line, &ready); err != nil || ready.Address == "" {
		t.Fatalf("athanor-temporal said %q: %v", line, err)
	}
	return ready.Address
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestComposeFile reads docker-compose.yml as Compose does and wants every role
// in it, on loopback only.
func TestComposeFile(t *testing.T) {
	t.Parallel()
	o, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithProfiles([]string{"sim"}), cli.WithName("athanor"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"serve", "worker", "gateway", "sim", "postgres", "mosquitto", "temporal"} {
		s, err := project.GetService(name)
		if err != nil {
			t.Errorf("the file has no service %s: %v", name, err)
			continue
		}
		if s.NetworkMode != "host" || len(s.Ports) > 0 {
			t.Errorf("service %s is on network %q with ports %v, want the host's and none", name, s.NetworkMode, s.Ports)
		}
	}
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "0.0.0.0") {
		t.Error("the file opens something to other machines")
	}
}
