-- Certificates (W1, W5, W10). One for each paper it rests on; no two of one worker, service and level at a time.
SET lock_timeout = '2s';

CREATE TABLE certificate (
    id            uuid        PRIMARY KEY,
    worker_id     uuid        NOT NULL REFERENCES worker (id),
    paper_id      uuid        NOT NULL,
    paper_state   text        NOT NULL DEFAULT 'verified' CHECK (paper_state = 'verified'),
    service_codes text[]      NOT NULL CHECK (cardinality(service_codes) > 0),
    -- 5 (lowest) to 2, as the national standard counts.
    level         smallint    NOT NULL CHECK (level BETWEEN 2 AND 5),
    valid_from    date        NOT NULL,
    valid_to      date        NOT NULL CHECK (valid_to > valid_from),
    state         text        NOT NULL CHECK (state IN ('active', 'suspended', 'revoked', 'superseded')),
    stopped_at    timestamptz,
    stop_cause    text        CHECK (stop_cause IN ('conduct', 'administrative', 'left')),
    -- 64 random bits; resolves for ever, so no row is ever deleted (W5).
    code          bigint      NOT NULL,
    supersedes    uuid        REFERENCES certificate (id),
    version       integer     NOT NULL,
    CONSTRAINT certificate_code UNIQUE (code),
    CONSTRAINT certificate_one_per_paper UNIQUE (paper_id),
    CONSTRAINT certificate_rests_on_verified FOREIGN KEY (paper_id, paper_state) REFERENCES compliance_paper (id, state),
    CONSTRAINT certificate_stopped CHECK ((state = 'active') = (stopped_at IS NULL)),
    CONSTRAINT certificate_cause CHECK ((state = 'suspended') = (stop_cause IS NOT NULL)),
    -- What the services' rows refer to.
    UNIQUE (id, state)
);
CREATE INDEX certificate_worker ON certificate (worker_id, id);

-- One row per service (W1). The state follows the certificate's by the foreign key, in the same statement.
CREATE TABLE certificate_service (
    certificate_id uuid     NOT NULL,
    service_code   text     NOT NULL,
    worker_id      uuid     NOT NULL,
    level          smallint NOT NULL,
    valid_from     date     NOT NULL,
    valid_to       date     NOT NULL,
    state          text     NOT NULL,
    PRIMARY KEY (certificate_id, service_code),
    FOREIGN KEY (certificate_id, state) REFERENCES certificate (id, state) ON UPDATE CASCADE,
    CONSTRAINT certificate_no_overlap EXCLUDE USING gist
        (worker_id WITH =, service_code WITH =, level WITH =, daterange(valid_from, valid_to) WITH &&)
        WHERE (state IN ('active', 'suspended'))
);
