-- A database older than the bus begins a new epoch (events.md §3, §5): how far the old stream and the journal said the
-- same, what the old stream holds beyond, and what a reader had applied of it.
SET lock_timeout = '2s';

-- Who reads an epoch's rows by the API needs an id and an order of creation. `agreed`: up to this number, which is not below
-- `base`, the streams before held the journal's own events; a reader that applied those does not apply them again.
ALTER TABLE epoch ADD COLUMN id uuid NOT NULL DEFAULT uuidv7() UNIQUE;
ALTER TABLE epoch ADD COLUMN agreed bigint;
UPDATE epoch SET agreed = base;
ALTER TABLE epoch ALTER COLUMN agreed SET NOT NULL;
ALTER TABLE epoch ADD CONSTRAINT epoch_agreed_not_below_base CHECK (agreed >= base);

-- Events on this service's own streams that its journal does not know: published before the database was restored.
CREATE TABLE phantom (
    id        uuid        PRIMARY KEY DEFAULT uuidv7(),
    -- The stream it stands in, and its number there.
    epoch     integer     NOT NULL CHECK (epoch > 0),
    seq       bigint      NOT NULL CHECK (seq > 0),
    event_id  uuid        NOT NULL,
    type      text        NOT NULL,
    subject   text        NOT NULL,
    envelope  json        NOT NULL,
    -- The epoch that was begun because of it.
    ended_by  integer     NOT NULL CHECK (ended_by > epoch),
    listed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT phantom_once UNIQUE (epoch, seq)
);
-- pii: whatever stood on the stream
COMMENT ON COLUMN phantom.envelope IS 'pii: whatever stood on the stream';

-- What a reader had taken from another service's old stream beyond the base of the next one: operators say what came of it.
CREATE TABLE to_reconcile (
    id            uuid        PRIMARY KEY DEFAULT uuidv7(),
    reader        text        NOT NULL,
    source        text        NOT NULL,
    -- The stream it stood in, and its number there.
    epoch         integer     NOT NULL CHECK (epoch > 0),
    seq           bigint      NOT NULL CHECK (seq > 0),
    -- Nothing where the old stream is gone, or holds something else than what was applied: the source's list says more.
    event_id      uuid,
    type          text,
    subject       text,
    envelope      json,
    -- False where it was only parked here, and is parked no longer.
    was_applied   boolean     NOT NULL DEFAULT true,
    listed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    version       integer     NOT NULL DEFAULT 0 CHECK (version >= 0),
    reconciled_at timestamptz,
    reconciled_by uuid,
    reason        text CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT to_reconcile_once UNIQUE (reader, source, epoch, seq),
    CHECK ((reconciled_at IS NULL) = (version = 0)),
    CHECK ((reconciled_at IS NULL) = (reconciled_by IS NULL)),
    CHECK ((reconciled_at IS NULL) = (reason IS NULL))
);
CREATE INDEX to_reconcile_open ON to_reconcile (source, id) WHERE reconciled_at IS NULL;
COMMENT ON COLUMN to_reconcile.envelope IS 'pii: whatever stood on the stream';
COMMENT ON COLUMN to_reconcile.reason IS 'pii: free text of an operator';
