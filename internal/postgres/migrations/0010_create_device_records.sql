-- What devices say beside the course of commands.

-- Alarms: what stands, and what stood. One stands once for a device, whoever
-- raised it and its code.
CREATE TABLE alarms (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     text        NOT NULL,
    source     text        NOT NULL CHECK (source IN ('device', 'laboratory')),
    code       text        NOT NULL,
    level      text        NOT NULL CHECK (level IN ('info', 'warning', 'error', 'critical')),
    text       text        NOT NULL,
    command_id text        NOT NULL DEFAULT '', -- the device's word, and no key of ours
    since      timestamptz NOT NULL,
    raised_at  timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz
);

CREATE UNIQUE INDEX alarms_standing ON alarms (device, source, code) WHERE cleared_at IS NULL;

-- Telemetry as it came, a row to a batch: columns of numbers, and when.
-- (boot, n) counts the batches of a stream, so a gap is one that was lost.
CREATE TABLE telemetry (
    device     text        NOT NULL,
    stream     text        NOT NULL,
    boot       bigint      NOT NULL,
    n          bigint      NOT NULL,
    t0         timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    command_id text        NOT NULL DEFAULT '',
    dt_ms      float8[]    NOT NULL,
    columns    jsonb       NOT NULL, -- name: values
    units      jsonb       NOT NULL, -- name: UCUM code
    PRIMARY KEY (device, stream, boot, n)
);

CREATE INDEX telemetry_by_time ON telemetry (device, stream, t0);
CREATE INDEX telemetry_by_command ON telemetry (command_id) WHERE command_id <> '';

-- What devices said and nobody believed, for a person to look at.
CREATE TABLE quarantine (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device  text        NOT NULL,
    topic   text        NOT NULL,
    reason  text        NOT NULL,
    payload bytea       NOT NULL CHECK (length(payload) <= 65536),
    at      timestamptz NOT NULL
);

CREATE INDEX quarantine_by_device ON quarantine (device, seq);
