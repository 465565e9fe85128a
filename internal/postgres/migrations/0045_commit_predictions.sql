-- What was predicted is committed to with the plan, before any command of it is
-- sent: a line to a plan, with the hash of every proposal's settings and
-- predictions, chained per campaign so that no line can be changed, dropped or
-- put in between later without all that follow showing it.
CREATE TABLE commitments (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id      uuid        NOT NULL UNIQUE REFERENCES plans,
    campaign_id  uuid        NOT NULL REFERENCES campaigns,
    round        integer     NOT NULL,
    bodies       text[]      NOT NULL, -- what was hashed, a proposal each
    leaves       text[]      NOT NULL, -- SHA-256 of each, in hex
    prev         text        NOT NULL CHECK (length(prev) = 64),
    hash         text        NOT NULL UNIQUE CHECK (length(hash) = 64),
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (campaign_id, prev) -- a chain does not fork
);

CREATE INDEX commitments_by_campaign ON commitments (campaign_id, seq DESC);

CREATE TRIGGER commitments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commitments
    EXECUTE FUNCTION refuse_change();
