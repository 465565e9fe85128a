-- The ledger of commands: the exact bytes, before they are first published, and
-- the last that was heard. A resend reads its bytes here and nowhere else.
CREATE TABLE commands (
    id            uuid PRIMARY KEY,
    campaign_id   uuid        NOT NULL,
    experiment_id uuid        NOT NULL,
    device        text        NOT NULL,
    command       json        NOT NULL, -- lab.Command; json keeps its bytes, jsonb would not
    lease         bytea       NOT NULL,
    body          bytea       NOT NULL,
    state         text        NOT NULL DEFAULT '' CHECK (state IN ('', 'accepted', 'running', 'paused', 'cancelling',
        'done', 'failed', 'cancelled', 'aborted', 'rejected', 'expired', 'in_doubt')),
    boot          bigint      NOT NULL DEFAULT 0,
    n             bigint      NOT NULL DEFAULT 0,
    event         bytea,
    published     timestamptz NOT NULL,
    deadline      timestamptz NOT NULL,
    notified      boolean     NOT NULL DEFAULT false,
    open          boolean     NOT NULL GENERATED ALWAYS AS (NOT notified OR state NOT IN
        ('done', 'failed', 'cancelled', 'aborted', 'rejected', 'expired', 'in_doubt')) STORED
) WITH (fillfactor = 70); -- each row is updated a few times soon after it is written

-- What a gateway that starts has to care for: a few rows of very many.
CREATE INDEX commands_open ON commands (published) WHERE open;
CREATE INDEX commands_by_experiment ON commands (experiment_id);

CREATE FUNCTION guard_command() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.device, NEW.body, NEW.lease) IS DISTINCT FROM (OLD.id, OLD.device, OLD.body, OLD.lease) THEN
        RAISE EXCEPTION 'the bytes of command % do not change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER commands_guard BEFORE UPDATE OF id, device, body, lease ON commands
    FOR EACH ROW EXECUTE FUNCTION guard_command();

-- Every event that was taken, in the order of taking: what a command went
-- through, where the ledger says only where it is.
CREATE TABLE command_events (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command_id uuid        NOT NULL REFERENCES commands,
    source     text        NOT NULL CHECK (source IN ('device', 'laboratory')),
    state      text        NOT NULL,
    boot       bigint      NOT NULL,
    n          bigint      NOT NULL,
    event      bytea       NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX command_events_by_command ON command_events (command_id, seq);

CREATE TRIGGER command_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON command_events
    EXECUTE FUNCTION refuse_change();
