-- The present verdict of a watch, which every message that shows where it stands reads.
ALTER TABLE golive.watch_state ADD COLUMN present jsonb;
