package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// obstacleStands is how long an obstacle stands that nobody names again: the
// longest time from one try of a step to the next, twice.
const obstacleStands = time.Minute

// NoteObstacle keeps what a step waits for, from the first time it was said in
// these words. Since counts from then; w.Since is when it is said.
func (db *DB) NoteObstacle(ctx context.Context, w lab.Wait) error {
	const q = `
		WITH old AS (DELETE FROM obstacles WHERE said_at < $6::timestamptz - interval '1 day' AND (experiment_id, step) <> ($1, $2))
		INSERT INTO obstacles AS o (experiment_id, step, campaign_id, number, why, since, said_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (experiment_id, step) DO UPDATE SET why = excluded.why, said_at = excluded.said_at,
			since = CASE WHEN o.why = excluded.why AND o.said_at > excluded.said_at - $7::interval THEN o.since ELSE excluded.since END`
	_, err := db.pool.Exec(ctx, q, w.ExperimentID, w.Step, w.CampaignID, w.Number, w.Why, w.Since, obstacleStands)
	return failed(err, "note what %s waits for", w.ExperimentID)
}

// Obstacles returns what steps of a campaign, or with a zero id of any, that have
// their devices wait for at a time, oldest first and most at most.
func (db *DB) Obstacles(ctx context.Context, of lab.CampaignID, now time.Time, most int) ([]lab.Wait, error) {
	const q = `
		SELECT campaign_id, experiment_id, number, step, since, why FROM obstacles
		WHERE said_at > $1::timestamptz - $2::interval AND NOT EXISTS (SELECT FROM outcomes WHERE outcomes.experiment_id = obstacles.experiment_id)
			AND ($3 OR campaign_id = $4)
		ORDER BY since, experiment_id, step LIMIT $5`
	rows, err := db.pool.Query(ctx, q, now, obstacleStands, of.IsZero(), of, most)
	if err != nil {
		return nil, failed(err, "list what steps wait for")
	}
	waits, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lab.Wait])
	return waits, failed(err, "list what steps wait for")
}
