-- Projection: each question a flow put to another system; what was asked and answered is not kept.
CREATE TABLE look_up (
  fact INTEGER PRIMARY KEY, -- The LookUpDone fact.
  call TEXT NOT NULL, -- The call.
  node TEXT NOT NULL, -- The node that asked.
  ok INTEGER NOT NULL, -- 1: it was answered; 0: it was not.
  seconds REAL NOT NULL, -- What the caller waited for it.
  reason TEXT NOT NULL, -- Why there was no answer; empty when there was one.
  at REAL NOT NULL -- When it was answered or given up.
) STRICT;

CREATE INDEX look_up_call ON look_up (call);

-- Projection: each message a caller left in a voicemail box.
CREATE TABLE message (
  message TEXT PRIMARY KEY, -- The message's id, which names its file.
  call TEXT NOT NULL, -- The call.
  box TEXT NOT NULL, -- The box, as the flow names it.
  seconds REAL NOT NULL, -- Its length.
  left_at REAL NOT NULL -- When it stood; the caller may have been gone by then.
) STRICT;

CREATE INDEX message_call ON message (call);
CREATE INDEX message_box ON message (box, left_at);

-- Projection: each question of a survey that a caller answered.
CREATE TABLE rating (
  fact INTEGER PRIMARY KEY, -- The Rated fact.
  call TEXT NOT NULL, -- The call.
  question TEXT NOT NULL, -- The question, as the flow names it.
  key TEXT NOT NULL, -- The key he answered with.
  agent TEXT, -- The agent he talked to last; NULL: to none.
  at REAL NOT NULL -- When he answered.
) STRICT;

CREATE INDEX rating_call ON rating (call);
CREATE INDEX rating_agent ON rating (agent, at);
