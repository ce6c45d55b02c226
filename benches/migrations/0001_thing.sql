-- What the tiny services of the benchmarks keep: things that have versions, and effects of one row each. Nothing is
-- indexed beyond the keys, so that the state change costs as little as a state change can.
SET lock_timeout = '2s';

CREATE TABLE thing (
    id      uuid    PRIMARY KEY,
    version integer NOT NULL
);
CREATE TABLE effect (
    seq      bigint NOT NULL,
    event_id uuid   NOT NULL,
    word     text   NOT NULL
);
