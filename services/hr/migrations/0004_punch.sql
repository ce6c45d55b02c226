-- Punches: append-only; the same device, second and employee is the same punch, however often it arrives (hr.md §1).
-- `at` is the device's time, `received_at` ours; `skew_seconds` how far the device's clock was off at that contact.
SET lock_timeout = '2s';

CREATE TABLE punch_batch (
    id         uuid        PRIMARY KEY,
    branch_id  uuid        NOT NULL REFERENCES branch,
    device     text        NOT NULL,
    recorded   integer     NOT NULL,
    repeated   integer     NOT NULL,
    refused    integer     NOT NULL,
    version    integer     NOT NULL
);

CREATE TABLE punch (
    id            uuid        PRIMARY KEY,
    employee_id   uuid        NOT NULL REFERENCES employee,
    -- Where the device hangs; attendance counts where the employee is assigned.
    branch_id     uuid        NOT NULL REFERENCES branch,
    device        text        NOT NULL CHECK (length(device) BETWEEN 1 AND 100),
    at            timestamptz NOT NULL,
    second        timestamptz NOT NULL CHECK (second <= at AND at < second + interval '1 second'),
    received_at   timestamptz NOT NULL,
    skew_seconds  integer     NOT NULL,
    direction     text        CHECK (direction IN ('in', 'out')),
    batch_id      uuid        REFERENCES punch_batch,
    state         text        NOT NULL CHECK (state IN ('recorded', 'disputed', 'voided')),
    void_reason   text,
    disputer_user uuid,
    disputer_employee uuid,
    voider_user   uuid,
    voided_at     timestamptz,
    version       integer     NOT NULL,
    CONSTRAINT punch_once UNIQUE (employee_id, second, device),
    CONSTRAINT punch_disputed CHECK ((state = 'recorded') = (disputer_user IS NULL) AND (disputer_user IS NULL) = (void_reason IS NULL)),
    CONSTRAINT punch_voided CHECK ((state = 'voided') = (voided_at IS NOT NULL) AND (voided_at IS NULL) = (voider_user IS NULL)),
    CONSTRAINT punch_void_four_eyes CHECK (voider_user <> disputer_user)
);
CREATE INDEX punch_employee ON punch (employee_id, at) WHERE state <> 'voided';
CREATE INDEX punch_branch ON punch (branch_id, id);
