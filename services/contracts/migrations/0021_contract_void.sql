-- A contract is taken back before anybody signed it: its text with all particulars goes, and its quote is free.
SET lock_timeout = '2s';

ALTER TABLE contract VALIDATE CONSTRAINT contract_numbered;
ALTER TABLE contract ALTER COLUMN number SET NOT NULL, DROP CONSTRAINT contract_numbered;

ALTER TABLE contract
    DROP CONSTRAINT contract_state_check,
    DROP CONSTRAINT contract_offered,
    DROP CONSTRAINT contract_of_quote,
    ADD CONSTRAINT contract_state CHECK (state IN ('draft', 'offered', 'active', 'voided')) NOT VALID,
    ADD CONSTRAINT contract_offered CHECK ((state IN ('draft', 'voided')) = (document IS NULL) AND (document IS NULL) = (hash IS NULL)) NOT VALID;
CREATE UNIQUE INDEX contract_of_quote ON contract (quote_id) WHERE state <> 'voided';
