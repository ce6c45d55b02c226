-- What a card may hold (style.md: the database holds a rule that it can hold). A name or an address without a bound is a
-- row that no index takes. Who added a number tells whose own calls unmask a card (access.md §2).
SET lock_timeout = '2s';

ALTER TABLE household
    ADD CONSTRAINT household_place_bounded CHECK (length(place) BETWEEN 1 AND 300) NOT VALID,
    ADD CONSTRAINT household_area_is_code CHECK (area_code ~ '^[0-9]{6}$') NOT VALID;
ALTER TABLE customer
    ADD CONSTRAINT customer_name_bounded CHECK (length(name) BETWEEN 1 AND 100) NOT VALID,
    ADD CONSTRAINT customer_source_is_code CHECK (source_code ~ '^[a-z][a-z0-9_]{0,39}$') NOT VALID,
    ADD CONSTRAINT customer_came_for_bounded CHECK (length(came_for) BETWEEN 1 AND 4000) NOT VALID,
    ADD CONSTRAINT customer_blocked_for_is_code CHECK (blocked_for ~ '^[a-z][a-z0-9_]{0,39}$') NOT VALID;
ALTER TABLE contact_point
    ADD COLUMN added_by uuid,
    ADD CONSTRAINT contact_point_phone_normalised CHECK (kind <> 'phone' OR normalised ~ '^\+[0-9]{8,15}$') NOT VALID,
    ADD CONSTRAINT contact_point_email_bounded
        CHECK (kind <> 'email' OR (length(normalised) <= 254 AND normalised ~ '^[^@[:space:]]+@[^@[:space:]]+$')) NOT VALID;
