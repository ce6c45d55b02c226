-- Answers of committed commands, kept 7 days: a repeated request is answered, not done again (api.md, Writing).
SET lock_timeout = '2s';

CREATE TABLE idempotency (
    principal  uuid        NOT NULL,
    method     text        NOT NULL,
    path       text        NOT NULL,
    key        text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_hash  bytea       NOT NULL CHECK (octet_length(body_hash) = 32),
    status     smallint    NOT NULL CHECK (status BETWEEN 200 AND 299),
    etag       text,
    location   text,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, method, path, key)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);
