-- Contacts: the one append-only fact that every clock reads (support.md §1).
SET lock_timeout = '2s';

CREATE TABLE contact (
    id          uuid        PRIMARY KEY,
    branch_id   uuid        NOT NULL,
    customer_id uuid,
    employee_id uuid,
    direction   text        NOT NULL CHECK (direction IN ('in', 'out')),
    channel     text        NOT NULL CHECK (channel IN ('phone', 'message', 'email', 'visit', 'web')),
    reached     boolean     NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('substantive', 'progress', 'courtesy', 'auto', 'internal')),
    ref_kind    text        NOT NULL CHECK (ref_kind IN ('complaint', 'call', 'callback')),
    ref_id      uuid        NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX contact_about ON contact (branch_id, ref_id, at);

CREATE FUNCTION contact_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a contact never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER contact_append_only BEFORE UPDATE OR DELETE ON contact
    FOR EACH ROW EXECUTE FUNCTION contact_is_append_only();
