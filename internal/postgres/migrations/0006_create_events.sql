-- The laboratory's log, for whoever watches.
CREATE TABLE events (
    seq         bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME events_seq) PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text        NOT NULL,
    campaign_id uuid,
    number      integer     NOT NULL DEFAULT 0,
    device      text        NOT NULL DEFAULT '',
    data        jsonb
);

CREATE INDEX events_by_campaign ON events (campaign_id, seq);

CREATE TRIGGER events_append_only BEFORE UPDATE ON events -- old ones may be deleted
    EXECUTE FUNCTION refuse_change();

-- A number is drawn before its row can be seen, so a reader that has seen 8 may
-- find 7 appear later, and would miss it. Writers therefore share a lock from
-- before they draw until they commit, and a reader that wants to know how far it
-- may read takes it alone for an instant: then every number drawn is settled.
CREATE FUNCTION enter_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7021700300103);
    RETURN NULL;
END $$;

CREATE TRIGGER events_enter BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION enter_events();

CREATE FUNCTION settled_events() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7021700300103);
    RETURN (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_seq);
END $$;
