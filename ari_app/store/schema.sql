-- The store, every table and column with its sentence. docs/schema.md is made from these comments (`schema_docs`).
-- `at` and every column ending in `_at` are seconds since the Unix epoch, UTC; a column ending in `_s` or named
-- `seconds` is a length in seconds. Facts are never refused because of what they refer to: no foreign keys but person and note.

-- One row for each start of the daemon; its number is part of every id minted by that run and never repeats.
CREATE TABLE boot (
  epoch INTEGER PRIMARY KEY, -- Number of the run, from 1.
  at REAL NOT NULL -- When the run took its number.
) STRICT;

-- Telephone numbers: personal data, which everything else refers to by key (in bodies: {"person": key}).
CREATE TABLE person (
  key INTEGER PRIMARY KEY, -- What facts, events and calls hold instead of the number.
  kind TEXT NOT NULL, -- What the value is: `number`, a telephone number.
  value TEXT, -- The number itself; NULL once erased.
  erased_at REAL, -- When it was erased; NULL while it stands.
  UNIQUE (kind, value)
) STRICT;

-- What somebody wrote about a caller: personal data as well (in bodies: {"note": key}).
CREATE TABLE note (
  key INTEGER PRIMARY KEY, -- What facts, events and items hold instead of the text.
  about TEXT NOT NULL, -- The message or screening it was written about; else `person` and the key of one.
  value TEXT, -- The text itself; NULL once erased.
  erased_at REAL, -- When it was erased; NULL while it stands.
  UNIQUE (about, value)
) STRICT;

-- Everything that happened, as the board was told it: `hotline replay` repeats every decision from here.
CREATE TABLE event (
  id INTEGER PRIMARY KEY, -- Order of arrival.
  at REAL NOT NULL, -- The board's `now`.
  epoch INTEGER NOT NULL, -- The run of the daemon.
  kind TEXT NOT NULL, -- Class name in ari_app/model/events.py.
  body TEXT NOT NULL -- Its fields as JSON; a number is {"person": key}, a secret digit is x.
) STRICT;

CREATE INDEX event_clock ON event (epoch) WHERE kind = 'ClockStepped';

-- Up to when retention may delete events; the trigger below refuses everything later.
CREATE TABLE event_retention (
  one INTEGER PRIMARY KEY CHECK (one = 1), -- Always 1: there is one row.
  before REAL NOT NULL -- Events with `at` before this may be deleted.
) STRICT;

INSERT INTO event_retention (one, before) VALUES (1, 0);

CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.epoch IS NOT old.epoch OR new.kind IS NOT old.kind
  OR new.body IS NOT CASE old.kind
    WHEN 'KeyPressed' THEN json_set(old.body, '$.digit', 'x')
    WHEN 'LookedUp' THEN json_set(old.body, '$.values', json('[]'))
    WHEN 'CallLeft' THEN json_set(old.body, '$.state', json('{}'))
    WHEN 'ControlAsked' THEN json_set(old.body, '$.value', '') END
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER event_deleted_by_retention_only BEFORE DELETE ON event
WHEN old.at >= (SELECT before FROM event_retention)
BEGIN SELECT RAISE(ABORT, 'events are deleted by retention only'); END;

-- What is worth keeping for ever: all tables below are rebuilt from it.
CREATE TABLE fact (
  id INTEGER PRIMARY KEY, -- Order of writing; `follow` reads on from the last one seen.
  at REAL NOT NULL, -- The board's `now`.
  epoch INTEGER NOT NULL, -- The run of the daemon.
  kind TEXT NOT NULL, -- Class name in ari_app/model/facts.py.
  call TEXT, -- The call it belongs to, if any.
  agent TEXT, -- The agent's work number, if any.
  body TEXT NOT NULL -- Its fields as JSON; a number is {"person": key}.
) STRICT;

CREATE INDEX fact_call ON fact (call) WHERE call IS NOT NULL;

-- A person is erased in `person` and `note`, so facts hold nothing that would have to be changed.
CREATE TRIGGER fact_never_changes BEFORE UPDATE ON fact
BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;

CREATE TRIGGER fact_never_deleted BEFORE DELETE ON fact
BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;

-- Who touched or looked at what: erasures, removals, rebuilds, what was shown. Append-only; never holds the erased value.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY, -- Order of writing.
  at REAL NOT NULL, -- When.
  action TEXT NOT NULL, -- erase-person, remove-recording, compress-recording, rebuild.
  subject TEXT NOT NULL, -- What it was done to: a person's key, a recording's id, `projections`.
  detail TEXT NOT NULL -- Why, or how much.
) STRICT;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Emergency files already read in, so that a crash right after reading never reads one twice.
CREATE TABLE emergency_import (
  generation TEXT PRIMARY KEY, -- Name of one filling of the emergency file.
  at REAL NOT NULL, -- When it was read in.
  rows INTEGER NOT NULL -- How many rows it held.
) STRICT;

