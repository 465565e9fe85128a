-- An outcome is written once, by its experiment, and never changed.
CREATE TABLE outcomes (
    experiment_id uuid PRIMARY KEY,
    campaign_id   uuid        NOT NULL REFERENCES campaigns,
    number        integer     NOT NULL CHECK (number >= 1),
    state         text        NOT NULL CHECK (state IN ('succeeded', 'failed', 'cancelled')),
    body          jsonb       NOT NULL,
    finished_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (campaign_id, number) -- also the order in which they are read
);

CREATE TRIGGER outcomes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outcomes
    EXECUTE FUNCTION refuse_change();
