-- Projection: each time an agent asked for more time after a call.
CREATE TABLE wrap_up_extension (
  fact INTEGER PRIMARY KEY, -- The WrapUpExtended fact.
  call TEXT NOT NULL, -- The call.
  agent TEXT NOT NULL, -- The agent's work number.
  until REAL NOT NULL, -- When his time is up now.
  times INTEGER NOT NULL, -- The how manieth time after this call.
  at REAL NOT NULL -- When he asked.
) STRICT;

CREATE INDEX wrap_up_extension_call ON wrap_up_extension (call);

-- Projection: each override of an agent's state by a supervisor.
CREATE TABLE agent_override (
  fact INTEGER PRIMARY KEY, -- The AgentForced fact.
  agent TEXT NOT NULL, -- The agent's work number.
  state TEXT NOT NULL, -- ready, not-ready or sign-out.
  by TEXT NOT NULL, -- The supervisor's work number.
  reason TEXT NOT NULL, -- Why, in his words.
  at REAL NOT NULL -- When.
) STRICT;

-- Projection: each step of the surge plan that was taken, and when it was undone.
CREATE TABLE surge_step (
  fact INTEGER PRIMARY KEY, -- The SurgeStepTaken fact.
  step INTEGER NOT NULL, -- Its number in the plan, from 1.
  name TEXT NOT NULL, -- Its name.
  drill INTEGER NOT NULL, -- 1: a drill, nothing was changed.
  agents TEXT NOT NULL, -- Work numbers that got skills, as a JSON array.
  head_count INTEGER NOT NULL, -- How many more people it said to call in; 0: it said nothing of that.
  waiting INTEGER NOT NULL, -- Callers waiting when it was taken.
  taken_at REAL NOT NULL, -- When it was taken.
  taken_by TEXT NOT NULL, -- A work number, or `plan`.
  taken_why TEXT NOT NULL, -- Why.
  undone_at REAL, -- When it was undone; NULL: it holds.
  undone_by TEXT, -- A work number, `plan`, or `restart`: a new run of the daemon begins without steps.
  undone_why TEXT -- Why.
) STRICT;

-- Projection: each time the surge plan was armed or disarmed, or a drill began or ended.
CREATE TABLE surge_switch (
  fact INTEGER PRIMARY KEY, -- The SurgeSwitched fact.
  what TEXT NOT NULL, -- armed, disarmed, drill-began or drill-ended.
  by TEXT NOT NULL, -- A supervisor's work number.
  why TEXT NOT NULL, -- Why.
  at REAL NOT NULL -- When.
) STRICT;
