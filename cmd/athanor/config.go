package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// services says where the services are that the roles work with. Each flag has
// an environment variable, which docker-compose.yml sets.
type services struct {
	PostgresURL string `name:"postgres" env:"ATHANOR_POSTGRES_URL" placeholder:"URL" help:"PostgreSQL, as postgres://user:password@host/database."`
	Temporal    string `name:"temporal" env:"ATHANOR_TEMPORAL_ADDRESS" placeholder:"HOST:PORT" help:"Temporal's front end."`
	Namespace   string `name:"namespace" env:"ATHANOR_TEMPORAL_NAMESPACE" default:"athanor" help:"Temporal's namespace."`
	MQTT        string `name:"mqtt" env:"ATHANOR_MQTT_URL" placeholder:"URL" help:"MQTT broker, as tcp://host:1883."`
	Models      string `name:"models" env:"ATHANOR_MODELS" default:"${default_data}/models" help:"Folder of the models that athanor model registers."`
	Lab         string `name:"lab" env:"ATHANOR_LAB" default:"lab" help:"The laboratory's name in MQTT topics."`
	brokerAccount
	Blobs   string `name:"blobs" env:"ATHANOR_BLOBS" placeholder:"DIR" help:"Where raw data of devices is kept; the gateways and the API share it. Without it none is taken."`
	Uploads string `name:"uploads" env:"ATHANOR_UPLOADS_URL" placeholder:"URL" help:"The API as devices reach it, as http://host:8080, for them to send raw data to. Without it, and where devices do not reach it, raw data comes over the broker."`
	planning
	keeping
	Snapshots string `name:"snapshots" env:"ATHANOR_SNAPSHOTS" default:"${default_data}/snapshots" help:"Where snapshots are kept: a directory that workers and servers share."`
	Inbox     string `name:"inbox" env:"ATHANOR_INBOX" default:"${default_data}/inbox" help:"Folder on the server whose files the page offers to import."`
}

// check reports all that is missing at once; the bus every role needs.
func (s services) check(postgres, temporal bool) error {
	var missing []string
	for _, x := range []struct {
		wanted           bool
		value, flag, env string
	}{
		{postgres, s.PostgresURL, "--postgres", "ATHANOR_POSTGRES_URL"},
		{temporal, s.Temporal, "--temporal", "ATHANOR_TEMPORAL_ADDRESS"},
		{true, s.MQTT, "--mqtt", "ATHANOR_MQTT_URL"},
	} {
		if x.wanted && x.value == "" {
			missing = append(missing, x.flag+" (or "+x.env+")")
		}
	}
	if len(missing) > 0 {
		return lab.Errorf(lab.Invalid, "this role needs services that exist; say where with %s, or run everything on this machine with athanor up", strings.Join(missing, ", "))
	}
	return nil
}

// defaultData is where `athanor up` keeps a laboratory unless told otherwise:
// in the user's data directory, never in a checkout.
func defaultData(getenv func(string) string) string {
	if dir := getenv("ATHANOR_HOME"); dir != "" {
		return dir
	}
	if dir := getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "athanor")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "athanor")
	}
	return filepath.Join(home, ".local", "share", "athanor")
}
