SET lock_timeout = '2s';

-- The chains that the first known ones of these aggregates belong to, by the number of the chain: each candidate has the
-- number of its chain at the same place, and those of a chain stand in the order in which they are asked. NULL where the
-- journal knows none. All events of an aggregate are of one chain, so any of them says it: what is found in one partition is
-- not looked for in the next. One call for a transaction; the lookup keeps its plan.
CREATE FUNCTION journal_chains(chains int[], candidates uuid[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    known uuid[] := '{}';
BEGIN
    FOR place IN 1 .. cardinality(candidates) LOOP
        IF known[chains[place]] IS NULL THEN
            known[chains[place]] := (SELECT correlation_id FROM journal WHERE aggregate_id = candidates[place] LIMIT 1);
        END IF;
    END LOOP;
    RETURN known;
END $$;

-- journal_chain(uuid[]) stays for one release more: a process of the one before appends by it, beside those of this one.
