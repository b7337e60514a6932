-- The database roles of golive: what each may do, and nothing more.
--
--   golive_reader   reads the columns that the checks and the diagnosis need     GOLIVE_DATABASE_URL
--   golive_fixer    makes the confirmed fixes, and writes down each of them      GOLIVE_REMEDIATION_DATABASE_URL
--   golive_store    keeps the bot's own state                                    GOLIVE_STORE_URL
--
-- Run it as the owner of the application's tables (Supabase: postgres, in the SQL Editor):
--
--   PGHOST=… PGDATABASE=… PGUSER=… psql -v ON_ERROR_STOP=1 -f manifests/roles.sql
--
-- with the password in ~/.pgpass: everybody on the machine can read a command's arguments.
--
-- * It is plain SQL in one transaction: all of it, or nothing. Running it again is safe: it mends
--   the grants and keeps passwords and rows.
-- * If the bot's state lives in another database, run it there too: without the application's tables
--   it makes only the roles and the schema golive. Without fixes, leave golive_fixer without a login.
-- * No role can log in yet. Give each one that you use a password of its own (in psql, \password
--   golive_reader keeps it out of the server's log and of the shell's history):
--
--     ALTER ROLE golive_reader LOGIN PASSWORD '…';
--     ALTER ROLE golive_fixer  LOGIN PASSWORD '…';
--     ALTER ROLE golive_store  LOGIN PASSWORD '…';
--
-- * `golive doctor` compares what is granted with what is needed, and names each GRANT that is missing.
-- * The application's tables are expected in the schema public. For another one, name it first:
--     psql -v ON_ERROR_STOP=1 -c "SET golive.schema = 'crm'" -f manifests/roles.sql
--   (in the SQL Editor: the line SET golive.schema = 'crm'; above this file).
-- * Where row-level security is on, a role without a policy sees no rows at all. Then each table
--   below needs, for both roles:
--     CREATE POLICY golive ON messages TO golive_reader, golive_fixer USING (true);
-- * Before PostgreSQL 15 everybody may make tables in public. Where the application does not count
--   on that: REVOKE CREATE ON SCHEMA public FROM PUBLIC;

BEGIN;
SET LOCAL client_min_messages = warning;

-- Names without a schema are the application's from here on.
DO $schema$
BEGIN
    PERFORM set_config('search_path',
        quote_ident(coalesce(nullif(current_setting('golive.schema', true), ''), 'public')), true);
END
$schema$;

-- --- The roles ---------------------------------------------------------------------------------

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['golive_reader', 'golive_fixer', 'golive_store'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
    END LOOP;
END
$roles$;

-- The reader's wall is that it has no right to write. This is the fence before it, for the day when
-- somebody grants too much.
ALTER ROLE golive_reader SET default_transaction_read_only = on;
ALTER ROLE golive_reader SET statement_timeout = '15s';
ALTER ROLE golive_reader SET lock_timeout = '3s';
ALTER ROLE golive_reader SET idle_in_transaction_session_timeout = '60s';

-- A fix that has to wait gives up: it must not queue the application's own statements behind it.
ALTER ROLE golive_fixer SET statement_timeout = '15s';
ALTER ROLE golive_fixer SET lock_timeout = '3s';
ALTER ROLE golive_fixer SET idle_in_transaction_session_timeout = '30s';

ALTER ROLE golive_store SET idle_in_transaction_session_timeout = '60s';

-- Where the application's tables are: in public for every database, elsewhere for this one alone.
DO $path$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['golive_reader', 'golive_fixer'] LOOP
        IF current_setting('search_path') = 'public' THEN
            EXECUTE format('ALTER ROLE %I SET search_path = public', role_name);
            EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET search_path',
                role_name, current_database());
        ELSE
            EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %s',
                role_name, current_database(), current_setting('search_path'));
        END IF;
    END LOOP;
END
$path$;

-- Who blocks whom (pg_stat_activity of other users). Not every owner may pass this role on; without
-- it the diagnosis of a stuck campaign cannot name the blocking statement, and all else works.
DO $stats$
BEGIN
    GRANT pg_read_all_stats TO golive_reader;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'pg_read_all_stats was not granted to golive_reader: run this as an administrator: GRANT pg_read_all_stats TO golive_reader;';
END
$stats$;

-- --- The application's tables ------------------------------------------------------------------

-- Column by column. message contents, phone numbers, leads' names and access tokens are in no list.
-- Two columns hold secrets. They are read, compared and sent to Evolution, and never shown or kept:
-- * webhook_secret: golive_reader searches the live secrets in the log as literals, because one that
--   was leaked without its URL has no shape to find it by, and compares them with what Evolution has.
--   golive_fixer makes a new one, and tells it to Evolution.
-- * provider_config: a connection may name its own Evolution server and key, which the diagnosis then
--   asks, read-only, and a new secret is told to.

