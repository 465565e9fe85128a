package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/auth"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // registers the store
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
)

const postgresConns = 20 // connections to each of the two databases

// openPostgres makes both databases when they are absent and brings their tables to this version.
func openPostgres(ctx context.Context, rawURL string, logger log.Logger) (workflows, visibility *config.SQL, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Hostname() == "" {
		// The URL holds a password, and so may err: show neither.
		return nil, nil, fmt.Errorf("-postgres-url is not understood: want postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		name = "temporal"
	}
	workflows, err = postgresConfig(u, name)
	if err != nil {
		return nil, nil, err
	}
	visibility, err = postgresConfig(u, name+"_visibility")
	if err != nil {
		return nil, nil, err
	}
	for _, x := range []struct {
		cfg    *config.SQL
		schema string
	}{{workflows, "postgresql/v12/temporal"}, {visibility, "postgresql/v12/visibility"}} {
		if err := createDatabase(ctx, u, x.cfg.DatabaseName); err != nil {
			return nil, nil, fmt.Errorf("create database %q at %s: %w", x.cfg.DatabaseName, u.Host, err)
		}
		if err := migratePostgres(x.cfg, x.schema, logger); err != nil {
			return nil, nil, fmt.Errorf("make tables of database %q: %w", x.cfg.DatabaseName, err)
		}
	}
	return workflows, visibility, nil
}

func postgresConfig(u *url.URL, database string) (*config.SQL, error) {
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	password, _ := u.User.Password()
	cfg := &config.SQL{
		PluginName:      "postgres12_pgx",
		ConnectProtocol: "tcp",
		ConnectAddr:     u.Hostname() + ":" + port,
		User:            u.User.Username(),
		Password:        password,
		DatabaseName:    database,
		MaxConns:        postgresConns,
		MaxIdleConns:    postgresConns,
		MaxConnLifetime: time.Hour,
	}
	switch mode := u.Query().Get("sslmode"); mode {
	case "", "disable":
	case "require", "verify-full":
		cfg.TLS = &auth.TLS{Enabled: true, EnableHostVerification: mode == "verify-full", CaFile: u.Query().Get("sslrootcert"), ServerName: u.Hostname()}
	default:
		return nil, fmt.Errorf("-postgres-url has sslmode=%s, want disable, require or verify-full", mode)
	}
	return cfg, nil
}

// createDatabase is needed because Temporal's tools connect lazily and do not notice that a database is absent.
func createDatabase(ctx context.Context, u *url.URL, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	admin := *u
	admin.Path = "/postgres"
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize())
	return err
}

func migratePostgres(cfg *config.SQL, name string, logger log.Logger) error {
	conn, err := toolsql.NewConnection(cfg, logger)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil { // no version table: an empty database
		if err := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: name}, logger).Run()
}
