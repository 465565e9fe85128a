-- Models that predict, by name and version. A version is the hash of all that the
-- model is, so that what a plan names can be found again as it was.
CREATE TABLE models (
    name     text        NOT NULL,
    version  text        NOT NULL,
    kind     text        NOT NULL,
    body     bytea       NOT NULL, -- as it was registered, packed
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version)
);

CREATE TRIGGER models_append_only BEFORE UPDATE ON models
    EXECUTE FUNCTION refuse_change();
