-- Projection: each time a number was screened; who marked it, why, until when, and what came of it.
CREATE TABLE screening (
  screening TEXT PRIMARY KEY, -- The screening's id.
  call TEXT, -- The call it was marked in; NULL: by hand.
  number INTEGER REFERENCES person (key), -- The number screened.
  by TEXT NOT NULL, -- Work number of who marked it.
  why TEXT NOT NULL, -- The disposition, the script, or what the supervisor wrote.
  times INTEGER NOT NULL, -- The how-manieth time this number is screened; more make it longer.
  began_at REAL NOT NULL, -- When it was marked.
  until REAL NOT NULL, -- When it ends by itself.
  ended_at REAL, -- When it ended; NULL: not yet.
  outcome TEXT, -- expired, lifted or erased.
  ended_by TEXT, -- Work number of who lifted it.
  ended_why TEXT, -- Why.
  appeal TEXT, -- The last message the caller left against it.
  appealed_at REAL, -- When.
  decided_at REAL, -- When a supervisor lifted it, or kept it after an appeal; NULL: an appeal waits, or there is none.
  decided_by TEXT, -- Who.
  decided_why TEXT -- Why.
) STRICT;

CREATE INDEX screening_number ON screening (number);
CREATE INDEX screening_on ON screening (until) WHERE ended_at IS NULL;

-- Projection: each time somebody marked a number that is not screened: VIPs, protected and withheld ones.
CREATE TABLE screening_refusal (
  fact INTEGER PRIMARY KEY, -- The ScreeningRefused fact.
  call TEXT, -- The call it was marked in; NULL: by hand.
  number INTEGER REFERENCES person (key), -- The number; NULL when withheld.
  by TEXT NOT NULL, -- Who marked it.
  reason TEXT NOT NULL, -- Why it is not screened.
  at REAL NOT NULL -- When.
) STRICT;
