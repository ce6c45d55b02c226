-- A batch says how many of its punches were new. That is known only once they are inserted, because another batch of the same
-- device may be faster: the punches come first, and the batch they name is looked for at the end of the transaction.
SET lock_timeout = '2s';

ALTER TABLE punch ALTER CONSTRAINT punch_batch_id_fkey DEFERRABLE INITIALLY DEFERRED;
