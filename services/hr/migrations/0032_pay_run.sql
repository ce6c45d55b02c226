-- Pay runs (hr.md §3): inputs are frozen into run_input by one REPEATABLE READ transaction, slips are calculated from
-- them chunk by chunk, and only an approval posts. `attempt` counts calculations: what an earlier one left is never read.
SET lock_timeout = '2s';

CREATE TABLE pay_run (
    id                uuid        PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN ('ordinary')),
    month             date        NOT NULL CHECK (extract(day FROM month) = 1),
    -- The branches whose people it pays, sorted.
    branches          uuid[]      NOT NULL CHECK (cardinality(branches) BETWEEN 1 AND 1000),
    state             text        NOT NULL CHECK (state IN ('draft', 'calculated', 'reviewed', 'approved', 'paid', 'closed', 'cancelled')),
    attempt           integer     NOT NULL CHECK (attempt >= 0),
    opener_user       uuid        NOT NULL,
    opener_employee   uuid,
    preparer_user     uuid,
    preparer_employee uuid,
    calculated_at     timestamptz,
    policy_version    uuid,
    hash              bytea       CHECK (octet_length(hash) = 32),
    slips             bigint,
    blocked           bigint,
    gross_fen         bigint,
    lateness_fen      bigint,
    lateness_waived_fen bigint,
    penalties_fen     bigint,
    refunds_fen       bigint,
    adjustments_fen   bigint,
    net_fen           bigint      CHECK (net_fen >= 0),
    reviewer_user     uuid,
    reviewer_employee uuid,
    approver_user     uuid,
    approver_employee uuid,
    approved_at       timestamptz,
    -- The transaction of the approval: whether a frozen run has seen it.
    approved_tx       xid8,
    payer_user        uuid,
    paid_at           timestamptz,
    closed_at         timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT pay_run_calculated CHECK ((state IN ('draft', 'cancelled') OR calculated_at IS NOT NULL)
        AND num_nonnulls(calculated_at, preparer_user, policy_version, hash, slips, blocked, gross_fen, lateness_fen, lateness_waived_fen,
                         penalties_fen, refunds_fen, adjustments_fen, net_fen) IN (0, 13)),
    CONSTRAINT pay_run_approved CHECK ((state IN ('approved', 'paid', 'closed')) = (approved_at IS NOT NULL)
        AND (approved_at IS NULL) = (approver_user IS NULL)),
    CONSTRAINT pay_run_paid CHECK ((state IN ('paid', 'closed')) = (paid_at IS NOT NULL) AND (paid_at IS NULL) = (payer_user IS NULL)),
    CONSTRAINT pay_run_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    -- H4; two accounts of one person are one person.
    CONSTRAINT pay_run_four_eyes CHECK (approver_user <> ALL (ARRAY[opener_user, preparer_user])
        AND (approver_employee IS NULL OR (approver_employee IS DISTINCT FROM opener_employee AND approver_employee IS DISTINCT FROM preparer_employee)))
);
CREATE INDEX pay_run_branches ON pay_run USING gin (branches);

-- One run at a time prepares a branch's month; a further one may follow for those an exception kept out.
CREATE TABLE pay_run_branch (
    run_id    uuid    NOT NULL REFERENCES pay_run,
    branch_id uuid    NOT NULL REFERENCES branch,
    month     date    NOT NULL,
    is_open   boolean NOT NULL,
    PRIMARY KEY (run_id, branch_id)
);
CREATE UNIQUE INDEX pay_run_one_open ON pay_run_branch (branch_id, month) WHERE is_open;

-- One freezing of inputs.
CREATE TABLE run_freeze (
    run_id    uuid        NOT NULL REFERENCES pay_run,
    attempt   integer     NOT NULL,
    frozen_at timestamptz NOT NULL,
    -- How far each reader had come, and which transactions were visible.
    positions jsonb       NOT NULL,
    snapshot  pg_snapshot NOT NULL,
    -- The pay policies of the months concerned, oldest first.
    policies  jsonb       NOT NULL,
    -- The scheduled workdays of the month by branch.
    workdays  jsonb       NOT NULL,
    people    bigint      NOT NULL,
    chunks    integer     NOT NULL,
    PRIMARY KEY (run_id, attempt)
);

CREATE TABLE run_input (
    run_id      uuid    NOT NULL,
    attempt     integer NOT NULL,
    employee_id uuid    NOT NULL,
    chunk       integer NOT NULL,
    -- pii: pay
    facts       jsonb   NOT NULL,
    PRIMARY KEY (run_id, attempt, employee_id)
);
CREATE INDEX run_input_chunk ON run_input (run_id, attempt, chunk);
CREATE INDEX run_input_employee ON run_input (employee_id);

-- A chunk is done when its slips are written, in the same transaction: killed and resumed, none is done twice.
CREATE TABLE run_chunk (
    run_id  uuid    NOT NULL,
    attempt integer NOT NULL,
    chunk   integer NOT NULL,
    PRIMARY KEY (run_id, attempt, chunk)
);
