-- Projection: each attempt to give a message to an agent, by ringing his phone.
CREATE TABLE item_offer (
  offer TEXT PRIMARY KEY, -- The offer's id: the leg that rang.
  call TEXT NOT NULL, -- The call the message was left in.
  message TEXT NOT NULL, -- The message.
  agent TEXT NOT NULL, -- The agent.
  phone TEXT NOT NULL, -- His phone.
  made_at REAL NOT NULL, -- When.
  ended_at REAL, -- When it was over; NULL: cut off.
  outcome TEXT, -- accepted, declined, ran-out, unreachable or failed.
  cause INTEGER -- Q.850 cause of its end.
) STRICT, WITHOUT ROWID;

CREATE INDEX item_offer_message ON item_offer (message);
CREATE INDEX item_offer_agent ON item_offer (agent, made_at);

-- Projection: the disposition noted when a message was done; no row: none.
CREATE TABLE item_disposition (
  message TEXT PRIMARY KEY, -- The message.
  disposition TEXT NOT NULL -- What came of it, by agent_rules.dispositions.
) STRICT, WITHOUT ROWID;
