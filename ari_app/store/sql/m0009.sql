-- Projection: each time a waiting caller was told his expected wait; `hotline report ewt` holds it against the truth.
CREATE TABLE wait_told (
  fact INTEGER PRIMARY KEY, -- The WaitTold fact.
  call TEXT NOT NULL, -- The call.
  visit INTEGER NOT NULL, -- The visit.
  queue TEXT NOT NULL, -- The queue.
  position INTEGER NOT NULL, -- His place then, 1 is next.
  low_s REAL NOT NULL, -- He was told: at least so long from now.
  high_s REAL NOT NULL, -- And at most so long.
  at REAL NOT NULL -- When he was told.
) STRICT;

CREATE INDEX wait_told_call ON wait_told (call, visit);
CREATE INDEX wait_told_at ON wait_told (at);

-- Projection: each call-back that was booked; its place in the queue is that of the visit it was booked from.
CREATE TABLE callback (
  booking TEXT PRIMARY KEY, -- Its id.
  call TEXT NOT NULL, -- The call that booked it.
  queue TEXT NOT NULL, -- The queue whose agents call back.
  number INTEGER REFERENCES person (key), -- The number to be called.
  priority INTEGER NOT NULL, -- Rank class of the visit.
  rank REAL NOT NULL, -- Its place: orders the queue, smaller first.
  since REAL NOT NULL, -- When the caller came into the queue.
  skills TEXT NOT NULL, -- Skill expression instead of the queue's; empty: the queue's.
  language TEXT NOT NULL, -- Language of its prompts.
  dialled TEXT NOT NULL, -- The number the caller had dialled.
  node TEXT NOT NULL, -- The queue node he waited in; empty: in none of the number's own flow.
  booked_at REAL NOT NULL, -- When it was booked.
  tries INTEGER NOT NULL DEFAULT 0, -- Times he was dialled.
  missed TEXT, -- Why he was not reached last; NULL: he was, or was not dialled yet.
  next_at REAL, -- When he is dialled again at the earliest, once missed.
  confirmed_at REAL, -- When he said by a key that he was there.
  ended_at REAL, -- When it was over; NULL: it is open.
  outcome TEXT, -- connected, failed, cancelled, returned (he called in himself), abandoned or expired.
  ended_by TEXT -- Who cancelled it; empty: he himself, or nobody.
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_open ON callback (booking) WHERE ended_at IS NULL;
CREATE INDEX callback_booked ON callback (booked_at);

-- Projection: each time somebody who had booked a call-back was dialled; every one is a call of its own.
CREATE TABLE callback_try (
  call TEXT PRIMARY KEY, -- The call made.
  booking TEXT NOT NULL, -- The call-back.
  n INTEGER NOT NULL, -- The how-manieth time.
  dialled_at REAL NOT NULL, -- When.
  outcome TEXT -- confirmed, busy, no-answer, unreachable, not-confirmed or failed; NULL: cut off.
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_try_booking ON callback_try (booking);

-- Projection: each message as work: who has taken it, until when it is due.
CREATE TABLE item (
  message TEXT PRIMARY KEY, -- The message.
  call TEXT NOT NULL, -- The call it was left in.
  box TEXT NOT NULL, -- The box, as the flow names it.
  opened_at REAL NOT NULL, -- When it was left.
  due_at REAL NOT NULL, -- Until when it should be done.
  taken_by TEXT, -- Who has taken it; NULL: nobody.
  taken_at REAL, -- When.
  done_at REAL, -- When it was done; NULL: it is open.
  note TEXT -- What came of it.
) STRICT, WITHOUT ROWID;

CREATE INDEX item_open ON item (due_at) WHERE done_at IS NULL;

-- Projection: each message's file in the messages folder.
CREATE TABLE message_file (
  message TEXT PRIMARY KEY, -- The message.
  call TEXT NOT NULL, -- The call it was left in.
  path TEXT NOT NULL, -- Below the messages folder.
  size_bytes INTEGER NOT NULL, -- Its size.
  sha256 TEXT NOT NULL, -- Its SHA-256.
  keep_days INTEGER NOT NULL, -- Days it is kept.
  stored_at REAL NOT NULL -- When it was filed.
) STRICT, WITHOUT ROWID;

CREATE INDEX message_file_stored ON message_file (stored_at);

-- Messages whose file was removed, kept apart from `message_file`, which is rebuilt from facts.
CREATE TABLE message_removed (
  message TEXT PRIMARY KEY, -- The message.
  removed_at REAL NOT NULL, -- When.
  removed_why TEXT NOT NULL -- age, or another reason.
) STRICT, WITHOUT ROWID;
