package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

var _ dataset.Archive = (*DB)(nil)

// snapshotPage is how many experiments are read at a time.
const snapshotPage = 256

// EachRecorded implements [dataset.Archive]: all of it is read from one state
// of the database, a page in memory.
func (db *DB) EachRecorded(ctx context.Context, s dataset.Selection, yield func(dataset.Recorded) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return failed(err, "read the record")
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it has only read
	// The reader may be slower than other transactions are allowed to be.
	if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = '10min'`); err != nil {
		return failed(err, "read the record")
	}
	campaigns, err := selected(ctx, tx, s)
	if err != nil {
		return failed(err, "read the record")
	}
	for _, c := range campaigns {
		for after := 0; ; {
			page, err := readPage(ctx, tx, c, s, after)
			if err != nil {
				return failed(err, "read the record of %s", c.Campaign.ID)
			}
			for _, r := range page {
				after = r.Outcome.Proposal.Number
				if err := yield(r); err != nil {
					return err // the caller's own
				}
			}
			if len(page) < snapshotPage {
				break
			}
		}
	}
	return nil
}

// asOf returns a time as an argument: null for no limit.
func asOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// selected returns the campaigns that are wanted, by id, with their terms.
func selected(ctx context.Context, tx pgx.Tx, s dataset.Selection) ([]dataset.Recorded, error) {
	const q = `
		SELECT c.id, c.document, c.submitted_at, coalesce(t.license, ''), coalesce(t.access, 'internal'), coalesce(t.said_by, '')
		FROM campaigns c
		LEFT JOIN LATERAL (
			SELECT license, access, said_by FROM terms
			WHERE campaign_id = c.id AND ($2::timestamptz IS NULL OR recorded_at <= $2)
			ORDER BY seq DESC LIMIT 1
		) t ON true
		WHERE $1::uuid[] IS NULL OR c.id = ANY ($1)
		ORDER BY c.id`
	var ids []lab.CampaignID
	if len(s.Campaigns) > 0 {
		ids = s.Campaigns
	}
	rows, err := tx.Query(ctx, q, ids, asOf(s.AsOf))
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (out dataset.Recorded, err error) {
		var document []byte
		if err := r.Scan(&out.Campaign.ID, &document, &out.Campaign.SubmittedAt, &out.Terms.License, &out.Terms.Access, &out.Terms.By); err != nil {
			return out, err
		}
		out.Campaign.SubmittedAt = out.Campaign.SubmittedAt.UTC()
		return out, json.Unmarshal(document, &out.Campaign.Document)
	})
	if err != nil {
		return nil, err
	}
	if len(s.Campaigns) > 0 {
		have := map[lab.CampaignID]bool{}
		for _, c := range all {
			have[c.Campaign.ID] = true
		}
		for _, id := range s.Campaigns {
			if !have[id] {
				return nil, lab.Errorf(lab.NotFound, "there is no campaign %s", id)
			}
		}
	}
	wanted := all[:0]
	for _, c := range all {
		if s.Wants(c.Terms) {
			wanted = append(wanted, c)
		}
	}
	return wanted, nil
}

// readPage returns the next experiments of a campaign, whole.
func readPage(ctx context.Context, tx pgx.Tx, c dataset.Recorded, s dataset.Selection, after int) ([]dataset.Recorded, error) {
	const q = `
		SELECT o.body, o.recorded_at, coalesce(p.round, 0), coalesce(p.body ->> 'planner', ''), coalesce(encode(p.brief_sha256, 'hex'), ''),
			coalesce(p.body -> 'notes', '[]'), k.bodies, k.leaves, k.prev, k.hash, k.committed_at,
			coalesce(o.body #> '{proposal,influences}', 'null')
		FROM outcomes o
		LEFT JOIN plans p ON p.id = replace(o.body -> 'proposal' ->> 'plan_id', 'pln_', '')::uuid
		LEFT JOIN commitments k ON k.plan_id = p.id
		WHERE o.campaign_id = $1 AND o.number > $2 AND ($3::timestamptz IS NULL OR o.recorded_at <= $3)
			AND ($4::uuid IS NULL OR o.experiment_id = $4)
		ORDER BY o.number
		LIMIT $5`
	var only *lab.ExperimentID
	if !s.Experiment.IsZero() {
		only = &s.Experiment
	}
	rows, err := tx.Query(ctx, q, c.Campaign.ID, after, asOf(s.AsOf), only, snapshotPage)
	if err != nil {
		return nil, err
	}
	var influences [][]byte
	page, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (dataset.Recorded, error) {
		out, moved, err := scanRecorded(r, c)
		influences = append(influences, moved)
		return out, err
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	briefs := map[string][]byte{}
	for i, moved := range influences {
		if string(moved) == "null" || string(moved) == "[]" {
			continue
		}
		raw, ok := briefs[page[i].Brief]
		if !ok {
			var packed []byte
			if err := tx.QueryRow(ctx, `SELECT body FROM briefs WHERE sha256 = decode($1, 'hex')`, page[i].Brief).Scan(&packed); err != nil {
				return nil, err
			}
			if raw, err = unpack(packed); err != nil {
				return nil, err
			}
			briefs[page[i].Brief] = raw
		}
		if page[i].Evidence, err = dataset.EvidenceOf(moved, raw); err != nil {
			return nil, err
		}
	}
	where := make(map[lab.ExperimentID]int, len(page))
	ids := make([]lab.ExperimentID, len(page))
	for i, r := range page {
		ids[i], where[r.Outcome.Proposal.ExperimentID] = r.Outcome.Proposal.ExperimentID, i
	}
	if err := addCommands(ctx, tx, page, where, ids, s); err != nil {
		return nil, err
	}
	return page, addCorrections(ctx, tx, page, where, ids, s)
}

// scanRecorded also returns what moved the proposal, as JSON.
func scanRecorded(row pgx.Row, c dataset.Recorded) (dataset.Recorded, []byte, error) {
	var (
		body, notes    []byte
		influences     []byte
		bodies, leaves []string
		prev, hash     *string
		committed      *time.Time
	)
	if err := row.Scan(&body, &c.RecordedAt, &c.Round, &c.Planner, &c.Brief, &notes, &bodies, &leaves, &prev, &hash, &committed, &influences); err != nil {
		return c, nil, err
	}
	if err := json.Unmarshal(body, &c.Outcome); err != nil {
		return c, nil, err
	}
	if err := json.Unmarshal(notes, &c.Notes); err != nil {
		return c, nil, err
	}
	if hash != nil {
		c.Commitment = dataset.CommitmentOf(c.Outcome.Proposal.ExperimentID, bodies, leaves, *prev, *hash, *committed)
	}
	return c, influences, nil
}

func addCommands(ctx context.Context, tx pgx.Tx, page []dataset.Recorded, where map[lab.ExperimentID]int, ids []lab.ExperimentID, s dataset.Selection) error {
	const commands = `SELECT command, body, published FROM commands WHERE experiment_id = ANY ($1) ORDER BY published, id`
	const events = `
		SELECT e.command_id, e.source, e.state, e.event, e.at
		FROM command_events e JOIN commands c ON c.id = e.command_id
		WHERE c.experiment_id = ANY ($1) AND ($2::timestamptz IS NULL OR e.at <= $2)
		ORDER BY e.seq`
	rows, err := tx.Query(ctx, commands, ids)
	if err != nil {
		return err
	}
	type place struct{ experiment, command int }
	places := map[lab.CommandID]place{}
	for rows.Next() {
		var raw []byte
		var sent dataset.SentCommand
		if err := rows.Scan(&raw, &sent.Body, &sent.Published); err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &sent.Command); err != nil {
			return err
		}
		i := where[sent.Command.ExperimentID]
		places[sent.Command.ID] = place{i, len(page[i].Commands)}
		page[i].Commands = append(page[i].Commands, sent)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, events, ids, asOf(s.AsOf)); err != nil {
		return err
	}
	for rows.Next() {
		var id lab.CommandID
		var ev dataset.HeardEvent
		if err := rows.Scan(&id, &ev.Source, &ev.State, &ev.Raw, &ev.At); err != nil {
			return err
		}
		c := &page[places[id].experiment].Commands[places[id].command]
		c.Events = append(c.Events, ev)
	}
	return rows.Err()
}

func addCorrections(ctx context.Context, tx pgx.Tx, page []dataset.Recorded, where map[lab.ExperimentID]int, ids []lab.ExperimentID, s dataset.Selection) error {
	const q = `
		SELECT experiment_id, body, recorded_at FROM corrections
		WHERE experiment_id = ANY ($1) AND ($2::timestamptz IS NULL OR recorded_at <= $2)
		ORDER BY seq`
	rows, err := tx.Query(ctx, q, ids, asOf(s.AsOf))
	if err != nil {
		return err
	}
	for rows.Next() {
		var id lab.ExperimentID
		var body []byte
		var k dataset.KnownCorrection
		if err := rows.Scan(&id, &body, &k.RecordedAt); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &k.Correction); err != nil {
			return err
		}
		i := where[id]
		page[i].Corrections = append(page[i].Corrections, k)
	}
	return rows.Err()
}

// BestSeen implements [dataset.Archive].
func (db *DB) BestSeen(ctx context.Context, id lab.CampaignID, until time.Time) (map[string]float64, error) {
	const q = `
		SELECT m ->> 'name', max((m ->> 'value')::float8)
		FROM outcomes, jsonb_array_elements(body -> 'observed') AS m
		WHERE campaign_id = $1 AND state = 'succeeded' AND ($2::timestamptz IS NULL OR recorded_at <= $2)
		GROUP BY 1`
	rows, err := db.pool.Query(ctx, q, id, asOf(until))
	if err != nil {
		return nil, failed(err, "read the best of %s", id)
	}
	best := map[string]float64{}
	var name string
	var value float64
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error { best[name] = value; return nil })
	return best, failed(err, "read the best of %s", id)
}

// Horizon implements [dataset.Archive].
func (db *DB) Horizon(ctx context.Context, campaigns []lab.CampaignID) (time.Time, error) {
	const q = `
		SELECT coalesce(max(at), 'epoch') FROM (
			SELECT max(recorded_at) AS at FROM outcomes WHERE $1::uuid[] IS NULL OR campaign_id = ANY ($1)
			UNION ALL
			SELECT max(c.recorded_at) FROM corrections c JOIN outcomes o USING (experiment_id) WHERE $1::uuid[] IS NULL OR o.campaign_id = ANY ($1)
			UNION ALL
			SELECT max(recorded_at) FROM terms WHERE $1::uuid[] IS NULL OR campaign_id = ANY ($1)
		) facts`
	var ids []lab.CampaignID
	if len(campaigns) > 0 {
		ids = campaigns
	}
	var at time.Time
	err := db.pool.QueryRow(ctx, q, ids).Scan(&at)
	return at.UTC(), failed(err, "read how far the record goes")
}

// EachLink implements [dataset.Archive].
func (db *DB) EachLink(ctx context.Context, id lab.CampaignID, until time.Time, yield func(dataset.Link) error) error {
	const q = `
		SELECT plan_id, round, leaves, prev, hash, committed_at FROM commitments
		WHERE campaign_id = $1 AND ($2::timestamptz IS NULL OR committed_at <= $2)
		ORDER BY seq`
	rows, err := db.pool.Query(ctx, q, id, asOf(until))
	if err != nil {
		return failed(err, "read the commitments of %s", id)
	}
	links, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (dataset.Link, error) {
		l := dataset.Link{CampaignID: id}
		err := r.Scan(&l.PlanID, &l.Round, &l.Leaves, &l.Prev, &l.Hash, &l.CommittedAt)
		l.CommittedAt = l.CommittedAt.UTC()
		return l, err
	})
	if err != nil {
		return failed(err, "read the commitments of %s", id)
	}
	for _, l := range links {
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}

// PutCorrection records what was found wrong with an outcome.
func (db *DB) PutCorrection(ctx context.Context, id lab.ExperimentID, c dataset.Correction) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Kind == "observed" {
		o, err := db.Outcome(ctx, id)
		if err != nil {
			return err
		}
		known := false
		for _, m := range o.Observed {
			known = known || m.Name == c.Objective
		}
		if !known {
			return lab.Errorf(lab.Invalid, "correct %s: it observed no %q; the first observation cannot be made by correction", id, c.Objective)
		}
	}
	body, err := jsonOf(c)
	if err != nil {
		return err
	}
	tag, err := db.pool.Exec(ctx, `INSERT INTO corrections (experiment_id, body) SELECT $1, $2 WHERE EXISTS (SELECT FROM outcomes WHERE experiment_id = $1)`, id, body)
	if err == nil && tag.RowsAffected() == 0 {
		return lab.Errorf(lab.NotFound, "correct %s: it has no outcome", id)
	}
	return failed(err, "correct %s", id)
}

// PutTerms records under which terms a campaign's data may leave the house.
func (db *DB) PutTerms(ctx context.Context, id lab.CampaignID, t dataset.Terms) error {
	if err := t.Check(); err != nil {
		return err
	}
	const q = `INSERT INTO terms (campaign_id, license, access, said_by) SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM campaigns WHERE id = $1)`
	tag, err := db.pool.Exec(ctx, q, id, t.License, t.Access, clean(t.By))
	if err == nil && tag.RowsAffected() == 0 {
		return lab.Errorf(lab.NotFound, "set terms: there is no campaign %s", id)
	}
	return failed(err, "set the terms of %s", id)
}
