-- What came in from elsewhere. An import is named by the hashes of its file and
-- its mapping; it is written chunk by chunk, each whole or not at all, so that
-- one that was broken off goes on where it was.
CREATE TABLE imports (
    no          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text        NOT NULL UNIQUE CHECK (id ~ '^[0-9a-f]{64}$'),
    file_sha256 text        NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    source      text        NOT NULL, -- the name of the file
    mapping     jsonb       NOT NULL,
    last_row    bigint      NOT NULL DEFAULT 0, -- of the last chunk that is on record
    summary     jsonb,                          -- when it is done
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((summary IS NULL) = (finished_at IS NULL))
);

-- A row that was imported. numbers and texts are in the order of the mapping's
-- columns: the numbers of parameters and objectives, in the units of the
-- mapping; the labels and attributes. A cell that is blank is NULL.
CREATE TABLE import_rows (
    import_no integer NOT NULL REFERENCES imports,
    row       bigint  NOT NULL,
    "offset"  bigint  NOT NULL, -- in the file, in bytes; -1 where rows have none
    numbers   float8[] NOT NULL,
    texts     text[]   NOT NULL,
    corrected jsonb,            -- by a person, while it was held back
    PRIMARY KEY (import_no, row)
);

-- A row that was held back, with what is wrong with it, and when it was settled.
CREATE TABLE import_held (
    import_no  integer NOT NULL REFERENCES imports,
    row        bigint  NOT NULL,
    body       jsonb   NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (import_no, row)
);

-- The ledger: for every chunk of physical rows the fates of all its cells, as
-- JSON lines.
CREATE TABLE import_ledger (
    import_no integer NOT NULL REFERENCES imports,
    first_row bigint  NOT NULL,
    last_row  bigint  NOT NULL,
    entries   text    NOT NULL,
    PRIMARY KEY (import_no, first_row)
);

CREATE TRIGGER import_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON import_rows
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER import_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON import_ledger
    EXECUTE FUNCTION refuse_change();

-- Files that wait to be imported, in parts, so that any worker can read them.
CREATE TABLE import_files (
    sha256 text   NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    part   integer NOT NULL,
    body   bytea  NOT NULL,
    PRIMARY KEY (sha256, part)
);
ALTER TABLE import_files ALTER COLUMN body SET STORAGE EXTERNAL; -- most are compressed, or read once
