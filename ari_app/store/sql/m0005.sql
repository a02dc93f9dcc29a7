-- Projection: each script of a situation that ran during a call, and each hint that a talk has become long.
CREATE TABLE situation (
  fact INTEGER PRIMARY KEY, -- The SituationBegan or TalkLong fact.
  call TEXT NOT NULL, -- The call.
  situation TEXT NOT NULL, -- Its name in situations.yaml; `talk-long-agent` and `talk-long-supervisor` for hints.
  place TEXT NOT NULL, -- Where it ran: `in-flow`, `voicemail` or `talking`.
  began_at REAL NOT NULL, -- When it began.
  ended_at REAL, -- When it was over; NULL while it runs.
  outcome TEXT, -- `key`, `speech`, `clear`, `over`, `hung-up`, `gone`; `hint`; NULL while it runs.
  step INTEGER -- The step it came to, from 1; NULL while it runs and for hints.
) STRICT;

CREATE INDEX situation_call ON situation (call);
CREATE INDEX situation_name ON situation (situation, began_at);
