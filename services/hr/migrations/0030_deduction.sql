-- Deductions: payroll's side of each fine that support confirmed; where every fen of it is, held by the table (H5).
SET lock_timeout = '2s';

-- What support said about fines: each event takes effect once, also when the whole stream is read again (H-E32).
CREATE TABLE penalty_inbox (
    event_id    uuid        PRIMARY KEY,
    penalty_id  uuid        NOT NULL,
    what        text        NOT NULL CHECK (what IN ('confirmed', 'reversed')),
    -- Also of what takes no money: points are listed, and never waited for.
    takes_money boolean     NOT NULL,
    at          timestamptz NOT NULL
);
CREATE UNIQUE INDEX penalty_inbox_confirmed_once ON penalty_inbox (penalty_id) WHERE what = 'confirmed';

CREATE TABLE deduction (
    id             uuid        PRIMARY KEY,
    penalty_id     uuid        NOT NULL,
    complaint_id   uuid        NOT NULL,
    call_id        uuid,
    employee_id    uuid        NOT NULL REFERENCES employee,
    branch_id      uuid        NOT NULL,
    -- support.penalty.confirmed, and the last support.penalty.reversed.
    source_event   uuid        NOT NULL,
    reversal_event uuid,
    kind           text        NOT NULL CHECK (kind IN ('fine', 'loss_compensation')),
    -- Its first run.
    month          date        NOT NULL CHECK (extract(day FROM month) = 1),
    confirmed_at   timestamptz NOT NULL,
    amount_fen      bigint NOT NULL CHECK (amount_fen >= 1),
    posted_fen      bigint NOT NULL CHECK (posted_fen >= 0),
    refunded_fen    bigint NOT NULL CHECK (refunded_fen >= 0),
    refund_due_fen  bigint NOT NULL CHECK (refund_due_fen >= 0),
    open_fen        bigint NOT NULL CHECK (open_fen >= 0),
    written_off_fen bigint NOT NULL CHECK (written_off_fen >= 0),
    reversed_fen    bigint NOT NULL CHECK (reversed_fen >= 0),
    write_off      text        CHECK (write_off IN ('expired', 'unrecoverable')),
    -- The transaction of the last change: whether a frozen run has seen it (hr.md §3, "new since calculation").
    changed_tx     xid8        NOT NULL DEFAULT pg_current_xact_id(),
    version        integer     NOT NULL,
    CONSTRAINT deduction_one_per_penalty UNIQUE (penalty_id),
    CONSTRAINT deduction_h5 CHECK (amount_fen = (posted_fen - refunded_fen - refund_due_fen) + open_fen + written_off_fen + reversed_fen),
    CONSTRAINT deduction_kept CHECK (posted_fen >= refunded_fen + refund_due_fen),
    CONSTRAINT deduction_written_off CHECK ((written_off_fen > 0) >= (write_off IS NOT NULL))
);
CREATE INDEX deduction_branch ON deduction (branch_id, id);
CREATE INDEX deduction_employee ON deduction (employee_id, id);
CREATE INDEX deduction_waiting ON deduction (employee_id) WHERE open_fen > 0 OR refund_due_fen > 0;
