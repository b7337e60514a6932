-- The names of golive's own test events, which the application's log calls unknown instances.
CREATE TABLE golive.own_events (
    name text PRIMARY KEY,
    at   timestamptz NOT NULL
);
