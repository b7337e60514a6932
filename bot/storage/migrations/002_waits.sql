-- Who waits for the next inbound message, where, and from which byte of the log on.
CREATE TABLE golive.waits (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    channel    text NOT NULL,
    asked_by   text NOT NULL,
    began_at   timestamptz NOT NULL,
    log_path   text,
    log_inode  numeric(20, 0),
    log_offset bigint,
    looked_at  timestamptz NOT NULL,
    missed     interval NOT NULL DEFAULT '0',
    in_log_at  timestamptz,
    in_rows_at timestamptz,
    ended_at   timestamptz,
    CHECK ((log_path IS NULL) = (log_inode IS NULL) AND (log_path IS NULL) = (log_offset IS NULL))
);
CREATE UNIQUE INDEX waits_open ON golive.waits (channel) WHERE ended_at IS NULL;
