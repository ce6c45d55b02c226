-- The journal: one row per event, written in the transaction of the change (events.md §1).
-- Partitioned by fixed ranges of id, made ahead by journal_extend(); dropping a whole, wholly numbered
-- partition after 13 months is the only deletion there is.
SET lock_timeout = '2s';

CREATE TABLE journal (
    -- First column on purpose: the transaction has its id before the row takes its number (events.md §2).
    tx             xid8        NOT NULL DEFAULT pg_current_xact_id(),
    id             bigint      GENERATED ALWAYS AS IDENTITY (CACHE 1),
    event_id       uuid        NOT NULL,
    type           text        NOT NULL CHECK (type ~ '^[a-z]+(\.[a-z_]+){2}\.v[0-9]+$'),
    aggregate      text        NOT NULL CHECK (aggregate ~ '^[a-z_]+$'),
    -- With the prefix, as the envelope shows it; the UUID beside it is what indexes and joins use.
    subject        text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    aggversion     integer     NOT NULL CHECK (aggversion > 0),
    branch_id      uuid,
    actor_kind     text        NOT NULL CHECK (actor_kind IN ('principal', 'timer', 'reaction', 'operator')),
    actor_id       text        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    clause         text,
    data           jsonb       NOT NULL CHECK (octet_length(data::text) <= 65536),
    traceparent    text,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- Which event is which number; written by the relay only. The hash chains the rows (audit).
CREATE TABLE journal_order (
    seq  bigint NOT NULL CHECK (seq > 0),
    id   bigint NOT NULL,
    hash bytea  NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);

-- Ids given out and not seen yet. The fence of a hole lives in the relay's memory, because every restart
-- has to give a fresh one anyway.
CREATE TABLE journal_hole (
    ids int8range NOT NULL PRIMARY KEY CHECK (NOT isempty(ids) AND NOT lower_inf(ids) AND NOT upper_inf(ids))
);

-- One row: the state of numbering. `singleton` makes a second row impossible.
CREATE TABLE relay (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch    integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
    base     bigint  NOT NULL DEFAULT 0,
    next_seq bigint  NOT NULL DEFAULT 1,
    max_seen bigint  NOT NULL DEFAULT 0,
    head     bytea   NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    term     bigint  NOT NULL DEFAULT 0
);
INSERT INTO relay DEFAULT VALUES;

-- How far each reader has applied each source: moved in the transaction of the effect.
CREATE TABLE reader (
    name     text    NOT NULL,
    source   text    NOT NULL,
    epoch    integer NOT NULL,
    seq      bigint  NOT NULL CHECK (seq >= 0),
    event_id uuid,
    PRIMARY KEY (name, source)
);

-- Events that could not take effect yet, in order per aggregate (events.md §5).
CREATE TABLE parked (
    reader       text        NOT NULL,
    source       text        NOT NULL,
    seq          bigint      NOT NULL,
    event_id     uuid        NOT NULL,
    aggregate_id uuid        NOT NULL,
    reason       text        NOT NULL,
    detail       text        NOT NULL,
    waits_for    uuid,
    attempts     integer     NOT NULL DEFAULT 1,
    first_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_try_at  timestamptz,
    envelope     jsonb       NOT NULL,
    PRIMARY KEY (reader, source, seq)
);
CREATE INDEX parked_aggregate ON parked (reader, source, aggregate_id, seq);
CREATE INDEX parked_due ON parked (reader, source, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX parked_waits_for ON parked (waits_for) WHERE waits_for IS NOT NULL;

-- What time will cause: one running row per (kind, ref); support.md K9.
CREATE TABLE timer (
    id       uuid        PRIMARY KEY,
    kind     text        NOT NULL,
    ref      uuid        NOT NULL,
    due_at   timestamptz NOT NULL,
    state    text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'fired', 'cancelled')),
    fired_at timestamptz,
    CHECK ((state = 'fired') = (fired_at IS NOT NULL))
);
CREATE UNIQUE INDEX timer_running ON timer (kind, ref) WHERE state = 'running';
CREATE INDEX timer_due ON timer (due_at, id) WHERE state = 'running';

-- Makes partitions ahead of what has been given out, as the owner: the application role may not create tables.
-- PostgreSQL wants the partition key in every unique constraint of the parent, so these hold per partition;
-- across partitions the aggregate's own version guards.
CREATE FUNCTION journal_extend() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
        EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%s) TO (%s)', name, part * width, (part + 1) * width);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (event_id)', name || '_event', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (aggregate_id, aggversion)', name || '_aggregate', name);
    END LOOP;
    FOR part IN last_seq / width .. last_seq / width + 2 LOOP
        name := 'journal_order_p' || part;
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I PARTITION OF journal_order FOR VALUES FROM (%s) TO (%s)', name, part * width, (part + 1) * width);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (id)', name || '_id', name);
    END LOOP;
END $$;
SELECT journal_extend();

CREATE INDEX journal_aggregate ON journal (aggregate_id, aggversion);
CREATE INDEX journal_correlation ON journal (correlation_id);
CREATE INDEX journal_causation ON journal (causation_id) WHERE causation_id IS NOT NULL;

-- Append-only, whoever asks: the grants say it to the application, this to everybody else.
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_is_append_only();