DO $application$
BEGIN
    IF to_regclass('messages') IS NULL THEN
        RAISE INFO 'There is no table messages in the schema % of %: only the schema golive is prepared here.',
            current_setting('search_path'), current_database();
        RETURN;
    END IF;

    REVOKE ALL ON units, leads, conversations, messages,
        unit_whatsapp_connections, campaigns, campaign_recipients
        FROM golive_reader, golive_fixer, golive_store;
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO golive_reader, golive_fixer',
        current_setting('search_path'));

    -- golive_reader: what Query.reads of the checks and of the diagnosis name, no more and no less.
    GRANT SELECT (id, name) ON units TO golive_reader;
    GRANT SELECT (id, unit_id, contact_id) ON leads TO golive_reader;
    GRANT SELECT (id, unit_id, contact_id, instance_id, lead_id, created_at)
        ON conversations TO golive_reader;
    GRANT SELECT (id, conversation_id, sender, status, external_id, retry_count, last_retry_at,
        error_details, created_at)
        ON messages TO golive_reader;
    GRANT SELECT (id, unit_id, provider, instance_id, status, webhook_secret, provider_config,
        connected_at, disconnected_at, created_at, updated_at)
        ON unit_whatsapp_connections TO golive_reader;
    GRANT SELECT (id, unit_id, name, status, completed_at, created_at)
        ON campaigns TO golive_reader;
    -- Not every version of the application has this column.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'campaigns'::regclass
               AND attname = 'scheduled_at' AND NOT attisdropped) THEN
        GRANT SELECT (scheduled_at) ON campaigns TO golive_reader;
    END IF;
    GRANT SELECT (id, campaign_id, contact_id, status, message_id, sent_at, error_message,
        created_at)
        ON campaign_recipients TO golive_reader;

    -- golive_fixer: what a preview must show, and the columns that a fix sets.
    GRANT SELECT (id, name) ON units TO golive_fixer;
    GRANT SELECT (id, unit_id) ON conversations TO golive_fixer;
    GRANT SELECT (id, campaign_id, status, sent_at, created_at)
        ON campaign_recipients TO golive_fixer;

    -- Fix: a new webhook secret for one unit.
    GRANT SELECT (id, unit_id, provider, instance_id, status, webhook_secret, provider_config,
        updated_at)
        ON unit_whatsapp_connections TO golive_fixer;
    GRANT UPDATE (webhook_secret) ON unit_whatsapp_connections TO golive_fixer;

    -- Fix: failed messages back into the queue.
    GRANT SELECT (id, conversation_id, sender, status, external_id, retry_count, last_retry_at,
        error_details, created_at)
        ON messages TO golive_fixer;
    GRANT UPDATE (status, retry_count, error_details) ON messages TO golive_fixer;

    -- Fix: a stuck campaign back to draft.
    GRANT SELECT (id, unit_id, name, status, started_at, completed_at, created_at)
        ON campaigns TO golive_fixer;
    GRANT UPDATE (status, started_at) ON campaigns TO golive_fixer;
END
$application$;

-- --- The schema golive -------------------------------------------------------------------------

-- It belongs to whoever runs this file, not to golive_store: a schema's owner could drop the audit.
-- golive_store makes, owns and migrates its own tables in it.

CREATE SCHEMA IF NOT EXISTS golive;

DO $owner$
BEGIN
    IF (SELECT nspowner FROM pg_namespace WHERE nspname = 'golive') <> current_user::regrole THEN
        ALTER SCHEMA golive OWNER TO CURRENT_USER;
    END IF;
END
$owner$;

REVOKE ALL ON SCHEMA golive FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA golive TO golive_store;

-- --- Fixes: claims, before-images, audit -------------------------------------------------------

-- They stand beside the application's tables, so that one transaction holds a fix and its record.

