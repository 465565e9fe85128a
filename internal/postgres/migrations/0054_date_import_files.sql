-- When a file was last put: one that nobody imports is forgotten some time after.
ALTER TABLE import_files ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE INDEX import_files_by_time ON import_files (at) WHERE part = 0;
