-- Which books somebody must look at, because a base has left their prices outside the bounds.
SET lock_timeout = '2s';

ALTER TABLE quote VALIDATE CONSTRAINT quote_worker_level;

CREATE INDEX price_entry_out_of_bounds ON price_entry (price_book_id) WHERE out_of_bounds;
