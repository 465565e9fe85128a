package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// ModelRow is a version of a model. Body is the model itself, which only its own
// package reads.
type ModelRow struct {
	Name    string
	Version string
	Kind    string
	Body    []byte
	AddedAt time.Time
}

// PutModel keeps a version of a model. Keeping one twice is the same as once.
func (db *DB) PutModel(ctx context.Context, m ModelRow) error {
	packed, err := pack(m.Body)
	if err != nil {
		return failed(err, "put model %s@%s", m.Name, m.Version)
	}
	const q = `
		INSERT INTO models (name, version, kind, body)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`
	_, err = db.pool.Exec(ctx, q, m.Name, m.Version, m.Kind, packed)
	return failed(err, "put model %s@%s", m.Name, m.Version)
}

// Models returns all versions without their bodies, by name and the latest first.
func (db *DB) Models(ctx context.Context) ([]ModelRow, error) {
	const q = `
		SELECT name, version, kind, added_at
		FROM models
		ORDER BY name, added_at DESC, version`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, failed(err, "list models")
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (ModelRow, error) {
		var m ModelRow
		err := r.Scan(&m.Name, &m.Version, &m.Kind, &m.AddedAt)
		return m, err
	})
	return out, failed(err, "list models")
}

// Model returns NAME, its latest version, or NAME@VERSION, of which the first
// digits suffice. Its error is of kind [lab.NotFound] when there is none.
func (db *DB) Model(ctx context.Context, ref string) (ModelRow, error) {
	name, version, _ := strings.Cut(ref, "@")
	const q = `
		SELECT name, version, kind, body, added_at
		FROM models
		WHERE name = $1 AND starts_with(version, $2)
		ORDER BY added_at DESC, version
		LIMIT 1`
	var m ModelRow
	var packed []byte
	err := db.pool.QueryRow(ctx, q, name, version).Scan(&m.Name, &m.Version, &m.Kind, &packed, &m.AddedAt)
	if err == pgx.ErrNoRows { //nolint:errorlint // pgx returns it as it is
		return m, lab.Errorf(lab.NotFound, "no model %s is registered", ref)
	}
	if err != nil {
		return m, failed(err, "get model %s", ref)
	}
	m.Body, err = unpack(packed)
	return m, failed(err, "unpack model %s", ref)
}
