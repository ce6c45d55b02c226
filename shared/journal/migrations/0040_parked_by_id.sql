-- Operators look at parked events one by one, try them again and discard them with a reason (events.md §5): each gets an id
-- of its own, a version that such commands compare, and its type beside the envelope, which is kept as it arrived and
-- cannot be searched (JSON knows texts that PostgreSQL's does not).
SET lock_timeout = '2s';

ALTER TABLE parked
    ADD COLUMN id      uuid    NOT NULL DEFAULT uuidv7(),
    ADD COLUMN version integer NOT NULL DEFAULT 0 CHECK (version >= 0),
    ADD COLUMN type    text    NOT NULL DEFAULT '',
    ADD CONSTRAINT parked_id UNIQUE (id);

-- What was given up: nobody deletes it, so that who, why and when can be answered for as long as the service stands.
CREATE TABLE parked_discarded (
    id             uuid        PRIMARY KEY,
    reader         text        NOT NULL,
    source         text        NOT NULL,
    seq            bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    type           text        NOT NULL,
    reason         text        NOT NULL,
    detail         text        NOT NULL,
    attempts       integer     NOT NULL,
    first_at       timestamptz NOT NULL,
    envelope       json        NOT NULL,
    version        integer     NOT NULL CHECK (version > 0),
    discarded_by   uuid        NOT NULL,
    discarded_at   timestamptz NOT NULL,
    why            text        NOT NULL CHECK (length(btrim(why)) BETWEEN 1 AND 500)
);
-- pii: whatever arrived
COMMENT ON COLUMN parked_discarded.envelope IS 'pii: whatever arrived';
COMMENT ON COLUMN parked_discarded.detail IS 'pii: may quote what arrived';
COMMENT ON COLUMN parked_discarded.why IS 'pii: what an operator wrote';
CREATE TRIGGER parked_discarded_stays BEFORE UPDATE OR DELETE ON parked_discarded
    FOR EACH ROW EXECUTE FUNCTION journal_is_append_only();
