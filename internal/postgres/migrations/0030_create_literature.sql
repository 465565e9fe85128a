-- What is published, as it was read: records grow in words and never go away.
CREATE TABLE literature_corpora (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text    NOT NULL UNIQUE,
    -- What BM25 needs to know of all documents, kept with every import.
    papers  integer NOT NULL DEFAULT 0,
    body    bigint  NOT NULL DEFAULT 0, -- words of titles, texts and keywords
    titles  bigint  NOT NULL DEFAULT 0
);

CREATE TABLE literature_papers (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corpus integer   NOT NULL REFERENCES literature_corpora,
    id     text      NOT NULL,
    body   jsonb     NOT NULL, -- literature.Paper
    ends   integer[] NOT NULL, -- where each field ends, in words
    lens   integer[] NOT NULL, -- of each field, words that are no stop words
    UNIQUE (corpus, id)
);

CREATE INDEX literature_papers_in_order ON literature_papers (corpus, seq);

-- An inverted index: where each stem stands in each paper.
CREATE TABLE literature_postings (
    corpus integer   NOT NULL,
    term   text      NOT NULL,
    paper  bigint    NOT NULL REFERENCES literature_papers,
    places integer[] NOT NULL,
    PRIMARY KEY (corpus, term, paper)
);

CREATE INDEX literature_postings_of_paper ON literature_postings (paper);

CREATE TABLE literature_imports (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corpus  integer     NOT NULL REFERENCES literature_corpora,
    source  text        NOT NULL,
    digest  text        NOT NULL,
    format  text        NOT NULL,
    records integer     NOT NULL,
    receipt jsonb       NOT NULL,
    at      timestamptz NOT NULL,
    UNIQUE (corpus, source, digest)
);

CREATE TABLE literature_quarantine (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corpus integer NOT NULL REFERENCES literature_corpora,
    sha256 bytea   NOT NULL, -- of the record's JSON: a raw record may be too long to be a key
    body   jsonb   NOT NULL,
    UNIQUE (corpus, sha256)
);

CREATE TABLE literature_checkpoints (
    corpus integer NOT NULL REFERENCES literature_corpora,
    source text    NOT NULL,
    state  json    NOT NULL,
    done   boolean NOT NULL,
    PRIMARY KEY (corpus, source)
);

CREATE TABLE literature_judgements (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    paper    bigint      NOT NULL REFERENCES literature_papers,
    review   text        NOT NULL,
    reviewer text        NOT NULL,
    label    text        NOT NULL CHECK (label IN ('relevant', 'irrelevant', 'unsure', 'unread')),
    reason   text        NOT NULL,
    at       timestamptz NOT NULL
);

CREATE INDEX literature_judgements_last ON literature_judgements (paper, review, reviewer, seq DESC);

CREATE TRIGGER literature_judgements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON literature_judgements
    EXECUTE FUNCTION refuse_change();

-- Which text an extractor read last, and what it found there; corrections stay
-- whatever is found again.
CREATE TABLE literature_extractions (
    paper     bigint      NOT NULL REFERENCES literature_papers,
    extractor text        NOT NULL,
    text_hash text        NOT NULL,
    findings  integer     NOT NULL,
    dropped   integer     NOT NULL, -- claimed values that did not stand in their span
    at        timestamptz NOT NULL,
    PRIMARY KEY (paper, extractor)
);

CREATE TABLE literature_findings (
    paper     bigint  NOT NULL,
    extractor text    NOT NULL,
    id        text    NOT NULL,
    place     integer NOT NULL, -- in the list that the conditions of an outcome count in
    body      jsonb   NOT NULL, -- literature.Finding
    PRIMARY KEY (paper, extractor, place),
    FOREIGN KEY (paper, extractor) REFERENCES literature_extractions
);

CREATE INDEX literature_findings_by_id ON literature_findings (id);

CREATE TABLE literature_corrections (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corpus  integer NOT NULL REFERENCES literature_corpora,
    finding text    NOT NULL,
    body    jsonb   NOT NULL, -- literature.Correction
    at      timestamptz NOT NULL
);

CREATE INDEX literature_corrections_last ON literature_corrections (corpus, finding, seq DESC);

CREATE TRIGGER literature_corrections_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON literature_corrections
    EXECUTE FUNCTION refuse_change();
