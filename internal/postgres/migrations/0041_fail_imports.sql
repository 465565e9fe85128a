-- Why an import can never succeed, so that whoever waits for it is told.
ALTER TABLE imports ADD COLUMN failure text CHECK (failure IS NULL OR summary IS NULL);
