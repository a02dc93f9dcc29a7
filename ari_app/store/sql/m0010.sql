-- Projection: how each leg sounded, as far as the network goes, by the RTCP reports of Asterisk.
CREATE TABLE call_quality (
  fact INTEGER PRIMARY KEY, -- The CallQuality fact.
  call TEXT NOT NULL, -- The call.
  leg TEXT NOT NULL, -- The leg; what came from it.
  loss REAL NOT NULL, -- Share of packets lost on the way to us, 0 to 1.
  loss_max REAL NOT NULL, -- The same, of the worst report (5 s).
  jitter_ms REAL NOT NULL, -- The highest jitter reported.
  rtt_ms REAL NOT NULL, -- The longest round trip reported; 0: the other side sends no reports.
  mos REAL NOT NULL, -- Mean opinion score by the E-model, 1 to 4.5.
  at REAL NOT NULL -- When the leg was gone.
) STRICT;

CREATE INDEX call_quality_call ON call_quality (call);

-- Projection: why a line was noisy, where that could be told from the packets lost meanwhile.
CREATE TABLE line_cause (
  fact INTEGER PRIMARY KEY, -- The LineHeard fact.
  call TEXT NOT NULL, -- The call.
  cause TEXT NOT NULL -- network: packets were lost meanwhile; place: none to speak of, it is loud where the caller is.
) STRICT;

CREATE INDEX line_cause_call ON line_cause (call);
