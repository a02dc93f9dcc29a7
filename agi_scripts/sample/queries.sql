-- name: customer
-- What is known of a subscriber number.
SELECT number, balance_fen, due_fen, is_stopped, is_vip, language, password_hash, tries, tried_at
FROM customer WHERE number = :number;

-- name: book_try
-- Count a password try before it is compared, unless the number is locked: tries at the same moment count too.
UPDATE customer
SET tries = CASE WHEN tried_at > :now - :lock_s THEN tries + 1 ELSE 1 END, tried_at = :now
WHERE number = :number AND NOT (tries >= :tries_max AND tried_at > :now - :lock_s);

-- name: forget_tries
-- The right password was given.
UPDATE customer SET tries = 0 WHERE number = :number;

-- name: set_first_password
-- Only where there is none.
UPDATE customer SET password_hash = :password_hash, tries = 0 WHERE number = :number AND password_hash IS NULL;

-- name: open_ticket
-- A ticket, unless one of the kind is open for the number.
INSERT INTO ticket (number, kind, opened_at) VALUES (:number, :kind, :now) ON CONFLICT DO NOTHING;

-- name: ticket
-- The open ticket of a kind.
SELECT id, opened_at FROM ticket WHERE number = :number AND kind = :kind AND closed_at IS NULL;
