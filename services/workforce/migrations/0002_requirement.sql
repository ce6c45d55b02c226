-- What services ask of a worker: a projection of contracts.service.published and retired.
SET lock_timeout = '2s';

CREATE TABLE known_service (
    id           uuid PRIMARY KEY,
    service_code text NOT NULL UNIQUE,
    retired_from date,
    -- Standings up to this worker are computed; the others are still to come.
    spread_after uuid
);

CREATE TABLE requirement (
    service_code    text  NOT NULL REFERENCES known_service (service_code),
    effective_from  date  NOT NULL,
    health_class    text  NOT NULL CHECK (health_class IN ('general', 'live_in', 'elderly_care', 'maternal_infant')),
    -- [{city, level}]; level 5 (lowest) to 2, 0 for none.
    required_levels jsonb NOT NULL CHECK (jsonb_typeof(required_levels) = 'array'),
    PRIMARY KEY (service_code, effective_from)
);
