-- What was written once stays as it was written. The record of a laboratory is
-- worth what its worst moment could do to it, so the tables that are the record
-- refuse changes themselves, whoever asks.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

-- A campaign's document never changes; what becomes of it stands beside it,
-- because it is read together in every list.
CREATE TABLE campaigns (
    id              uuid PRIMARY KEY, -- version 7: rises with the time of submission
    document        jsonb       NOT NULL,
    source          bytea       NOT NULL, -- the author's own bytes, comments and all
    format          text        NOT NULL CHECK (format IN ('yaml', 'json')),
    idempotency_key text        UNIQUE CHECK (idempotency_key <> ''),
    payload_sha256  bytea       NOT NULL CHECK (length(payload_sha256) = 32),
    submitted_at    timestamptz NOT NULL,
    state           text        NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted', 'running',
        'awaiting_approval', 'paused', 'stopping', 'completed', 'aborted', 'failed')),
    reason          text        NOT NULL DEFAULT '',
    rounds          integer     NOT NULL DEFAULT 0 CHECK (rounds >= 0),
    planned         integer     NOT NULL DEFAULT 0 CHECK (planned >= 0),
    done            integer     NOT NULL DEFAULT 0 CHECK (done >= 0),
    failures        integer     NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND done),
    best            jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(best) = 'array'),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION guard_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.source, NEW.document, NEW.submitted_at)
        IS DISTINCT FROM (OLD.id, OLD.source, OLD.document, OLD.submitted_at) THEN
        RAISE EXCEPTION 'the document of a campaign does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('completed', 'aborted', 'failed') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'campaign % is %, which is final', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER campaigns_guard BEFORE UPDATE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION guard_campaign();

-- lab.Progress of a campaign, in one place for queries and events alike.
CREATE FUNCTION progress(c campaigns) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'state', c.state, 'reason', NULLIF(c.reason, ''), 'rounds', c.rounds, 'planned', c.planned,
        'done', c.done, 'failures', c.failures, 'best', c.best,
        'updated_at', to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
$$;
