-- Why a step that has its devices could not be prepared, as it was said last. It
-- is tried every few seconds; what was not said for a minute stands no longer.
CREATE TABLE obstacles (
    experiment_id uuid        NOT NULL,
    step          text        NOT NULL,
    campaign_id   uuid        NOT NULL,
    number        integer     NOT NULL,
    why           text        NOT NULL,
    since         timestamptz NOT NULL,
    said_at       timestamptz NOT NULL,
    PRIMARY KEY (experiment_id, step)
);
