-- The number people call a contract by, C-2026-10-0031: unique in the branch, counted by its month. Contracts that are
-- there get theirs by the instant that their id was made at.
SET lock_timeout = '2s';

-- Given in the transaction of the draft, so one that is rolled back gives its number to the next.
CREATE TABLE contract_number (
    branch_id uuid    NOT NULL,
    month     date    NOT NULL CHECK (extract(day FROM month) = 1),
    last      integer NOT NULL CHECK (last >= 1),
    PRIMARY KEY (branch_id, month)
);

ALTER TABLE contract ADD COLUMN number text;

WITH written AS (
    SELECT c.id, c.branch_id, date_trunc('month', uuid_extract_timestamp(c.id) AT TIME ZONE b.zone)::date AS month
    FROM contract c JOIN known_branch b ON b.id = c.branch_id
), counted AS (
    SELECT id, month, row_number() OVER (PARTITION BY branch_id, month ORDER BY id) AS place FROM written
)
UPDATE contract SET number = 'C-' || to_char(month, 'YYYY-MM') || '-' || lpad(place::text, greatest(4, length(place::text)), '0')
FROM counted WHERE counted.id = contract.id;

INSERT INTO contract_number (branch_id, month, last)
SELECT c.branch_id, date_trunc('month', uuid_extract_timestamp(c.id) AT TIME ZONE b.zone)::date, count(*)
FROM contract c JOIN known_branch b ON b.id = c.branch_id GROUP BY 1, 2;

CREATE UNIQUE INDEX contract_number_once ON contract (branch_id, number);
ALTER TABLE contract ADD CONSTRAINT contract_numbered CHECK (number IS NOT NULL) NOT VALID;
