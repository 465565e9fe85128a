package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	postgresUser     = "athanor"
	postgresDatabase = "athanor"
	postgresStopTime = 20 * time.Second // a fast shutdown writes what is in memory to the disk
)

// PostgresOptions says how to run PostgreSQL.
type PostgresOptions struct {
	Dir      string // holds the database, its password, port and log; made when absent
	BinDir   string // of initdb and postgres; "" = the newest on this machine that fits (ATHANOR_PG_BIN is read by the caller)
	Port     int    // 0 = the one of the last start, else any free one
	Fallback string // where root keeps a database whose Dir the server's account cannot reach; default /var/lib/athanor
	Logger   *slog.Logger
}

// Postgres is a PostgreSQL server of our own.
type Postgres struct {
	opts     PostgresOptions
	home     string // where everything is; see postgresHome
	bin      postgresBin
	account  *account
	password string
	port     int
	version  string
	release  func()
	keeper   keeper
}

// StartPostgres makes a database in opts.Dir if there is none, starts its server, or adopts the one that a process before us left
// running, and returns when it answers. From then on the server is started again, on the same port, whenever it dies, until Stop.
// An empty database named athanor exists afterwards.
func StartPostgres(ctx context.Context, opts PostgresOptions) (*Postgres, error) {
	p, err := startPostgres(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

func startPostgres(ctx context.Context, opts PostgresOptions) (_ *Postgres, err error) {
	opts.Logger = orDiscard(opts.Logger)
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, err
	}
	release, err := LockDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	home, reason, err := postgresHome(opts.Dir, cmp.Or(opts.Fallback, defaultFallback))
	if err != nil {
		return nil, err
	}
	if reason != "" {
		opts.Logger.WarnContext(ctx, "the database is kept elsewhere", "dir", opts.Dir, "home", home, "because", reason)
	}
	p := &Postgres{opts: opts, home: home, release: release}
	major, err := dataVersion(p.data())
	if err != nil {
		return nil, err
	}
	if p.bin, err = choosePostgres(opts.BinDir, major); err != nil {
		return nil, err
	}
	if p.account, err = serverAccount(p.data()); err != nil {
		return nil, err
	}
	if major == 0 {
		if err := p.initialise(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.readPassword(); err != nil {
		return nil, err
	}
	p.keeper = keeper{name: "postgres", logger: opts.Logger, launch: p.launch, polite: syscall.SIGINT, firm: syscall.SIGQUIT}
	if err := p.keeper.start(ctx); err != nil {
		return nil, err
	}
	if err := p.createDatabase(ctx); err != nil {
		return nil, errors.Join(err, p.keeper.stop(ctx, postgresStopTime))
	}
	return p, nil
}

// URL is how clients connect to the database athanor. It holds the password.
func (p *Postgres) URL() string { return p.url(postgresDatabase, p.port) }

// DatabaseURL is how clients connect to another database of the same server, which may not exist yet; "temporal" is the one to give
// to [TemporalOptions] when workflows are to live in PostgreSQL too.
func (p *Postgres) DatabaseURL(name string) string { return p.url(name, p.port) }

// Addr is host:port.
func (p *Postgres) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// PID is the process id of the server, which changes when it had to be started again.
func (p *Postgres) PID() int { return p.keeper.pid() }

// Restarts counts how many times the server died and was started again.
func (p *Postgres) Restarts() int { return p.keeper.count() }

// Version is that of the server, such as "15.14".
func (p *Postgres) Version() string { return p.version }

// Home is the directory that holds the database and its log: the one that was asked for, or the fallback.
func (p *Postgres) Home() string { return p.home }

// Stop shuts the server down fast: running transactions are broken off, everything committed is on the disk. When ctx is done, or
// after 20 s, it is shut down at once, and the next start replays its log.
func (p *Postgres) Stop(ctx context.Context) error {
	defer p.release()
	if err := p.keeper.stop(ctx, postgresStopTime); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

func (p *Postgres) data() string { return filepath.Join(p.home, dataDir) }

func (p *Postgres) logFile() string { return filepath.Join(p.home, postgresLog) }

func (p *Postgres) url(database string, port int) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(postgresUser, p.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// createDatabase makes the database athanor if it is absent and reads the server's version.
func (p *Postgres) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.url("postgres", p.port))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	const q = `
		SELECT split_part(current_setting('server_version'), ' ', 1), EXISTS (SELECT FROM pg_database WHERE datname = $1)`
	if err := conn.QueryRow(ctx, q, postgresDatabase).Scan(&p.version, &exists); err != nil {
		return fmt.Errorf("look for database %s: %w", postgresDatabase, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{postgresDatabase}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", postgresDatabase, err)
	}
	return nil
}

// readPassword reads what initialise wrote.
func (p *Postgres) readPassword() error {
	name := filepath.Join(p.home, passwordFile)
	body, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: the database was made by another user: start as that one (or as root), or choose another data directory", err)
	case err != nil:
		return fmt.Errorf("the database in %s has lost its password file: %w: bring it back from a backup of the data directory", p.data(), err)
	}
	p.password = string(body)
	return nil
}
