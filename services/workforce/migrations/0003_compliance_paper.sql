-- Papers that workers bring: identity, background, health, insurance, licences. The papers themselves stay with
-- the worker (workforce.md §1); here is what they say and the hash of the scan.
SET lock_timeout = '2s';

CREATE TABLE compliance_paper (
    id                  uuid        PRIMARY KEY,
    worker_id           uuid        NOT NULL REFERENCES worker (id),
    kind                text        NOT NULL CHECK (kind IN ('id', 'background', 'insurance', 'licence', 'health')),
    -- pii: health
    health_class        text        CHECK (health_class IN ('general', 'live_in', 'elderly_care', 'maternal_infant')),
    valid_from          date        NOT NULL,
    valid_to            date,
    -- pii: document
    file_sha256         text        NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    -- pii: criminal record, health (the outcome of a check)
    state               text        NOT NULL CHECK (state IN ('submitted', 'verified', 'rejected', 'void')),
    registered_user     uuid        NOT NULL,
    registered_employee uuid,
    checked_at          timestamptz,
    checked_user        uuid,
    version             integer     NOT NULL,
    -- What certificates refer to: one of them rests on a verified paper, for as long as it is there.
    UNIQUE (id, state),
    CONSTRAINT compliance_paper_class CHECK ((kind = 'health') = (health_class IS NOT NULL)),
    CONSTRAINT compliance_paper_range CHECK (valid_to > valid_from),
    CONSTRAINT compliance_paper_checked CHECK (state NOT IN ('verified', 'rejected') OR checked_at IS NOT NULL),
    CONSTRAINT compliance_paper_other_person CHECK (checked_user <> registered_user)
);
CREATE INDEX compliance_paper_worker ON compliance_paper (worker_id, id);
