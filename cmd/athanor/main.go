// Command athanor is the laboratory: all of it on one machine (up), each of its
// roles beside services that exist (serve, worker, gateway, sim), and the
// scientist's way in from a terminal.
//
// It is the composition root: the only place that knows more than one room of
// the house, and the only one that reads the environment and exits.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/athanor-lab/athanor/lab"
)

// version is set when the binary is built.
var version = "dev"

// Exit statuses that programs may rely on.
const (
	exitFailed      = 1 // something went wrong; the message says what
	exitUsage       = 2 // the command line itself is wrong
	exitInvalid     = 3 // a document or a request that can never succeed as it is
	exitUnavailable = 4 // a service does not answer; trying later may help
	exitEnded       = 5 // the campaign ended, but not by being complete
	interrupted     = 130
)

// commands is the command line.
type commands struct {
	Up      upCmd      `cmd:"" help:"Run everything on this machine: servers, laboratory, API and page."`
	Serve   serveCmd   `cmd:"" help:"Run the API and the page against existing services."`
	Worker  workerCmd  `cmd:"" help:"Run workflows and activities against existing services."`
	Gateway gatewayCmd `cmd:"" help:"Run the gateway to the devices against existing services."`
	Sim     simCmd     `cmd:"" help:"Run a simulated laboratory against an MQTT broker."`

	Campaign   campaignCmd   `cmd:"" help:"Submit, watch and steer campaigns."`
	Plan       planCmd       `cmd:"" help:"Ask the planner without a laboratory."`
	Model      modelCmd      `cmd:"" help:"Train, register and show models that predict."`
	Dataset    datasetCmd    `cmd:"" help:"Import, snapshot, export and verify data."`
	Literature literatureCmd `cmd:"" help:"Import, rank and screen papers, and what was found in them."`
	Device     deviceCmd     `cmd:"" help:"See and stop devices."`
	Sample     sampleCmd     `cmd:"" help:"See where samples are."`
	Bench      benchCmd      `cmd:"" help:"Measure what Athanor claims."`
	MCP        mcpCmd        `cmd:"" name:"mcp" help:"Let agents read the laboratory by the Model Context Protocol; they can draft, never submit."`
	Backup     backupCmd     `cmd:"" help:"Write all that a laboratory knows to a file."`
	Restore    restoreCmd    `cmd:"" help:"Make a data directory of a backup; its campaigns go on."`
	Recall     recallCmd     `cmd:"" help:"Of services of your own: have devices asked what they were told after the backup that the database was restored from."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// terminal is what commands write to and read from.
type terminal struct {
	out, err io.Writer
	getenv   func(string) string
	logger   *slog.Logger
	tty      bool
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

func run(args []string, stdout, stderr *os.File, getenv func(string) string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	level := slog.LevelWarn
	if getenv("ATHANOR_LOG") != "" {
		if err := level.UnmarshalText([]byte(getenv("ATHANOR_LOG"))); err != nil {
			fmt.Fprintf(stderr, "athanor: ATHANOR_LOG: %v; it is debug, info, warn or error\n", err)
			return exitUsage
		}
	}
	t := &terminal{
		out: stdout, err: stderr, getenv: getenv, tty: isTerminal(stdout),
		logger: slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level})),
	}
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("athanor"), kong.Description("A laboratory that runs itself."),
		kong.Writers(stdout, stderr), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(t), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"default_data": defaultData(getenv)},
	)
	if err != nil {
		fmt.Fprintln(stderr, "athanor:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "athanor: %v; see athanor --help\n", err)
		return exitUsage
	}
	if err := parsed.Run(); err != nil {
		if message := err.Error(); message != "" {
			fmt.Fprintln(stderr, "athanor:", message)
		}
		return statusOf(err)
	}
	return 0
}

// quiet is an error that has been told already.
type quiet struct{ status int }

func (quiet) Error() string { return "" }

func statusOf(err error) int {
	if q, ok := errors.AsType[quiet](err); ok {
		return q.status
	}
	switch lab.KindOf(err) {
	case lab.Invalid, lab.NotFound, lab.Conflict, lab.Unsafe:
		return exitInvalid
	case lab.Unavailable:
		return exitUnavailable
	default:
		return exitFailed
	}
}

type versionCmd struct{}

func (versionCmd) Run(t *terminal) error {
	_, err := fmt.Fprintln(t.out, "athanor", version)
	return err
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
