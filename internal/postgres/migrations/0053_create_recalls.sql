-- A record that was restored from a backup is behind devices that went on after
-- it. Until they have said what they were told since, nothing is decided.
CREATE TABLE restorations (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);

CREATE UNIQUE INDEX restorations_open ON restorations ((true)) WHERE ended_at IS NULL;

-- Who is asked, and what was heard.
CREATE TABLE recalls (
    device   text PRIMARY KEY,
    told_at  timestamptz,
    commands integer NOT NULL DEFAULT 0
);

-- Commands that devices remember and the ledger does not have, by their exact
-- bytes: the same decision, come to again, is asked about under them.
CREATE TABLE told (
    command_id    uuid PRIMARY KEY,
    seq           bigint GENERATED ALWAYS AS IDENTITY, -- the device's order
    device        text        NOT NULL,
    epoch         bigint      NOT NULL, -- the order of grants
    body          bytea       NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    -- Whose step it was; null when no campaign on record would come to it.
    campaign_id   uuid,
    experiment_id uuid,
    request       text
);

CREATE INDEX told_ahead_by_device ON told (device, epoch, seq) WHERE request IS NOT NULL;

-- What a campaign is yet to come to again. It is granted in the order in which it
-- was, before anything else: an order in which everything could be done once.
CREATE VIEW told_ahead AS
    SELECT t.* FROM told t JOIN campaigns c ON c.id = t.campaign_id
        LEFT JOIN bookings b USING (experiment_id)
    WHERE t.request IS NOT NULL AND b.ended_at IS NULL
        -- one that is paused, or waits for a person, begins nothing
        AND (c.state = 'running' OR b.admitted_at IS NOT NULL AND c.state NOT IN ('completed', 'aborted', 'failed'))
        AND NOT EXISTS (SELECT FROM commands m WHERE m.id = t.command_id);
