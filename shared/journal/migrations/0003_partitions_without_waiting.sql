-- Partitions are made apart and then attached: CREATE TABLE … PARTITION OF locks the whole journal against its writers
-- for as long as it waits for the longest of them, ATTACH does not (SHARE UPDATE EXCLUSIVE). Whatever is still in the way
-- is given up on after 200 ms; two partitions are always ahead, and the relay asks again.
SET lock_timeout = '2s';

CREATE OR REPLACE FUNCTION journal_extend() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    width    constant bigint := 10000000;
    last_id  bigint := coalesce(pg_sequence_last_value(pg_get_serial_sequence('journal', 'id')::regclass), 0);
    last_seq bigint := (SELECT next_seq FROM relay);
    part     bigint;
    name     text;
BEGIN
    FOR part IN last_id / width .. last_id / width + 2 LOOP
        name := 'journal_p' || part;
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE journal INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (event_id)', name || '_event', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (aggregate_id, aggversion)', name || '_aggregate', name);
        EXECUTE format('ALTER TABLE journal ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, part * width, (part + 1) * width);
    END LOOP;
    FOR part IN last_seq / width .. last_seq / width + 2 LOOP
        name := 'journal_order_p' || part;
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE journal_order INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (id)', name || '_id', name);
        EXECUTE format('ALTER TABLE journal_order ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, part * width, (part + 1) * width);
    END LOOP;
END $$;
