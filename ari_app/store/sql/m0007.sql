-- Projection: each time somebody outside the queues was sought for a caller: blind, by consulting, or by the flow.
CREATE TABLE transfer (
  transfer TEXT PRIMARY KEY, -- Its id; where a leg was rung, that leg.
  call TEXT NOT NULL, -- The call.
  agent TEXT, -- The agent who asked for it; NULL: the flow did.
  how TEXT NOT NULL, -- blind, consult or flow.
  target TEXT NOT NULL, -- agent:8026, queue:billing, flow:menu or number.
  number INTEGER REFERENCES person (key), -- The number outside; NULL when it was no number.
  began_at REAL NOT NULL, -- When it was asked for.
  answered_at REAL, -- When the other side answered; NULL: it did not.
  three_way_at REAL, -- When caller, agent and the other side began to talk together; NULL: never.
  ended_at REAL, -- When it was completed or over; NULL: under way.
  outcome TEXT -- completed, returned, left, busy, declined, ran-out, unreachable, withdrawn, abandoned or failed.
) STRICT, WITHOUT ROWID;

CREATE INDEX transfer_call ON transfer (call);
CREATE INDEX transfer_agent ON transfer (agent, began_at);

-- Projection: each stretch in which a supervisor took part in an agent's talk, or was asked to.
CREATE TABLE supervision (
  fact INTEGER PRIMARY KEY, -- The Supervised or HelpAsked fact.
  call TEXT NOT NULL, -- The call.
  supervisor TEXT NOT NULL, -- The supervisor's work number.
  agent TEXT NOT NULL, -- The agent's work number.
  how TEXT NOT NULL, -- help (the agent asked for it), listen, whisper, barge or take-over.
  began_at REAL NOT NULL, -- When it began.
  ended_at REAL -- When it was over, or went on in another way; NULL: it lasts.
) STRICT;

CREATE INDEX supervision_call ON supervision (call);
CREATE INDEX supervision_agent ON supervision (agent, began_at);
