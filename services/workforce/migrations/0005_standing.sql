-- Standings: one per worker and service, computed from the papers; the version is the standing_seq others see (W12).
SET lock_timeout = '2s';

CREATE TABLE standing (
    id           uuid     PRIMARY KEY,
    worker_id    uuid     NOT NULL REFERENCES worker (id),
    service_code text     NOT NULL,
    level        smallint NOT NULL CHECK (level = 0 OR level BETWEEN 2 AND 5),
    intervals    jsonb    NOT NULL CHECK (jsonb_typeof(intervals) = 'array'),
    version      integer  NOT NULL,
    UNIQUE (worker_id, service_code)
);
CREATE INDEX standing_service ON standing (service_code, worker_id);
