package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
)

// envPrefix starts the names of the environment variables: -db is ATHANOR_TEMPORAL_DB, -ui-port is ATHANOR_TEMPORAL_UI_PORT.
const envPrefix = "ATHANOR_TEMPORAL_"

// DefaultShards suits one machine: enough for a few hundred experiments a second, cheap when idle.
const DefaultShards = 4

// Options is the whole configuration.
type Options struct {
	DB          string // SQLite file; made when absent
	PostgresURL string // instead of DB

	IP        string // to listen on
	Port      int    // of the gRPC frontend; 0 = any free one
	UIPort    int    // of the web page; 0 = any free one, -1 = no page
	Namespace string
	Retention time.Duration // how long closed workflows can be looked up

	// Shards is the number of history shards, which is fixed for ever by the first start. 0 = what the store has, DefaultShards for a new one.
	Shards int

	LogLevel       slog.Level
	StopOnStdinEOF bool
	Version        bool
}

// ParseOptions reads args, and for each flag that is absent its environment variable. Usage is printed to out.
func ParseOptions(args []string, lookupEnv func(string) (string, bool), out io.Writer) (Options, error) {
	o := Options{LogLevel: slog.LevelWarn}
	fs := flag.NewFlagSet("athanor-temporal", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&o.DB, "db", "", "SQLite `file` that holds all workflows; made when absent")
	fs.StringVar(&o.PostgresURL, "postgres-url", "", "PostgreSQL `URL` to use instead of a file; its path names the database, \"temporal\" when it has none; better given as environment variable, which ps does not show")
	fs.StringVar(&o.IP, "ip", "127.0.0.1", "`address` to listen on; only loopback is allowed, since nobody is asked who they are")
	fs.IntVar(&o.Port, "port", 0, "`port` for Temporal clients; 0 takes a free one")
	fs.IntVar(&o.UIPort, "ui-port", 0, "`port` of the web page; 0 takes a free one, -1 has no page")
	fs.StringVar(&o.Namespace, "namespace", "athanor", "Temporal namespace, made when absent")
	fs.DurationVar(&o.Retention, "retention", 7*24*time.Hour, "how long closed workflows can be looked up")
	fs.IntVar(&o.Shards, "shards", 0, fmt.Sprintf("history shards; fixed by the first start (default %d)", DefaultShards))
	fs.TextVar(&o.LogLevel, "log-level", slog.LevelWarn, "least `level` that is logged: DEBUG, INFO, WARN or ERROR")
	fs.BoolVar(&o.StopOnStdinEOF, "stop-on-stdin-eof", false, "end when standard input ends")
	fs.BoolVar(&o.Version, "version", false, "print the version of the Temporal server inside and exit")
	if err := fs.Parse(args); err != nil {
		return Options{}, err
	}
	if fs.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q: everything is a flag, see -help", fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := lookupEnv(name); ok && v != "" && !given[f.Name] {
			if err := fs.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s=%q: %w", name, v, err))
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		return Options{}, err
	}
	if o.Version {
		return o, nil
	}
	return o, o.validate()
}

// validate tells everything that is wrong at once.
func (o Options) validate() error {
	var errs []error
	if (o.DB == "") == (o.PostgresURL == "") {
		errs = append(errs, errors.New("give one store: -db FILE or -postgres-url URL"))
	}
	if ip := net.ParseIP(o.IP); ip == nil || !ip.IsLoopback() {
		errs = append(errs, fmt.Errorf("-ip is %q, want a loopback address such as 127.0.0.1: this server asks nobody who they are", o.IP))
	}
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("-port is %d, want 0 to 65535", o.Port))
	}
	if o.UIPort < -1 || o.UIPort > 65535 {
		errs = append(errs, fmt.Errorf("-ui-port is %d, want -1 to 65535", o.UIPort))
	}
	if o.Port > 0 && o.Port == o.UIPort {
		errs = append(errs, fmt.Errorf("-port and -ui-port are both %d, want two ports", o.Port))
	}
	if o.Namespace == "" {
		errs = append(errs, errors.New("-namespace is empty"))
	}
	if o.Retention < time.Hour {
		errs = append(errs, fmt.Errorf("-retention is %s, want 1h or more", o.Retention))
	}
	if o.Shards < 0 || o.Shards > 16384 {
		errs = append(errs, fmt.Errorf("-shards is %d, want 1 to 16384", o.Shards))
	}
	return errors.Join(errs...)
}