-- What became of a recording's file after it was stored; kept apart from `recording`, which is rebuilt from facts.
CREATE TABLE recording_file (
  recording TEXT PRIMARY KEY, -- The recording.
  path TEXT, -- Present path below the recordings folder, once compressed; NULL: as in `recording`.
  size_bytes INTEGER, -- Size after compression.
  sha256 TEXT, -- SHA-256 after compression.
  compressed_at REAL, -- When it was compressed; NULL: it is not.
  removed_at REAL, -- When the file was removed; NULL: it stands.
  removed_why TEXT -- age, quota, or another reason.
) STRICT;

-- Every text of a flow file that was ever live: `hotline flow diff`, roll-backs, restarts and replay read it.
CREATE TABLE flow_version (
  name TEXT NOT NULL, -- The flow: its file's name without .yaml.
  version TEXT NOT NULL, -- The first 12 hex digits of the SHA-256 of the text.
  text TEXT NOT NULL, -- The whole file.
  prompts TEXT NOT NULL, -- Prompts it may say, as JSON: {"id": {"language": SHA-256 of the WAV when last live}}.
  first_seen_at REAL NOT NULL, -- When it was first about to become live.
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- Projection: one row for each call, from first ring to last leg gone.
CREATE TABLE call (
  call TEXT PRIMARY KEY, -- The call's id, EPOCH-N.
  opened_at REAL NOT NULL, -- First ring.
  caller INTEGER REFERENCES person (key), -- The caller's number; NULL when withheld.
  dialled TEXT, -- The number dialled.
  via TEXT, -- Trunk or phone it came through.
  flow TEXT, -- The flow that answered; empty when none did.
  flow_version TEXT, -- Version of that flow.
  language TEXT, -- Language of the prompts at the start.
  refused TEXT, -- Why the call was blocked; NULL: it entered.
  connected_at REAL, -- When caller and an agent first heard each other; NULL: never.
  closed_at REAL, -- Last leg gone; NULL: still running.
  closed_by TEXT, -- caller, agent, flow, refused, limit or lost.
  node TEXT, -- The flow node the caller was in at the end.
  cause INTEGER, -- Q.850 cause of the end.
  seconds REAL -- From first ring to last leg gone.
) STRICT;

CREATE INDEX call_opened ON call (opened_at);
CREATE INDEX call_running ON call (call) WHERE closed_at IS NULL;
CREATE INDEX call_caller ON call (caller);

-- Projection: the channels of a call, the caller's and those of agents.
CREATE TABLE leg (
  call TEXT NOT NULL, -- The call.
  leg TEXT NOT NULL, -- Asterisk's channel id.
  role TEXT NOT NULL, -- caller or agent.
  phone TEXT, -- The agent's SIP account.
  opened_at REAL NOT NULL, -- When it began to exist.
  closed_at REAL, -- When it was gone; NULL: it stands.
  cause INTEGER, -- Q.850 cause.
  sip INTEGER, -- SIP status of the end, or 0.
  PRIMARY KEY (call, leg)
) STRICT, WITHOUT ROWID;

-- Projection: each entry into a node of a flow.
CREATE TABLE ivr_step (
  fact INTEGER PRIMARY KEY, -- The NodeEntered fact.
  call TEXT NOT NULL, -- The call.
  node TEXT NOT NULL, -- Name of the node.
  kind TEXT NOT NULL, -- menu, play, queue …
  entered_at REAL NOT NULL, -- When the caller came to it.
  left_at REAL -- When he went on to the next one, or the call ended.
) STRICT;

CREATE INDEX ivr_step_call ON ivr_step (call);

-- Projection: each key a node took or found wrong; never a secret's digits.
CREATE TABLE ivr_key (
  fact INTEGER PRIMARY KEY, -- The KeyTaken fact.
  call TEXT NOT NULL, -- The call.
  node TEXT NOT NULL, -- The node that took it.
  key TEXT NOT NULL, -- 0-9, * or #.
  accepted INTEGER NOT NULL, -- 1: the node knew the key; 0: a wrong key.
  at REAL NOT NULL -- When it was pressed.
) STRICT;

CREATE INDEX ivr_key_call ON ivr_key (call);

-- Projection: each wait in a queue.
CREATE TABLE queue_visit (
  call TEXT NOT NULL, -- The call.
  visit INTEGER NOT NULL, -- Number of the visit within the call, from 1.
  queue TEXT NOT NULL, -- The queue.
  priority INTEGER NOT NULL, -- Rank class.
  rank REAL NOT NULL, -- Orders the queue, smaller first; fixed for the visit.
  position INTEGER NOT NULL, -- Place on arrival, 1 is next.
  queued_at REAL NOT NULL, -- When the caller joined.
  left_at REAL, -- When he left; NULL: still waiting.
  outcome TEXT, -- connected, abandoned, timed-out, full, no-agents or failed.
  wait_s REAL, -- Seconds waited, short waits included.
  agent TEXT, -- The agent who took the call.
  PRIMARY KEY (call, visit)
) STRICT, WITHOUT ROWID;

CREATE INDEX queue_visit_queue ON queue_visit (queue, queued_at);

-- Projection: each attempt to give a call to an agent.
CREATE TABLE offer (
  offer TEXT PRIMARY KEY, -- The offer, which is the agent's leg.
  call TEXT NOT NULL, -- The call.
  visit INTEGER NOT NULL, -- The visit it served.
  queue TEXT NOT NULL, -- The queue.
  agent TEXT NOT NULL, -- The agent's work number.
  phone TEXT NOT NULL, -- The phone that was rung.
  made_at REAL NOT NULL, -- When it was made.
  rang_at REAL, -- When the phone began to ring; NULL: it never did.
  ended_at REAL, -- When ringing stopped: answered or not.
  outcome TEXT, -- accepted, declined, ran-out, withdrawn, unreachable or failed.
  cause INTEGER -- Q.850 cause, or 0.
) STRICT, WITHOUT ROWID;

CREATE INDEX offer_call ON offer (call);
CREATE INDEX offer_agent ON offer (agent, made_at);

-- Projection: each stretch of a call in which caller and agent hear each other (holds included: subtract `hold`).
CREATE TABLE talk (
  offer TEXT PRIMARY KEY, -- The offer that led to it.
  call TEXT NOT NULL, -- The call.
  queue TEXT NOT NULL, -- The queue it came from.
  agent TEXT NOT NULL, -- The agent's work number.
  wait_s REAL NOT NULL, -- What the caller waited in that queue.
  began_at REAL NOT NULL, -- Connected.
  ended_at REAL, -- Parted; NULL: they are talking.
  ended_by TEXT, -- caller, agent, flow, limit or lost.
  talk_s REAL -- Seconds connected.
) STRICT, WITHOUT ROWID;

CREATE INDEX talk_call ON talk (call);
CREATE INDEX talk_agent ON talk (agent, began_at);

-- Projection: each time an agent put the caller on hold.
CREATE TABLE hold (
  fact INTEGER PRIMARY KEY, -- The HoldBegan fact.
  call TEXT NOT NULL, -- The call.
  agent TEXT NOT NULL, -- The agent's work number.
  began_at REAL NOT NULL, -- Hold pressed.
  ended_at REAL -- Hold released, or the talk ended; NULL: on hold.
) STRICT;

CREATE INDEX hold_call ON hold (call);

-- Projection: an agent's time as intervals without gaps or overlaps while the daemon runs.
CREATE TABLE agent_state (
  fact INTEGER PRIMARY KEY, -- The AgentChanged fact that began it.
  agent TEXT NOT NULL, -- The agent's work number.
  state TEXT NOT NULL, -- signed-out, not-ready, ready, reserved, talking or wrap-up.
  reason TEXT NOT NULL, -- Why not ready; empty otherwise.
  phone TEXT, -- The phone signed in with.
  call TEXT, -- The call reserved, talked or wrapped up.
  began_at REAL NOT NULL, -- From.
  ended_at REAL, -- To; NULL: it is the present state.
  cut INTEGER NOT NULL DEFAULT 0 -- 1: the daemon died; `ended_at` is then the last thing known of that run.
) STRICT;

CREATE INDEX agent_state_agent ON agent_state (agent, began_at);
CREATE INDEX agent_state_now ON agent_state (agent) WHERE ended_at IS NULL;

-- Projection: the outcome an agent gave a call; the last one counts.
CREATE TABLE disposition (
  call TEXT NOT NULL, -- The call.
  agent TEXT NOT NULL, -- The agent's work number.
  disposition TEXT NOT NULL, -- One of agent_rules.dispositions.
  at REAL NOT NULL, -- When it was given.
  PRIMARY KEY (call, agent)
) STRICT, WITHOUT ROWID;

-- Projection: each recording that was ordered, and what came of it.
CREATE TABLE recording (
  recording TEXT PRIMARY KEY, -- The recording's id.
  call TEXT NOT NULL, -- The call.
  queue TEXT, -- The queue whose policy ordered it.
  agent TEXT, -- The agent recorded.
  basis TEXT, -- The legal basis.
  keep_days INTEGER, -- Days it is kept.
  wanted_at REAL, -- Ordered.
  running_at REAL, -- Asterisk confirmed that it records; NULL: it never did.
  missed_at REAL, -- When it was known to have failed.
  missed_why TEXT, -- Why it failed.
  stored_at REAL, -- When the stereo file stood; NULL: there is none.
  path TEXT, -- Below the recordings folder, as stored; see recording_file.
  seconds REAL, -- Its length.
  size_bytes INTEGER, -- Its size as stored.
  sha256 TEXT -- Its SHA-256 as stored.
) STRICT;

CREATE INDEX recording_call ON recording (call);
CREATE INDEX recording_stored ON recording (stored_at);

-- Projection: each caller who refused to be recorded.
CREATE TABLE recording_refusal (
  fact INTEGER PRIMARY KEY, -- The RecordingRefused fact.
  call TEXT NOT NULL, -- The call.
  queue TEXT NOT NULL, -- The queue.
  at REAL NOT NULL -- When he refused.
) STRICT;

CREATE INDEX recording_refusal_call ON recording_refusal (call);

-- Projection: each prompt that was not heard to its end though nobody stopped it.
CREATE TABLE prompt_gap (
  fact INTEGER PRIMARY KEY, -- The PromptFailed fact.
  call TEXT NOT NULL, -- The call.
  prompts TEXT NOT NULL, -- The prompts asked for.
  at REAL NOT NULL -- When.
) STRICT;

-- Projection: which flows new calls took from when on; one row a flow and activation, the newest fact's rows are live.
CREATE TABLE flow_active (
  fact INTEGER NOT NULL, -- The FlowsActivated fact.
  name TEXT NOT NULL, -- The flow.
  version TEXT NOT NULL, -- Its version, see flow_version.
  at REAL NOT NULL, -- From.
  by TEXT NOT NULL, -- Who: a login name, `watch`, `SIGHUP`, `start`, `api`.
  how TEXT NOT NULL, -- start, reload or rollback.
  held_against TEXT, -- Version of the file when the flow was rolled back; automatic reloads wait until the file differs. NULL: not held.
  PRIMARY KEY (fact, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX flow_active_name ON flow_active (name, fact);

-- Projection: hours closed by hand now, `hotline hours close`; opened ones are gone from here, the facts keep both.
CREATE TABLE closure (
  hours TEXT PRIMARY KEY, -- Name of the hours in config.yaml; `*`: every queue.
  until REAL, -- Open again by itself at that time, seconds since the Unix epoch; NULL: until somebody opens them.
  by TEXT NOT NULL, -- Who closed them.
  reason TEXT NOT NULL, -- Why; may be empty.
  at REAL NOT NULL -- When.
) STRICT, WITHOUT ROWID;

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

-- Projection: each time a waiting caller was told his expected wait; `hotline report ewt` holds it against the truth.
CREATE TABLE wait_told (
  fact INTEGER PRIMARY KEY, -- The WaitTold fact.
  call TEXT NOT NULL, -- The call.
  visit INTEGER NOT NULL, -- The visit.
  queue TEXT NOT NULL, -- The queue.
  position INTEGER NOT NULL, -- His place then, 1 is next.
  low_s REAL NOT NULL, -- He was told: at least so long from now.
  high_s REAL NOT NULL, -- And at most so long.
  at REAL NOT NULL -- When he was told.
) STRICT;

CREATE INDEX wait_told_call ON wait_told (call, visit);
CREATE INDEX wait_told_at ON wait_told (at);

-- Projection: each call-back that was booked; its place in the queue is that of the visit it was booked from.
CREATE TABLE callback (
  booking TEXT PRIMARY KEY, -- Its id.
  call TEXT NOT NULL, -- The call that booked it.
  queue TEXT NOT NULL, -- The queue whose agents call back.
  number INTEGER REFERENCES person (key), -- The number to be called.
  priority INTEGER NOT NULL, -- Rank class of the visit.
  rank REAL NOT NULL, -- Its place: orders the queue, smaller first.
  since REAL NOT NULL, -- When the caller came into the queue.
  skills TEXT NOT NULL, -- Skill expression instead of the queue's; empty: the queue's.
  language TEXT NOT NULL, -- Language of its prompts.
  dialled TEXT NOT NULL, -- The number the caller had dialled.
  node TEXT NOT NULL, -- The queue node he waited in; empty: in none of the number's own flow.
  booked_at REAL NOT NULL, -- When it was booked.
  tries INTEGER NOT NULL DEFAULT 0, -- Times he was dialled.
  missed TEXT, -- Why he was not reached last; NULL: he was, or was not dialled yet.
  next_at REAL, -- When he is dialled again at the earliest, once missed.
  confirmed_at REAL, -- When he said by a key that he was there.
  ended_at REAL, -- When it was over; NULL: it is open.
  outcome TEXT, -- connected, failed, cancelled, returned (he called in himself), abandoned or expired.
  ended_by TEXT -- Who cancelled it; empty: he himself, or nobody.
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_open ON callback (booking) WHERE ended_at IS NULL;
CREATE INDEX callback_booked ON callback (booked_at);
CREATE INDEX callback_call ON callback (call);

-- Projection: each time somebody who had booked a call-back was dialled; every one is a call of its own.
CREATE TABLE callback_try (
  call TEXT PRIMARY KEY, -- The call made.
  booking TEXT NOT NULL, -- The call-back.
  n INTEGER NOT NULL, -- The how-manieth time.
  dialled_at REAL NOT NULL, -- When.
  outcome TEXT -- confirmed, busy, no-answer, unreachable, not-confirmed or failed; NULL: cut off.
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_try_booking ON callback_try (booking);

-- Projection: each message as work: who has taken it, until when it is due.
CREATE TABLE item (
  message TEXT PRIMARY KEY, -- The message.
  call TEXT NOT NULL, -- The call it was left in.
  box TEXT NOT NULL, -- The box, as the flow names it.
  opened_at REAL NOT NULL, -- When it was left.
  due_at REAL NOT NULL, -- Until when it should be done.
  taken_by TEXT, -- Who has taken it; NULL: nobody.
  taken_at REAL, -- When.
  done_at REAL, -- When it was done; NULL: it is open.
  note INTEGER REFERENCES note (key) -- What came of it; NULL: nobody wrote anything.
) STRICT, WITHOUT ROWID;

CREATE INDEX item_open ON item (due_at) WHERE done_at IS NULL;

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

-- Projection: each message's file in the messages folder.
CREATE TABLE message_file (
  message TEXT PRIMARY KEY, -- The message.
  call TEXT NOT NULL, -- The call it was left in.
  path TEXT NOT NULL, -- Below the messages folder.
  size_bytes INTEGER NOT NULL, -- Its size.
  sha256 TEXT NOT NULL, -- Its SHA-256.
  keep_days INTEGER NOT NULL, -- Days it is kept.
  stored_at REAL NOT NULL -- When it was filed.
) STRICT, WITHOUT ROWID;

CREATE INDEX message_file_stored ON message_file (stored_at);

-- Messages whose file was removed, kept apart from `message_file`, which is rebuilt from facts.
CREATE TABLE message_removed (
  message TEXT PRIMARY KEY, -- The message.
  removed_at REAL NOT NULL, -- When.
  removed_why TEXT NOT NULL -- age, or another reason.
) STRICT, WITHOUT ROWID;

-- Projection: each time a number was screened; who marked it, why, until when, and what came of it.
CREATE TABLE screening (
  screening TEXT PRIMARY KEY, -- The screening's id.
  call TEXT, -- The call it was marked in; NULL: by hand.
  number INTEGER REFERENCES person (key), -- The number screened.
  by TEXT NOT NULL, -- Work number of who marked it.
  why INTEGER REFERENCES note (key), -- The disposition, the script, or what the supervisor wrote.
  times INTEGER NOT NULL, -- The how-manieth time this number is screened; more make it longer.
  began_at REAL NOT NULL, -- When it was marked.
  until REAL NOT NULL, -- When it ends by itself.
  ended_at REAL, -- When it ended; NULL: not yet.
  outcome TEXT, -- expired, lifted or erased.
  ended_by TEXT, -- Work number of who lifted it.
  ended_why INTEGER REFERENCES note (key), -- Why.
  appeal TEXT, -- The last message the caller left against it.
  appealed_at REAL, -- When.
  decided_at REAL, -- When a supervisor lifted it, or kept it after an appeal; NULL: an appeal waits, or there is none.
  decided_by TEXT, -- Who.
  decided_why INTEGER REFERENCES note (key) -- Why.
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
