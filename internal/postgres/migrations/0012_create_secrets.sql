-- Secrets that the processes of one laboratory share, each made once.
CREATE TABLE secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL CHECK (length(value) >= 32),
    at    timestamptz NOT NULL DEFAULT now()
);
