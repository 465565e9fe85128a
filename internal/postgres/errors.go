package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/athanor-lab/athanor/lab"
)

// failed gives err the verb and object of the format and the kind that says
// what a caller can do. An error that has a kind keeps it.
func failed(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	if _, ok := errors.AsType[*lab.Error](err); ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	kind, hint := explain(err)
	return lab.Errorf(kind, "%s: %w%s", what, err, hint)
}

// unique reports whether err says that a key is there already.
func unique(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505"
}

// explain translates what PostgreSQL says, by the classes of its error codes,
// into a kind and what to do about it.
func explain(err error) (lab.ErrorKind, string) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return lab.Unavailable, ""
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return lab.NotFound, ""
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
			return lab.Unavailable, "; is the database running, and is its address right?"
		}
		if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
			errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) || err.Error() == "conn closed" {
			return lab.Unavailable, "; the connection to the database was lost"
		}
		return lab.Internal, ""
	}
	switch pg.Code {
	case "53100":
		return lab.Unavailable, "; the disk of the database is full: free some space, and it goes on by itself"
	case "53300":
		return lab.Unavailable, "; raise max_connections of the server, or run fewer processes"
	case "23503", "23505", "23001":
		return lab.Conflict, ""
	case "23502", "23514":
		return lab.Invalid, ""
	case "25006":
		return lab.Unavailable, "; the server is read-only: connect to the primary"
	}
	switch pg.Code[:2] {
	case "08", "53", "57", "58", "40", "55", "28", "3D": // connection, resources, operator, system, retry, locks, login, no database
		return lab.Unavailable, ""
	case "22":
		return lab.Invalid, ""
	}
	return lab.Internal, ""
}
