-- The catalogue: what is sold, and the standard it is rendered to. Network-wide: no branch.
SET lock_timeout = '2s';

CREATE TABLE service (
    id              uuid    PRIMARY KEY,
    code            text    NOT NULL,
    trade           text    NOT NULL,
    units           text[]  NOT NULL,
    required_levels jsonb   NOT NULL,
    health_class    text    NOT NULL CHECK (health_class IN ('general', 'live_in', 'elderly_care', 'maternal_infant')),
    duration_min_minutes  integer NOT NULL,
    duration_step_minutes integer NOT NULL,
    text_zh         text    NOT NULL,
    text_en         text    NOT NULL,
    state           text    NOT NULL CHECK (state IN ('draft', 'published', 'retired')),
    effective_from  date,
    retired_from    date,
    version         integer NOT NULL,
    CONSTRAINT service_code_once UNIQUE (code),
    CONSTRAINT service_published CHECK ((state = 'draft') = (effective_from IS NULL)),
    CONSTRAINT service_retired CHECK ((state = 'retired') = (retired_from IS NOT NULL))
);

-- A text is never changed once it is out: a new edition takes its place. `hash` is of the canonical text (C3).
CREATE TABLE service_standard (
    id          uuid    PRIMARY KEY,
    service     text    NOT NULL,
    edition     integer NOT NULL CHECK (edition > 0),
    content     jsonb   NOT NULL,
    hash        text    NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    state       text    NOT NULL CHECK (state IN ('draft', 'published', 'superseded')),
    version     integer NOT NULL,
    CONSTRAINT service_standard_edition UNIQUE (service, edition)
);
CREATE UNIQUE INDEX service_standard_in_force ON service_standard (service) WHERE state = 'published';
