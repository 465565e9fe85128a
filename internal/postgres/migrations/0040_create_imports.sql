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

-- The rows that were imported, a chunk of up to 32768 at a time and column by
-- column, compressed with zstd: importer.Chunk. A tenth of what a row to a row
-- would take, and read whole by whoever reads it.
CREATE TABLE import_chunks (
    import_no integer NOT NULL REFERENCES imports,
    first_row bigint  NOT NULL, -- physical rows, held and blank ones included
    last_row  bigint  NOT NULL,
    rows      integer NOT NULL, -- that were imported
    body      bytea   NOT NULL,
    ledger    bytea   NOT NULL, -- the fates of all cells of the chunk, as JSON lines, compressed with zstd
    PRIMARY KEY (import_no, first_row)
);
ALTER TABLE import_chunks ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN ledger SET STORAGE EXTERNAL; -- they are compressed

-- A row that was held back, with what is wrong with it; and, once it was
-- corrected, the row that was imported in its place.
CREATE TABLE import_held (
    import_no  integer NOT NULL REFERENCES imports,
    row        bigint  NOT NULL,
    body       jsonb   NOT NULL,
    settled    jsonb,
    settled_at timestamptz,
    PRIMARY KEY (import_no, row),
    CHECK ((settled IS NULL) = (settled_at IS NULL))
);

CREATE TRIGGER import_chunks_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON import_chunks
    EXECUTE FUNCTION refuse_change();

-- Files that wait to be imported, in parts, so that any worker can read them.
CREATE TABLE import_files (
    sha256 text   NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    part   integer NOT NULL,
    body   bytea  NOT NULL,
    PRIMARY KEY (sha256, part)
);
ALTER TABLE import_files ALTER COLUMN body SET STORAGE EXTERNAL; -- most are compressed, or read once
