-- What a service's journal holds, and what a row of it weighs: the inputs of `growth` (benches/growth.toml).
--
--   steward --data-dir DIR demo --once, then `steward --data-dir DIR up` and, for each service's database:
--   psql DATABASE_URL --file benches/census.sql
--
-- Bytes: all partitions of journal and journal_order with their indexes, over the rows. Partitions that are empty yet
-- weigh a few pages each, so a journal of some thousand rows says a little too much.
SELECT regexp_replace(type, '\.v[0-9]+$', '') AS event, count(*) AS rows, avg(pg_column_size(data))::int AS data_bytes
FROM journal GROUP BY event ORDER BY rows DESC;

SELECT count(*) AS rows,
       (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('journal')) / count(*) AS journal_bytes_per_row,
       (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('journal_order')) / count(*) AS order_bytes_per_row,
       avg(pg_column_size(journal.*))::int AS tuple_bytes
FROM journal;
