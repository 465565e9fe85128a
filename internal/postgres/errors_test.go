package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/athanor-lab/athanor/lab"
)

// TestErrorKinds wants each of PostgreSQL's complaints told as what a caller
// can do about it.
func TestErrorKinds(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]lab.ErrorKind{
		"53100": lab.Unavailable, "53300": lab.Unavailable, "57P01": lab.Unavailable, "08006": lab.Unavailable, "58030": lab.Unavailable,
		"40P01": lab.Unavailable, "25006": lab.Unavailable, "23505": lab.Conflict, "23001": lab.Conflict, "23514": lab.Invalid,
		"22P02": lab.Invalid, "42601": lab.Internal,
	} {
		err := failed(&pgconn.PgError{Code: code, Message: "it said no"}, "put %s", "x")
		if lab.KindOf(err) != want || !strings.HasPrefix(err.Error(), "put x: ") || !strings.Contains(err.Error(), "it said no") {
			t.Errorf("%s: kind %q, %v; want %q", code, lab.KindOf(err), err, want)
		}
	}
	if err := failed(&pgconn.PgError{Code: "53100"}, "put x"); !strings.Contains(err.Error(), "disk of the database is full") {
		t.Errorf("a full disk is told as %v", err)
	}
	if err := failed(pgx.ErrNoRows, "read x"); lab.KindOf(err) != lab.NotFound {
		t.Errorf("no rows: %v", err)
	}
	mine := lab.Errorf(lab.Unsafe, "no")
	if err := failed(mine, "do x"); lab.KindOf(err) != lab.Unsafe || !errors.Is(err, mine) {
		t.Errorf("an error with a kind: %v", err)
	}
	if failed(nil, "do x") != nil {
		t.Error("no error is an error")
	}
}

// TestIDsAreUUIDs wants pgx to carry an ID as a bare uuid, both ways and in both
// formats, though package lab knows nothing of pgx.
func TestIDsAreUUIDs(t *testing.T) {
	t.Parallel()
	m := pgtype.NewMap()
	want := lab.CampaignID{0x01, 0x99, 0xc0, 0xde, 15: 0xff}
	for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
		b, err := m.Encode(pgtype.UUIDOID, format, want, nil)
		if err != nil {
			t.Fatalf("format %d: %v", format, err)
		}
		var got lab.CampaignID
		if err := m.Scan(pgtype.UUIDOID, format, b, &got); err != nil || got != want {
			t.Errorf("format %d: %q came back as %s, %v; want %s", format, b, got, err, want)
		}
	}
}

// TestJSONOf wants what PostgreSQL refuses in jsonb replaced and all else kept.
func TestJSONOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain \\u0000 text": `"plain \\u0000 text"`,
		"nul \x00":           "\"nul \ufffd\"",
		"bad \xff":           `"bad ` + "\ufffd" + `"`,
	} {
		got, err := jsonOf(in)
		if err != nil || string(got) != want {
			t.Errorf("jsonOf(%q) = %s, %v; want %s", in, got, err, want)
		}
	}
}
