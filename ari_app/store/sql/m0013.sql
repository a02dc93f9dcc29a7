-- What an open call needs to go on after the daemon's death; gone with the call. Never rebuilt, not kept.
CREATE TABLE call_state (
  call TEXT PRIMARY KEY, -- The call.
  state TEXT NOT NULL -- Its record on the board as JSON, without secrets and without the caller's number.
) STRICT, WITHOUT ROWID;

-- What the seat of a signed-in agent needs for the same; gone when he signs out.
CREATE TABLE seat_state (
  agent TEXT PRIMARY KEY, -- The agent's work number.
  state TEXT NOT NULL -- His record on the board as JSON.
) STRICT, WITHOUT ROWID;
