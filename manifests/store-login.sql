-- Gives golive_store its login in the store of compose.yaml, with the password of the secret. It is
-- run by psql inside the container, after roles.sql.
--
-- In a store that was made before, where the superuser kept the bot's tables: run both files by hand
-- (docker compose exec store psql -U postgres -d golive -f FILE). What follows hands the tables over.

\set password `cat /run/secrets/store-password`
ALTER ROLE golive_store LOGIN PASSWORD :'password';

DO $handed_over$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_class AS c
        WHERE c.relnamespace = 'golive'::regnamespace AND c.relkind IN ('r', 'S', 'v')
          AND c.relname NOT LIKE 'fix\_%'  -- the audit of fixes never belongs to it
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO golive_store', found.name);
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure AS name FROM pg_proc AS p
        WHERE p.pronamespace = 'golive'::regnamespace AND p.proname NOT LIKE 'fix\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO golive_store', found.name);
    END LOOP;
END
$handed_over$;
