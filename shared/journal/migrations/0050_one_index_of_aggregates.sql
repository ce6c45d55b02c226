-- Every partition has a unique index on (aggregate_id, aggversion) of its own, made by journal_extend(). The parent's
-- plain index on the same columns doubled it: each event was entered twice, and no query reads what the unique one
-- does not serve.
SET lock_timeout = '2s';
DROP INDEX journal_aggregate;
