-- What turned out to be wrong is corrected by a fact of its own; the outcome
-- stays as it was written. A reader takes the latest that was known.
CREATE TABLE corrections (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id uuid        NOT NULL REFERENCES outcomes,
    body          jsonb       NOT NULL, -- dataset.Correction
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX corrections_by_experiment ON corrections (experiment_id, seq);

CREATE TRIGGER corrections_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON corrections
    EXECUTE FUNCTION refuse_change();

-- Under which terms a campaign's data may leave the house. The latest counts.
CREATE TABLE terms (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id uuid        NOT NULL REFERENCES campaigns,
    license     text        NOT NULL, -- SPDX, or '' for none
    access      text        NOT NULL CHECK (access IN ('open', 'internal', 'restricted')),
    said_by     text        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX terms_by_campaign ON terms (campaign_id, seq DESC);

CREATE TRIGGER terms_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON terms
    EXECUTE FUNCTION refuse_change();