DO $fixes$
BEGIN
    IF to_regclass('messages') IS NULL THEN
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA golive TO golive_fixer;

    -- A claim is one proposed fix on its way: who may still press the button, and who did.
    --
    -- digest         of the rows as the preview showed them; other rows at execution = refused
    -- target         what it is about: a unit's or a campaign's id, '*' for all
    -- parameters     what the fix was asked to do
    -- payload        what is still to be told to Evolution after the commit. Never a secret: the
    --                secret is read from its row at that moment
    -- unsettled      the rows are changed, Evolution does not know yet
    -- lease_until    until when one process works on it; after that another may take it up
    CREATE TABLE IF NOT EXISTS golive.fix_claims (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        kind text NOT NULL,
        target text NOT NULL DEFAULT '*',
        channel text NOT NULL,
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        digest text NOT NULL,
        rows_expected bigint NOT NULL CHECK (rows_expected >= 0),
        parameters jsonb NOT NULL DEFAULT '{}',
        payload jsonb NOT NULL DEFAULT '{}',
        approvals_needed smallint NOT NULL DEFAULT 1 CHECK (approvals_needed IN (1, 2)),
        undoes uuid REFERENCES golive.fix_claims (id),

        state text NOT NULL DEFAULT 'proposed' CHECK (state IN (
            'proposed', 'approved', 'executing', 'unsettled', 'executed',
            'undone', 'refused', 'expired', 'superseded', 'failed')),
        state_at timestamptz,
        state_by text,
        state_reason text,
        approved_by text,
        approved_at timestamptz,
        executed_by text,
        executed_at timestamptz,
        rows_changed bigint CHECK (rows_changed >= 0),
        after_digest text,
        settle_attempts integer NOT NULL DEFAULT 0,
        settled_at timestamptz,
        undone_by text,
        undone_at timestamptz,
        lease_until timestamptz,
        message_ts text,

        CONSTRAINT fix_claims_expire CHECK (expires_at > proposed_at),
        -- Where a second person is asked for, the first cannot be both.
        CONSTRAINT fix_claims_two_people CHECK (
            approvals_needed < 2 OR approved_by IS NULL OR approved_by <> proposed_by),
        CONSTRAINT fix_claims_approved_first CHECK (
            approvals_needed < 2 OR approved_by IS NOT NULL
            OR state NOT IN ('approved', 'executing', 'unsettled', 'executed', 'undone'))
    );
    -- Two people who press at once: one of them executes.
    CREATE UNIQUE INDEX IF NOT EXISTS fix_claims_one_at_a_time
        ON golive.fix_claims (kind, target) WHERE state = 'executing';
    CREATE INDEX IF NOT EXISTS fix_claims_open
        ON golive.fix_claims (state, expires_at)
        WHERE state IN ('proposed', 'approved', 'executing', 'unsettled');

    -- Each changed row as it was and as it became: only the columns that the fix sets. Never a
    -- secret: of a webhook secret it says that there was one.
    CREATE TABLE IF NOT EXISTS golive.fix_before_images (
        claim_id uuid NOT NULL REFERENCES golive.fix_claims (id),
        table_name text NOT NULL,
        row_id uuid NOT NULL,
        before jsonb NOT NULL,
        after jsonb NOT NULL,
        PRIMARY KEY (claim_id, table_name, row_id)
    );

    -- What happened, in a chain: each row holds the hash of the one before. seq, recorded_at,
    -- prev_hash and hash are the trigger's; nobody can choose them.
    CREATE TABLE IF NOT EXISTS golive.fix_audit (
        seq bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        claim_id uuid REFERENCES golive.fix_claims (id),
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        reason text,
        rows bigint NOT NULL DEFAULT 0,
        before_digest text,
        after_digest text,
        details jsonb NOT NULL DEFAULT '{}',
        prev_hash text NOT NULL,
        hash text NOT NULL UNIQUE
    );
    CREATE INDEX IF NOT EXISTS fix_audit_claim ON golive.fix_audit (claim_id);

    -- The chain's end: locked by each new row, so that two fixes cannot both follow the same one.
    CREATE TABLE IF NOT EXISTS golive.fix_audit_head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        seq bigint NOT NULL,
        hash text NOT NULL
    );
    INSERT INTO golive.fix_audit_head (seq, hash) VALUES (0, repeat('0', 64))
        ON CONFLICT DO NOTHING;

    CREATE OR REPLACE FUNCTION golive.fix_audit_hash(entry golive.fix_audit) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
        SELECT encode(sha256(convert_to(jsonb_build_array(
            entry.seq,
            to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            to_char(entry.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            entry.claim_id, entry.actor, entry.action, entry.target, entry.reason, entry.rows,
            entry.before_digest, entry.after_digest, entry.details, entry.prev_hash
        )::text, 'UTF8')), 'hex')
    $body$;

    -- SECURITY DEFINER: golive_fixer may add a row, and touches the head only through this. Every
    -- name in the functions of triggers has its schema, so that a session's own tables mean nothing.
    CREATE OR REPLACE FUNCTION golive.fix_audit_append() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, golive AS $body$
    DECLARE
        head golive.fix_audit_head;
    BEGIN
        SELECT * INTO STRICT head FROM golive.fix_audit_head FOR UPDATE;
        NEW.seq := head.seq + 1;
        NEW.recorded_at := clock_timestamp();
        NEW.prev_hash := head.hash;
        NEW.hash := golive.fix_audit_hash(NEW);
        UPDATE golive.fix_audit_head SET seq = NEW.seq, hash = NEW.hash;
        RETURN NEW;
    END
    $body$;

    CREATE OR REPLACE FUNCTION golive.fix_audit_refuse() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, golive AS $body$
    BEGIN
        RAISE EXCEPTION 'golive.fix_audit is append-only: % is refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END
    $body$;

    -- What is over stays over, and what was executed cannot be executed again. What two operators
    -- made, two undo.
    CREATE OR REPLACE FUNCTION golive.fix_claims_step() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, golive AS $body$
    BEGIN
        IF NEW.state <> OLD.state AND (
            OLD.state IN ('undone', 'refused', 'expired', 'superseded', 'failed')
            OR (OLD.state IN ('executed', 'unsettled')
                AND NEW.state NOT IN ('executed', 'unsettled', 'undone'))
            OR (OLD.state = 'executing' AND NEW.state = 'proposed')
        ) THEN
            RAISE EXCEPTION 'a claim that is % cannot become %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state = 'undone' AND OLD.state <> 'undone' AND NEW.approvals_needed > 1
            AND NOT EXISTS (
                SELECT FROM golive.fix_audit AS a
                WHERE a.claim_id = NEW.id AND a.action = 'undo-asked'
                  AND a.actor <> NEW.undone_by)
        THEN
            RAISE EXCEPTION 'two operators must undo this fix, and one has asked for it'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END
    $body$;

    DROP TRIGGER IF EXISTS fix_audit_append ON golive.fix_audit;
    CREATE TRIGGER fix_audit_append BEFORE INSERT ON golive.fix_audit
        FOR EACH ROW EXECUTE FUNCTION golive.fix_audit_append();
    DROP TRIGGER IF EXISTS fix_audit_refuse ON golive.fix_audit;
    CREATE TRIGGER fix_audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON golive.fix_audit
        FOR EACH STATEMENT EXECUTE FUNCTION golive.fix_audit_refuse();
    DROP TRIGGER IF EXISTS fix_claims_step ON golive.fix_claims;
    CREATE TRIGGER fix_claims_step BEFORE UPDATE ON golive.fix_claims
        FOR EACH ROW EXECUTE FUNCTION golive.fix_claims_step();

    -- The number of the first row that does not fit into the chain; NULL when all of it does. Who
    -- owns the table could still write a whole new chain: keep a hash elsewhere to compare with.
    CREATE OR REPLACE FUNCTION golive.fix_audit_broken_at() RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
        WITH link AS (
            SELECT
                a.seq,
                a.hash,
                a.seq = row_number() OVER (ORDER BY a.seq)
                    AND a.prev_hash = lag(a.hash, 1, repeat('0', 64)) OVER (ORDER BY a.seq)
                    AND a.hash = golive.fix_audit_hash(a) AS fits
            FROM golive.fix_audit AS a
        ), last AS (
            SELECT coalesce(max(seq), 0) AS seq FROM link
        )
        SELECT min(seq) FROM (
            SELECT seq FROM link WHERE NOT fits
            UNION ALL
            SELECT least(last.seq, head.seq) + 1
            FROM last CROSS JOIN golive.fix_audit_head AS head
            LEFT JOIN link ON link.seq = head.seq
            WHERE last.seq <> head.seq
               OR coalesce(link.hash, repeat('0', 64)) <> head.hash
        ) AS broken
    $body$;

    REVOKE ALL ON golive.fix_claims, golive.fix_before_images, golive.fix_audit,
        golive.fix_audit_head FROM PUBLIC, golive_reader, golive_fixer, golive_store;
    REVOKE ALL ON FUNCTION golive.fix_audit_hash(golive.fix_audit), golive.fix_audit_append(),
        golive.fix_audit_refuse(), golive.fix_claims_step(), golive.fix_audit_broken_at()
        FROM PUBLIC;

    GRANT SELECT ON golive.fix_claims, golive.fix_before_images, golive.fix_audit,
        golive.fix_audit_head TO golive_fixer;
    GRANT EXECUTE ON FUNCTION golive.fix_audit_hash(golive.fix_audit), golive.fix_audit_broken_at()
        TO golive_fixer;
    -- A claim begins as proposed, and what was proposed never changes; its state does.
    GRANT INSERT (id, kind, target, channel, proposed_by, proposed_at, expires_at, digest,
        rows_expected, parameters, payload, approvals_needed, undoes, message_ts)
        ON golive.fix_claims TO golive_fixer;
    GRANT UPDATE (state, state_at, state_by, state_reason, approved_by, approved_at, executed_by,
        executed_at, rows_changed, after_digest, settle_attempts, settled_at, undone_by, undone_at,
        lease_until, message_ts)
        ON golive.fix_claims TO golive_fixer;
    GRANT INSERT ON golive.fix_before_images TO golive_fixer;
    GRANT INSERT (at, claim_id, actor, action, target, reason, rows, before_digest, after_digest,
        details)
        ON golive.fix_audit TO golive_fixer;
END
$fixes$;

COMMIT;
