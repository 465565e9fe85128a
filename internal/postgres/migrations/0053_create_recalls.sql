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
    command_id uuid PRIMARY KEY,
    device     text        NOT NULL,
    body       bytea       NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
