-- Visits under contracts, and our copy of standing (C6). That no worker is at two places at once, travel included,
-- is the database's to hold: two dispatchers may decide in the same moment.
SET lock_timeout = '2s';

CREATE TABLE known_standing (
    worker_id uuid    NOT NULL,
    service   text    NOT NULL,
    -- Older numbers are ignored (workforce W12).
    seq       bigint  NOT NULL,
    intervals jsonb   NOT NULL,
    PRIMARY KEY (worker_id, service)
);

CREATE TABLE visit (
    id               uuid        PRIMARY KEY,
    -- The branch that renders it.
    branch_id        uuid        NOT NULL,
    contract_id      uuid        NOT NULL REFERENCES contract (id),
    line             integer     NOT NULL CHECK (line >= 0),
    number           integer     NOT NULL CHECK (number > 0),
    customer_id      uuid        NOT NULL,
    service          text        NOT NULL,
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL CHECK (starts_at < ends_at),
    -- The end with the way to the next one.
    busy_until       timestamptz NOT NULL CHECK (ends_at <= busy_until),
    base_fen         bigint      NOT NULL CHECK (base_fen >= 0),
    surcharge_fen    bigint      NOT NULL CHECK (surcharge_fen >= 0),
    worker_share_fen bigint      NOT NULL CHECK (worker_share_fen >= 0),
    state            text        NOT NULL CHECK (state IN ('planned', 'assigned', 'in_progress', 'done', 'confirmed', 'cancelled', 'no_show', 'needs_replacement')),
    -- Who goes, or was to go; the same UUID as the employee's.
    worker_id        uuid,
    home_branch_id   uuid,
    standing_seq     bigint,
    since            timestamptz,
    started_at       timestamptz,
    done_at          timestamptz,
    confirmed_at     timestamptz,
    confirmed_by     text        CHECK (confirmed_by IN ('customer', 'time_ran_out')),
    ended_by         text        CHECK (ended_by IN ('customer', 'company', 'worker')),
    ended_at         timestamptz,
    version          integer     NOT NULL,
    CONSTRAINT visit_worker CHECK (state IN ('planned', 'cancelled', 'no_show') OR (worker_id IS NOT NULL AND standing_seq IS NOT NULL)),
    CONSTRAINT visit_confirmed CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL)),
    CONSTRAINT visit_ended CHECK ((state IN ('cancelled', 'no_show')) = (ended_at IS NOT NULL)),
    CONSTRAINT visit_worker_once EXCLUDE USING gist (worker_id WITH =, tstzrange(starts_at, busy_until) WITH &&)
        WHERE (state IN ('assigned', 'in_progress', 'done', 'confirmed'))
);
-- A cancelled visit leaves its place to another one.
CREATE UNIQUE INDEX visit_number_once ON visit (contract_id, line, number) WHERE state <> 'cancelled';
CREATE INDEX visit_branch ON visit (branch_id, id);
CREATE INDEX visit_worker_service ON visit (worker_id, service, starts_at);
