-- Callbacks (support.md §7); of the kinds only missed_call exists yet.
SET lock_timeout = '2s';

CREATE TABLE callback (
    id          uuid        PRIMARY KEY,
    branch_id   uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind = 'missed_call'),
    call_id     uuid        NOT NULL,
    customer_id uuid,
    due_at      timestamptz NOT NULL,
    provisional boolean     NOT NULL,
    state       text        NOT NULL CHECK (state IN ('scheduled', 'due', 'in_progress', 'failed', 'done', 'abandoned')),
    attempts    integer     NOT NULL CHECK (attempts >= 0),
    employee_id uuid,
    closed_at   timestamptz,
    cause       text,
    score       smallint    CHECK (score BETWEEN 1 AND 5),
    topics      text[]      NOT NULL,
    version     integer     NOT NULL,
    CONSTRAINT callback_taken CHECK (state NOT IN ('in_progress', 'failed', 'done') OR employee_id IS NOT NULL),
    CONSTRAINT callback_closed CHECK ((state IN ('done', 'abandoned')) = (closed_at IS NOT NULL)),
    CONSTRAINT callback_cause CHECK ((state IN ('failed', 'abandoned')) = (cause IS NOT NULL))
);
CREATE UNIQUE INDEX callback_one_open ON callback (call_id) WHERE state NOT IN ('done', 'abandoned');
CREATE INDEX callback_branch ON callback (branch_id, id);
CREATE INDEX callback_employee ON callback (employee_id, id);
