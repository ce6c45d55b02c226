-- The promised skill level: one that the national standard has, 5 to 2, carried from the quote into the contract; and
-- the level that a worker has reached. A promise of level 1 becomes one of 2, the highest there is; 0 promised nothing.
SET lock_timeout = '2s';

ALTER TABLE contract VALIDATE CONSTRAINT contract_state;
ALTER TABLE contract VALIDATE CONSTRAINT contract_offered;

UPDATE quote SET worker_level = CASE worker_level WHEN 1 THEN 2 END WHERE worker_level < 2;
ALTER TABLE quote
    DROP CONSTRAINT quote_worker_level_check,
    ADD CONSTRAINT quote_worker_level CHECK (worker_level BETWEEN 2 AND 5) NOT VALID;

ALTER TABLE contract ADD COLUMN worker_level smallint CHECK (worker_level BETWEEN 2 AND 5);
UPDATE contract SET worker_level = quote.worker_level FROM quote WHERE quote.id = contract.quote_id;

-- Of whom nothing was told yet nothing is known: the next standing says it.
ALTER TABLE known_standing ADD COLUMN level smallint NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 5);
