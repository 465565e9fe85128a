-- A sample that was thrown away, taken out or lost is outside the laboratory: in
-- a slot of its own name at the device '_outside', so that it is still in exactly
-- one place and its way is on record. Nothing comes back from there.
ALTER TABLE handovers DROP CONSTRAINT handovers_state_check;
ALTER TABLE handovers ADD CONSTRAINT handovers_state_check CHECK (state IN ('open', 'moved', 'stayed', 'uncertain', 'lost'));

CREATE OR REPLACE FUNCTION guard_placement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.device, NEW.slot) IS DISTINCT FROM (OLD.device, OLD.slot) THEN
        IF NEW.device = '_outside' THEN
            PERFORM 1 FROM handovers h WHERE h.sample = NEW.sample AND h.state IN ('open', 'uncertain');
            IF FOUND OR NEW.slot <> NEW.sample THEN
                RAISE EXCEPTION 'sample % is at a handover', OLD.sample USING ERRCODE = 'restrict_violation';
            END IF;
        ELSE
            PERFORM 1 FROM handovers h
            WHERE h.token = NEW.evidence AND h.sample = NEW.sample AND h.state = 'moved'
                AND (h.from_device, h.from_slot) = (OLD.device, OLD.slot) AND (h.to_device, h.to_slot) = (NEW.device, NEW.slot);
            IF NOT FOUND THEN
                RAISE EXCEPTION 'sample % moves by a handover only', OLD.sample USING ERRCODE = 'restrict_violation';
            END IF;
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

-- What a device says of its slots, calibrations, supplies and streams, for the page.
ALTER TABLE devices ADD COLUMN said jsonb NOT NULL DEFAULT '{}';
