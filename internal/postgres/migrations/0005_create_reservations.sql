-- What devices say of themselves, last.
CREATE TABLE devices (
    id           text PRIMARY KEY,
    kind         text        NOT NULL,
    title        text        NOT NULL,
    capabilities jsonb       NOT NULL, -- []lab.Capability
    capability   text[]      NOT NULL, -- their names, for deciding who gets what
    simulated    boolean     NOT NULL,
    conn         text        NOT NULL,
    op           text        NOT NULL,
    mode         text        NOT NULL,
    boot         bigint      NOT NULL,
    epoch        bigint      NOT NULL,
    active       jsonb       NOT NULL,
    faults       jsonb       NOT NULL,
    seen_at      timestamptz NOT NULL
) WITH (fillfactor = 70); -- every heartbeat updates it

-- One sequence for all fencing tokens: a later holder always has the larger.
CREATE SEQUENCE epochs;

-- The epoch of a device's latest grant says how long ago it was used. It is no
-- column of devices, so that a grant does not rewrite what a device said.
CREATE TABLE device_uses (
    device text PRIMARY KEY,
    epoch  bigint NOT NULL
);

-- An experiment in the book: where its samples go, since when it is admitted,
-- and that it has ended, so that a late repetition reserves nothing.
CREATE TABLE bookings (
    experiment_id uuid PRIMARY KEY,
    campaign_id   uuid    NOT NULL,
    number        integer NOT NULL,
    routes        jsonb   NOT NULL,
    waits         jsonb   NOT NULL,
    admitted_at   timestamptz,
    ended_at      timestamptz
);

CREATE INDEX bookings_active ON bookings (admitted_at) WHERE admitted_at IS NOT NULL AND ended_at IS NULL;

-- A request waits until it is granted, and is then kept with its grant until
-- the experiment ends, so that asking again gives the same.
CREATE TABLE requests (
    id            text PRIMARY KEY,
    experiment_id uuid        NOT NULL REFERENCES bookings,
    body          jsonb       NOT NULL, -- schedule.Request
    needs         integer     NOT NULL CHECK (needs > 0), -- how many devices
    since         timestamptz NOT NULL DEFAULT clock_timestamp(),
    granted       jsonb,                -- schedule.Grant
    first         text[]      NOT NULL DEFAULT '{}', -- roles that it was the first to get
    told          boolean     NOT NULL DEFAULT false
);

CREATE INDEX requests_waiting ON requests (since) WHERE granted IS NULL;
CREATE INDEX requests_untold ON requests (since) WHERE granted IS NOT NULL AND NOT told;
CREATE INDEX requests_by_experiment ON requests (experiment_id);

-- Who has which device. The primary key is the promise that no device is in two
-- hands.
CREATE TABLE holds (
    device        text PRIMARY KEY,
    experiment_id uuid   NOT NULL REFERENCES bookings,
    epoch         bigint NOT NULL UNIQUE CHECK (epoch > 0),
    roles         text[] NOT NULL CHECK (cardinality(roles) > 0),
    kept          text[] NOT NULL CHECK (kept <@ roles)
);

CREATE INDEX holds_by_experiment ON holds (experiment_id);
