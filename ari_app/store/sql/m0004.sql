-- Projection: what each caller's line was like while he talked, and gaps in what is known of it.
CREATE TABLE line_verdict (
  fact INTEGER PRIMARY KEY, -- The LineHeard or LineMissed fact.
  call TEXT NOT NULL, -- The call.
  agent TEXT, -- The agent he talked to; NULL with a gap.
  verdict TEXT, -- clear, quiet, noisy, silent, tone or music; NULL: from here on the line was not listened to.
  speech_dbfs REAL, -- Active speech level; -100 without speech.
  noise_dbfs REAL, -- Noise floor.
  reason TEXT, -- Why the line was not listened to.
  at REAL NOT NULL -- When.
) STRICT;

CREATE INDEX line_verdict_call ON line_verdict (call);
