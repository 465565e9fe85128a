-- What is to be forgotten comes in the order of its time, so a BRIN index finds it
-- and costs those who write next to nothing; a B-tree costs them at every row.
DROP INDEX events_by_time;
DROP INDEX telemetry_by_end;
CREATE INDEX events_by_time ON events USING brin (at);
CREATE INDEX telemetry_by_end ON telemetry USING brin (until);
