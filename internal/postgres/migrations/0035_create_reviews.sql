-- What a campaign read before it began, and what its outcomes have said of the
-- papers since. A review is written once: every plan's brief holds its evidence.
CREATE TABLE reviews (
    campaign_id uuid        PRIMARY KEY REFERENCES campaigns,
    corpus      text        NOT NULL,
    version     text        NOT NULL, -- of its evidence
    body        jsonb       NOT NULL, -- review.Review
    made_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER reviews_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reviews
    EXECUTE FUNCTION refuse_change();

CREATE TABLE credibilities (
    campaign_id uuid             NOT NULL REFERENCES reviews,
    round       integer          NOT NULL, -- before whose plan the outcomes were in
    paper       text             NOT NULL,
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    correlation double precision NOT NULL,
    near        double precision NOT NULL,
    outcomes    integer          NOT NULL,
    PRIMARY KEY (campaign_id, round, paper)
);

CREATE TRIGGER credibilities_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credibilities
    EXECUTE FUNCTION refuse_change();
