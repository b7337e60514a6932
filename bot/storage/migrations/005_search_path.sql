-- A function of a trigger looks names up in the system's schema and in this one alone, whatever the
-- session that fires it has set.
ALTER FUNCTION golive.refuse_change() SET search_path = pg_catalog, golive;
