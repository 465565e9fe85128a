-- Records that are forgotten after a time are found by their time.
CREATE INDEX events_by_time ON events (at);
CREATE INDEX telemetry_by_end ON telemetry (until);
