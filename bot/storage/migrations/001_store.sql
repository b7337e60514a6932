-- The bot's own state. Leases are judged by the database's clock; every other instant is given.

-- Who this store is: another id means that the store was replaced by another one.
CREATE TABLE golive.identity (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    id      uuid NOT NULL DEFAULT gen_random_uuid(),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO golive.identity DEFAULT VALUES;

-- Random keys, each made once by whoever needs it first.
CREATE TABLE golive.keys (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE golive.deployments (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    channel     text NOT NULL,
    version     text NOT NULL,
    deployed_at timestamptz NOT NULL,
    started_by  text NOT NULL,
    started_at  timestamptz NOT NULL,
    closed_at   timestamptz,
    closed_by   text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE UNIQUE INDEX deployments_open ON golive.deployments (channel) WHERE closed_at IS NULL;
CREATE INDEX deployments_started ON golive.deployments (started_at);

-- What a watch remembers, and who ticks it.
CREATE TABLE golive.watch_state (
    deployment_id uuid PRIMARY KEY REFERENCES golive.deployments,
    state         jsonb,
    ticked_at     timestamptz,
    tick_attempt  integer NOT NULL DEFAULT 0,
    tick_lease    timestamptz
);

-- A point of a watch: first a claim, then what came out.
CREATE TABLE golive.checkpoints (
    deployment_id uuid NOT NULL REFERENCES golive.deployments,
    key           text NOT NULL,
    run           text NOT NULL,
    checkpoint    text,
    due_at        timestamptz NOT NULL,
    owner         text NOT NULL,
    attempt       integer NOT NULL DEFAULT 1,
    lease_until   timestamptz,
    taken_at      timestamptz,
    decision      text,
    levels        jsonb,
    report        jsonb,
    evidence      jsonb,
    PRIMARY KEY (deployment_id, key)
);

-- One row a check a point, for history and comparisons.
CREATE TABLE golive.findings (
    deployment_id uuid NOT NULL,
    key           text NOT NULL,
    check_id      text NOT NULL,
    level         text NOT NULL,
    value         numeric,
    unit          text NOT NULL,
    summary       text NOT NULL,
    accepted_by   text,
    PRIMARY KEY (deployment_id, key, check_id),
    FOREIGN KEY (deployment_id, key) REFERENCES golive.checkpoints
);

-- The outbox. `seq` is the place in the queue; `token` fences; `attempt` counts the tries.
CREATE SEQUENCE golive.posts_seq;
CREATE TABLE golive.posts (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seq           bigint NOT NULL DEFAULT nextval('golive.posts_seq'),
    scope         text NOT NULL,
    key           text NOT NULL,
    deployment_id uuid REFERENCES golive.deployments,
    channel       text NOT NULL,
    message       jsonb NOT NULL,
    thread_of     uuid REFERENCES golive.posts,
    update_of     uuid REFERENCES golive.posts,
    broadcast     boolean NOT NULL,
    supersedes    boolean NOT NULL,
    not_before    timestamptz,
    enqueued_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    revision      integer NOT NULL DEFAULT 1,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given up')),
    owner         text,
    token         integer NOT NULL DEFAULT 0,
    attempt       integer NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    retry_at      timestamptz,
    unsure        boolean NOT NULL DEFAULT false,
    ts            text,
    error         text,
    UNIQUE (scope, key)
);
CREATE INDEX posts_waiting ON golive.posts (channel, seq) WHERE state = 'waiting';
CREATE INDEX posts_updates ON golive.posts (update_of) WHERE update_of IS NOT NULL;

-- Pictures and texts of a post; the content goes when it is in Slack.
CREATE TABLE golive.post_files (
    post_id uuid NOT NULL REFERENCES golive.posts,
    n       integer NOT NULL,
    picture boolean NOT NULL,
    name    text NOT NULL,
    label   text NOT NULL,
    content bytea NOT NULL,
    file_id text,
    PRIMARY KEY (post_id, n)
);

CREATE TABLE golive.notes (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deployment_id uuid NOT NULL REFERENCES golive.deployments,
    kind          text NOT NULL,
    by            text NOT NULL,
    at            timestamptz NOT NULL,
    check_id      text,
    reason        text NOT NULL,
    until         timestamptz
);
CREATE INDEX notes_deployment ON golive.notes (deployment_id);

-- Slack's envelopes and commands that were handled.
CREATE TABLE golive.deliveries (
    key text PRIMARY KEY,
    at  timestamptz NOT NULL
);
CREATE INDEX deliveries_at ON golive.deliveries (at);

-- How large a log file was at an instant.
CREATE TABLE golive.log_marks (
    path     text NOT NULL,
    at       timestamptz NOT NULL,
    inode    numeric(20, 0) NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (path, at)
);

-- Who did what. It refers to nothing, so that nothing can keep an entry from being written.
CREATE TABLE golive.audit_log (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    at            timestamptz NOT NULL,
    by            text NOT NULL,
    action        text NOT NULL,
    outcome       text NOT NULL,
    channel       text,
    deployment_id uuid,
    details       jsonb NOT NULL
);
CREATE INDEX audit_log_deployment ON golive.audit_log (deployment_id);

CREATE FUNCTION golive.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit is append-only: % is refused.', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON golive.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION golive.refuse_change();
