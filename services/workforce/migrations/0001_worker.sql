-- Workers: employees in a care position, under the employee's UUID (workforce.md §2).
SET lock_timeout = '2s';

CREATE TABLE worker (
    id        uuid        PRIMARY KEY,
    branch_id uuid        NOT NULL,
    -- Standings begin here.
    since     timestamptz NOT NULL,
    state     text        NOT NULL CHECK (state IN ('active', 'suspended', 'left')),
    -- Every stop there was: cause, range, services, the complaints behind it. Few, and always read together.
    stops     jsonb       NOT NULL CHECK (jsonb_typeof(stops) = 'array'),
    -- pii: name
    card_name text        NOT NULL CHECK (length(card_name) <= 100),
    version   integer     NOT NULL
);
CREATE INDEX worker_branch ON worker (branch_id, id);
