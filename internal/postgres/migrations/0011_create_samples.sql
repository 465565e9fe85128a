-- Where samples are. That a sample is in exactly one slot, and that a slot has
-- at most one sample, are the two keys of one table; that only a handover moves
-- one is a trigger of it. So no program can break them, this one included.
CREATE TABLE placements (
    sample   text PRIMARY KEY,
    device   text        NOT NULL,
    slot     text        NOT NULL,
    certain  boolean     NOT NULL DEFAULT true,
    evidence text        NOT NULL, -- the token of a handover, or who brought it
    since    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (device, slot)
);

-- A change of hands: two commands under one token. While it is open or
-- uncertain its sample and both its slots are at no other.
CREATE TABLE handovers (
    token        text PRIMARY KEY,
    sample       text        NOT NULL,
    from_device  text        NOT NULL,
    from_slot    text        NOT NULL,
    to_device    text        NOT NULL,
    to_slot      text        NOT NULL,
    give_id      uuid        NOT NULL UNIQUE,
    take_id      uuid        NOT NULL UNIQUE,
    give         json        NOT NULL, -- lab.Command
    take         json        NOT NULL,
    gave_state   text        NOT NULL DEFAULT '',
    gave_effect  text        NOT NULL DEFAULT '',
    took_state   text        NOT NULL DEFAULT '',
    took_effect  text        NOT NULL DEFAULT '',
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'moved', 'stayed', 'uncertain')),
    resolved_by  text        NOT NULL DEFAULT '',
    reason       text        NOT NULL DEFAULT '',
    opened_at    timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    CHECK ((from_device, from_slot) <> (to_device, to_slot))
);

CREATE UNIQUE INDEX handovers_of_sample ON handovers (sample) WHERE state IN ('open', 'uncertain');
CREATE UNIQUE INDEX handovers_from_slot ON handovers (from_device, from_slot) WHERE state IN ('open', 'uncertain');
CREATE UNIQUE INDEX handovers_to_slot ON handovers (to_device, to_slot) WHERE state IN ('open', 'uncertain');

-- Every place that a sample has been in, in order.
CREATE TABLE sample_moves (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sample   text        NOT NULL,
    device   text        NOT NULL,
    slot     text        NOT NULL,
    evidence text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX sample_moves_by_sample ON sample_moves (sample, seq);

CREATE TRIGGER sample_moves_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sample_moves
    EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_placement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.device, NEW.slot) IS DISTINCT FROM (OLD.device, OLD.slot) THEN
        PERFORM 1 FROM handovers h
        WHERE h.token = NEW.evidence AND h.sample = NEW.sample AND h.state = 'moved'
            AND (h.from_device, h.from_slot) = (OLD.device, OLD.slot) AND (h.to_device, h.to_slot) = (NEW.device, NEW.slot);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'sample % moves by a handover only', OLD.sample USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.sample <> OLD.sample THEN
        RAISE EXCEPTION 'sample % keeps its name', OLD.sample USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' OR (NEW.device, NEW.slot) IS DISTINCT FROM (OLD.device, OLD.slot) THEN
        INSERT INTO sample_moves (sample, device, slot, evidence) VALUES (NEW.sample, NEW.device, NEW.slot, NEW.evidence);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER placements_guard BEFORE INSERT OR UPDATE ON placements
    FOR EACH ROW EXECUTE FUNCTION guard_placement();

CREATE TRIGGER placements_stay BEFORE DELETE OR TRUNCATE ON placements
    EXECUTE FUNCTION refuse_change();
