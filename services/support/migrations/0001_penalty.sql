-- Fines: one per complaint and employee (R5), each with the state it is in and what exists only in that state.
SET lock_timeout = '2s';

CREATE TABLE penalty (
    id               uuid        PRIMARY KEY,
    branch_id        uuid        NOT NULL,
    complaint_id     uuid        NOT NULL,
    call_id          uuid,
    employee_id      uuid        NOT NULL,
    kind             text        NOT NULL CHECK (kind IN ('fine', 'score_deduction', 'loss_compensation')),
    amount_fen       bigint      NOT NULL CHECK (amount_fen >= 1),
    severity         text        NOT NULL CHECK (severity IN ('S1', 'S2', 'S3', 'S4')),
    policy_version   uuid        NOT NULL,
    proposer_user    uuid        NOT NULL,
    proposer_employee uuid,
    state            text        NOT NULL CHECK (state IN ('assessed', 'dismissed', 'confirmed', 'appealed', 'upheld', 'reversed')),
    hearing_ends_at  timestamptz NOT NULL,
    heard_at         timestamptz,
    decided_at       timestamptz,
    decider_user     uuid,
    decider_employee uuid,
    appealed_at      timestamptz,
    judged_at        timestamptz,
    new_amount_fen   bigint      CHECK (new_amount_fen >= 0 AND new_amount_fen < amount_fen),
    version          integer     NOT NULL,
    CONSTRAINT penalty_one_per_complaint UNIQUE (complaint_id, employee_id),
    CONSTRAINT penalty_decided CHECK ((state = 'assessed') = (decided_at IS NULL)),
    CONSTRAINT penalty_decider CHECK ((decided_at IS NULL) = (decider_user IS NULL)),
    CONSTRAINT penalty_appealed CHECK ((state IN ('appealed', 'upheld', 'reversed')) = (appealed_at IS NOT NULL)),
    CONSTRAINT penalty_judged CHECK ((state IN ('upheld', 'reversed')) = (judged_at IS NOT NULL)),
    CONSTRAINT penalty_reversed CHECK ((state = 'reversed') = (new_amount_fen IS NOT NULL))
);
CREATE INDEX penalty_branch ON penalty (branch_id, id);
CREATE INDEX penalty_employee ON penalty (employee_id, id);
