SET lock_timeout = '2s';

-- The chain of events that the first known one of these aggregates belongs to, in the order in which they are asked; NULL
-- where the journal knows none of them. A function, because its lookup keeps its plan: within the statement that appends,
-- PostgreSQL planned the lookup in every partition anew for each command, which took longer than the whole insert.
CREATE FUNCTION journal_chain(candidates uuid[]) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
    candidate uuid;
    chain     uuid;
BEGIN
    FOREACH candidate IN ARRAY candidates LOOP
        SELECT correlation_id INTO chain FROM journal WHERE aggregate_id = candidate ORDER BY aggversion LIMIT 1;
        IF FOUND THEN
            RETURN chain;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
