-- Projection: the number a caller gave with a message, to be called back on; no row: he gave none, his own will do.
CREATE TABLE message_back (
  message TEXT PRIMARY KEY, -- The message.
  back INTEGER NOT NULL REFERENCES person (key) -- The number.
) STRICT, WITHOUT ROWID;

-- Projection: each prompt recorded by telephone and kept.
CREATE TABLE prompt_recording (
  fact INTEGER PRIMARY KEY, -- The PromptRecorded fact.
  prompt TEXT NOT NULL, -- The prompt's id.
  language TEXT NOT NULL, -- The language it was spoken in.
  agent TEXT NOT NULL, -- Work number of whoever spoke.
  sha256 TEXT NOT NULL, -- Of the sound callers hear.
  seconds REAL NOT NULL, -- Its length.
  at REAL NOT NULL -- When it was kept.
) STRICT;

CREATE INDEX prompt_recording_prompt ON prompt_recording (prompt, language, at);
