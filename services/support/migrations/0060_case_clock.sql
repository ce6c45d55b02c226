-- Running clocks of complaints (support.md §10 K1–K8): one row each, started anew with every cycle (K8). Of a kind
-- a complaint has at most one that runs; only the resolution pauses (K4); what was breached stays breached.
SET lock_timeout = '2s';

CREATE TABLE case_clock (
    id              uuid        PRIMARY KEY,
    branch_id       uuid        NOT NULL,
    complaint_id    uuid        NOT NULL REFERENCES complaint (id),
    kind            text        NOT NULL CHECK (kind IN ('ack', 'next_reply', 'resolution')),
    cycle_no        integer     NOT NULL CHECK (cycle_no > 0),
    severity        text        NOT NULL CHECK (severity IN ('S1', 'S2', 'S3', 'S4')),
    budget_of       text        NOT NULL CHECK (budget_of IN ('S1', 'S2', 'S3', 'S4')),
    unit            text        NOT NULL CHECK (unit IN ('business', 'wall')),
    budget_minutes  integer     NOT NULL CHECK (budget_minutes > 0),
    started_at      timestamptz NOT NULL,
    counted_from    timestamptz NOT NULL,
    left_us         bigint      NOT NULL CHECK (left_us >= 0),
    paused_us       bigint      NOT NULL CHECK (paused_us >= 0),
    due_at          timestamptz NOT NULL,
    provisional     boolean     NOT NULL,
    policy_version  uuid        NOT NULL,
    hours_version   uuid        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('running', 'paused', 'breached', 'stopped')),
    paused_at       timestamptz,
    pause_reason    text        CHECK (pause_reason IN ('waiting_customer_decision', 'waiting_customer_evidence', 'third_party_report')),
    pause_ends_at   timestamptz,
    detected_at     timestamptz,
    stopped_at      timestamptz,
    version         integer     NOT NULL,
    CONSTRAINT case_clock_pauses CHECK ((state = 'paused') = (paused_at IS NOT NULL AND pause_reason IS NOT NULL AND pause_ends_at IS NOT NULL)),
    CONSTRAINT case_clock_pauses_resolution CHECK (state <> 'paused' OR kind = 'resolution'),
    CONSTRAINT case_clock_breach CHECK (state <> 'breached' OR detected_at IS NOT NULL),
    CONSTRAINT case_clock_breach_not_early CHECK (detected_at >= due_at),
    CONSTRAINT case_clock_stops CHECK ((state = 'stopped') = (stopped_at IS NOT NULL))
);
CREATE UNIQUE INDEX case_clock_one_runs ON case_clock (complaint_id, kind) WHERE state <> 'stopped';
CREATE UNIQUE INDEX case_clock_once_a_cycle ON case_clock (complaint_id, kind, cycle_no) WHERE kind <> 'next_reply';
CREATE INDEX case_clock_branch ON case_clock (branch_id, id);
CREATE INDEX case_clock_running ON case_clock (id) WHERE state = 'running';
