-- Price books and their entries (contracts.md §2, C1). The range stands on the entry too, because a later book may
-- cut single entries; that two published ones of one owner and key never share a day is the database's to hold.
SET lock_timeout = '2s';

CREATE TABLE price_book (
    id                uuid      PRIMARY KEY,
    -- Null: the network's base. Else the branch whose override it is.
    branch_id         uuid,
    valid             daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    state             text      NOT NULL CHECK (state IN ('draft', 'approved', 'published', 'withdrawn', 'ended')),
    author_user       uuid      NOT NULL,
    author_employee   uuid,
    approver_user     uuid,
    version           integer   NOT NULL,
    CONSTRAINT price_book_approver CHECK (state IN ('draft', 'withdrawn') OR approver_user IS NOT NULL)
);
CREATE INDEX price_book_branch ON price_book (branch_id, id);

CREATE TABLE price_entry (
    id             uuid      PRIMARY KEY,
    price_book_id  uuid      NOT NULL REFERENCES price_book (id),
    branch_id      uuid,
    service        text      NOT NULL,
    unit           text      NOT NULL,
    -- The attributes as one canonical text: equal texts are equal attributes.
    attributes     text      NOT NULL,
    valid          daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    state          text      NOT NULL CHECK (state IN ('draft', 'approved', 'published', 'withdrawn', 'ended')),
    terms          jsonb     NOT NULL,
    -- A base that moved has left this override outside the bounds: somebody must look; the price stays.
    out_of_bounds  boolean   NOT NULL DEFAULT false,
    CONSTRAINT price_entry_once EXCLUDE USING gist
        (coalesce(branch_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =, service WITH =, unit WITH =, attributes WITH =, valid WITH &&)
        WHERE (state IN ('published', 'ended'))
);
CREATE INDEX price_entry_key ON price_entry (service, branch_id);
CREATE INDEX price_entry_book ON price_entry (price_book_id);
