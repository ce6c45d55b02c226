-- Who leads what, where a service runs in several processes; and where each epoch of the service's own stream began
-- (events.md §3, §5).
SET lock_timeout = '2s';

-- One row per thing that only one process may do at a time: `relay`, `timers`, `reader <name> <source>`. Whoever leads
-- raises `beat` while it lives; who watches a beat that does not move, by its own steady clock, raises `term` and leads.
-- No clock of any machine is compared with another one's.
CREATE TABLE lease (
    name   text   PRIMARY KEY,
    term   bigint NOT NULL DEFAULT 0 CHECK (term >= 0),
    beat   bigint NOT NULL DEFAULT 0 CHECK (beat >= 0),
    -- For operators: which process it is.
    holder text
);

-- The events after `base`, up to the next epoch's, are published in the stream of this epoch.
CREATE TABLE epoch (
    epoch    integer     PRIMARY KEY CHECK (epoch > 0),
    base     bigint      NOT NULL CHECK (base >= 0),
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO epoch (epoch, base) SELECT epoch, base FROM relay;
