-- What a planner knew is kept by its hash, exactly as it was hashed, so that any
-- plan can be computed again and compared.
CREATE TABLE briefs (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    body   bytea NOT NULL -- gzip of the JSON whose hash it is: a brief repeats all that is known
);

CREATE TABLE plans (
    id           uuid PRIMARY KEY,
    campaign_id  uuid        NOT NULL REFERENCES campaigns,
    round        integer     NOT NULL CHECK (round >= 1),
    brief_sha256 bytea       NOT NULL REFERENCES briefs,
    body         jsonb       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (campaign_id, round) -- a round is decided once, whoever comes second
);

CREATE TRIGGER briefs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON briefs
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plans_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plans
    EXECUTE FUNCTION refuse_change();
