-- Upheld complaints against workers, and the retraining orders that followed from them (P2-1).
SET lock_timeout = '2s';

CREATE TABLE upheld_complaint (
    complaint_id uuid    NOT NULL,
    worker_id    uuid    NOT NULL REFERENCES worker (id),
    severity     text    NOT NULL CHECK (severity IN ('s1', 's2', 's3', 's4')),
    service_code text,
    found_on     date    NOT NULL,
    -- A measure answers it: it does not count again.
    answered     boolean NOT NULL,
    reversed     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (worker_id, complaint_id)
);

CREATE TABLE retraining_order (
    id              uuid        PRIMARY KEY,
    worker_id       uuid        NOT NULL REFERENCES worker (id),
    cause           text        NOT NULL CHECK (cause IN ('complaint', 'failed_supervision', 'long_absence', 'standard_change', 'expiry')),
    -- The complaints it answers.
    answers         uuid[]      NOT NULL,
    blocks_services text[]      NOT NULL,
    due_on          date        NOT NULL,
    opened_at       timestamptz NOT NULL,
    -- Who ordered it; nobody where a policy did.
    opener_user     uuid,
    opener_employee uuid,
    state           text        NOT NULL CHECK (state IN ('open', 'waived', 'undone')),
    closed_at       timestamptz,
    -- pii: free text
    waive_reason    text        CHECK (length(waive_reason) BETWEEN 1 AND 500),
    version         integer     NOT NULL,
    CONSTRAINT retraining_order_closed CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT retraining_order_waived CHECK ((state = 'waived') = (waive_reason IS NOT NULL))
);
CREATE INDEX retraining_order_worker ON retraining_order (worker_id, id);
