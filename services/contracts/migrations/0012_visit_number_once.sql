-- What the customer has paid for is not used up by our own absence: only where he was not there himself is the place
-- of a visit taken.
SET lock_timeout = '2s';

DROP INDEX visit_number_once;
CREATE UNIQUE INDEX visit_number_once ON visit (contract_id, line, number)
    WHERE state <> 'cancelled' AND (state <> 'no_show' OR ended_by = 'customer');
