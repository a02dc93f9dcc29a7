-- name: call_opened
-- A call begins.
INSERT INTO call (call, opened_at, caller, dialled, via, flow, flow_version, language)
VALUES (:call, :at, :caller, :dialled, :via, :flow, :flow_version, :language)
ON CONFLICT (call) DO UPDATE SET opened_at = min(opened_at, excluded.opened_at), caller = excluded.caller,
  dialled = excluded.dialled, via = excluded.via, flow = excluded.flow, flow_version = excluded.flow_version,
  language = excluded.language;

-- name: call_refused
-- A call was blocked, opened before or not.
INSERT INTO call (call, opened_at, refused) VALUES (:call, :at, :reason)
ON CONFLICT (call) DO UPDATE SET refused = excluded.refused;

-- name: call_closed
-- A call is over.
INSERT INTO call (call, opened_at, closed_at, closed_by, node, cause, seconds)
VALUES (:call, :at - :seconds, :at, :by, :node, :cause, :seconds)
ON CONFLICT (call) DO UPDATE SET closed_at = excluded.closed_at, closed_by = excluded.closed_by,
  node = excluded.node, cause = excluded.cause, seconds = excluded.seconds;

-- name: legs_cut
-- With the call whatever of it is open is over: a crash of the daemon or of Asterisk took the word for it.
UPDATE leg SET closed_at = :at, cause = 0, sip = 0 WHERE call = :call AND closed_at IS NULL;

-- name: visits_cut
-- The same for its visits; how long he waited is known to the end of the call at most.
UPDATE queue_visit SET left_at = :at, outcome = 'failed', wait_s = max(0, round(:at - queued_at, 3))
WHERE call = :call AND left_at IS NULL;

-- name: offers_cut
-- The same for its offers.
UPDATE offer SET ended_at = :at, outcome = 'failed', cause = 0 WHERE call = :call AND ended_at IS NULL;

-- name: talks_cut
-- The same for its talks.
UPDATE talk SET ended_at = :at, ended_by = :by, talk_s = max(0, round(:at - began_at, 3))
WHERE call = :call AND ended_at IS NULL;

-- name: holds_cut
-- The same for its holds.
UPDATE hold SET ended_at = :at WHERE call = :call AND ended_at IS NULL;

-- name: call_connected
-- The first agent of a call.
UPDATE call SET connected_at = :at WHERE call = :call AND connected_at IS NULL;

-- name: leg_opened
-- A channel of a call begins.
INSERT INTO leg (call, leg, role, phone, opened_at) VALUES (:call, :leg, :role, :phone, :at)
ON CONFLICT (call, leg) DO NOTHING;

-- name: leg_closed
-- A channel is gone.
UPDATE leg SET closed_at = :at, cause = :cause, sip = :sip WHERE call = :call AND leg = :leg;

-- name: step_left
-- The caller leaves the node he is in.
UPDATE ivr_step SET left_at = :at WHERE call = :call AND left_at IS NULL;

-- name: step_entered
-- The caller enters a node.
INSERT INTO ivr_step (fact, call, node, kind, entered_at) VALUES (:id, :call, :node, :node_kind, :at);

-- name: key_taken
-- A key was pressed.
INSERT INTO ivr_key (fact, call, node, key, accepted, at) VALUES (:id, :call, :node, :key, :accepted, :at);

-- name: visit_began
-- A caller joins a queue.
INSERT INTO queue_visit (call, visit, queue, priority, rank, position, queued_at)
VALUES (:call, :visit, :queue, :priority, :rank, :position, :at)
ON CONFLICT (call, visit) DO NOTHING;

-- name: visit_turned_away
-- A caller who could not wait in a queue (full, closed, no agents) was never queued: his visit is one of no seconds.
INSERT OR IGNORE INTO queue_visit (call, visit, queue, priority, rank, position, queued_at)
VALUES (:call, :visit, :queue, 0, :at, 0, :at);

-- name: visit_ended
-- A caller leaves a queue.
UPDATE queue_visit SET left_at = :at, outcome = :outcome, wait_s = :wait_s, agent = :agent
WHERE call = :call AND visit = :visit;

-- name: offer_made
-- A call is offered to an agent.
INSERT INTO offer (offer, call, visit, queue, agent, phone, made_at)
VALUES (:offer, :call, :visit, :queue, :agent, :phone, :at)
ON CONFLICT (offer) DO NOTHING;

-- name: offer_rang
-- The agent's phone rings.
UPDATE offer SET rang_at = :at WHERE offer = :offer AND rang_at IS NULL;

-- name: offer_ended
-- The ringing is over.
UPDATE offer SET ended_at = :at, outcome = :outcome, cause = :cause WHERE offer = :offer;

-- name: talk_began
-- Caller and agent hear each other.
INSERT INTO talk (offer, call, queue, agent, wait_s, began_at)
VALUES (:offer, :call, :queue, :agent, :wait_s, :at)
ON CONFLICT (offer) DO NOTHING;

-- name: talk_ended
-- Caller and agent part.
UPDATE talk SET ended_at = :at, ended_by = :by, talk_s = :talk_s WHERE offer = :offer;

-- name: hold_began
-- The caller is put on hold.
INSERT INTO hold (fact, call, agent, began_at) VALUES (:id, :call, :agent, :at);

-- name: hold_ended
-- The caller is taken back, or the talk ends while he is on hold.
UPDATE hold SET ended_at = :at WHERE call = :call AND agent = :agent AND ended_at IS NULL;

-- name: disposition_noted
-- The agent says what came of the call.
INSERT INTO disposition (call, agent, disposition, at) VALUES (:call, :agent, :disposition, :at)
ON CONFLICT (call, agent) DO UPDATE SET disposition = excluded.disposition, at = excluded.at;

-- name: state_ended
-- The agent's present state is over.
UPDATE agent_state SET ended_at = :at WHERE agent = :agent AND ended_at IS NULL;

-- name: state_began
-- The agent's new state.
INSERT INTO agent_state (fact, agent, state, reason, phone, call, began_at)
VALUES (:id, :agent, :state, :reason, :phone, :call, :at);

-- name: states_cut
-- A new run of the daemon: what was open ended no later than the last thing known of the run before.
UPDATE agent_state SET cut = 1,
  ended_at = max(began_at, coalesce((SELECT at FROM fact WHERE id < :id ORDER BY id DESC LIMIT 1), :at))
WHERE ended_at IS NULL;

-- name: recording_wanted
-- A recording was ordered.
INSERT INTO recording (recording, call, queue, agent, basis, keep_days, wanted_at)
VALUES (:recording, :call, :queue, :agent, :basis, :keep_days, :at)
ON CONFLICT (recording) DO NOTHING;

-- name: recording_running
-- Asterisk records.
INSERT INTO recording (recording, call, running_at) VALUES (:recording, :call, :at)
ON CONFLICT (recording) DO UPDATE SET running_at = excluded.running_at;

-- name: recording_missed
-- A recording failed.
INSERT INTO recording (recording, call, missed_at, missed_why) VALUES (:recording, :call, :at, :reason)
ON CONFLICT (recording) DO UPDATE SET missed_at = excluded.missed_at, missed_why = excluded.missed_why;

-- name: recording_stored
-- A recording stands as one file.
INSERT INTO recording (recording, call, stored_at, path, seconds, size_bytes, sha256)
VALUES (:recording, :call, :at, :path, :seconds, :size_bytes, :sha256)
ON CONFLICT (recording) DO UPDATE SET stored_at = excluded.stored_at, path = excluded.path,
  seconds = excluded.seconds, size_bytes = excluded.size_bytes, sha256 = excluded.sha256;

-- name: recording_refused
-- The caller refused to be recorded.
INSERT INTO recording_refusal (fact, call, queue, at) VALUES (:id, :call, :queue, :at);

-- name: prompt_failed
-- A prompt was not heard to its end.
INSERT INTO prompt_gap (fact, call, prompts, at) VALUES (:id, :call, :prompts, :at);

-- name: looked_up
-- A look-up is over.
INSERT INTO look_up (fact, call, node, ok, seconds, reason, at)
VALUES (:id, :call, :node, :ok, :seconds, :reason, :at);

-- name: message_left
-- A voicemail message stands.
INSERT INTO message (message, call, box, seconds, left_at) VALUES (:message, :call, :box, :seconds, COALESCE(NULLIF(:left_at, 0), :at))
ON CONFLICT (message) DO NOTHING;

-- name: message_back
-- The number to call back, if the caller gave one.
INSERT INTO message_back (message, back) SELECT :message, :back WHERE :back IS NOT NULL
ON CONFLICT (message) DO NOTHING;

-- name: prompt_recorded
-- An agent recorded a prompt by telephone.
INSERT INTO prompt_recording (fact, prompt, language, agent, sha256, seconds, at)
VALUES (:id, :prompt, :language, :agent, :sha256, :seconds, :at);

-- name: wait_told
-- A waiting caller was told his expected wait.
INSERT INTO wait_told (fact, call, visit, queue, position, low_s, high_s, at)
VALUES (:id, :call, :visit, :queue, :position, :low_s, :high_s, :at);

-- name: callback_booked
-- A call-back is booked.
INSERT INTO callback (booking, call, queue, number, priority, rank, since, skills, language, dialled, node, booked_at)
VALUES (:booking, :call, :queue, :number, :priority, :rank, :since, :skills, :language, :dialled, :node, :at)
ON CONFLICT (booking) DO NOTHING;

-- name: callback_dialled
-- He is dialled.
UPDATE callback SET tries = :n, missed = NULL, next_at = NULL WHERE booking = :booking;

-- name: try_began
-- The call made for it.
INSERT INTO callback_try (call, booking, n, dialled_at) VALUES (:call, :booking, :n, :at)
ON CONFLICT (call) DO NOTHING;

-- name: callback_missed
-- He was not reached.
UPDATE callback SET missed = :outcome, next_at = :next_at WHERE booking = :booking;

-- name: try_missed
-- The same of that call.
UPDATE callback_try SET outcome = :outcome WHERE call = :call;

-- name: callback_confirmed
-- He is there.
UPDATE callback SET confirmed_at = :at WHERE booking = :booking;

-- name: try_confirmed
-- The same of that call.
UPDATE callback_try SET outcome = 'confirmed' WHERE call = :call;

-- name: callback_ended
-- It is over.
UPDATE callback SET ended_at = :at, outcome = :outcome, ended_by = :by WHERE booking = :booking;

-- name: message_stored
-- A message's file is filed.
INSERT INTO message_file (message, call, path, size_bytes, sha256, keep_days, stored_at)
VALUES (:message, :call, :path, :size_bytes, :sha256, :keep_days, :at)
ON CONFLICT (message) DO UPDATE SET path = excluded.path, size_bytes = excluded.size_bytes,
  sha256 = excluded.sha256, keep_days = excluded.keep_days, stored_at = excluded.stored_at;

-- name: item_opened
-- A message is to be worked.
INSERT INTO item (message, call, box, opened_at, due_at) VALUES (:message, :call, :box, :at, :due_at)
ON CONFLICT (message) DO NOTHING;

-- name: item_offers_cut
-- A new run of the daemon: whatever still rang is over.
UPDATE item_offer SET ended_at = :at, outcome = 'failed' WHERE ended_at IS NULL;

-- name: item_offered
-- An agent's phone rings for a message.
INSERT INTO item_offer (offer, call, message, agent, phone, made_at)
VALUES (:offer, :call, :message, :agent, :phone, :at);

-- name: item_offer_ended
-- The offer is over.
UPDATE item_offer SET ended_at = :at, outcome = :outcome, cause = :cause WHERE offer = :offer;

-- name: item_taken
-- Somebody works it.
UPDATE item SET taken_by = :by, taken_at = :at WHERE message = :message;

-- name: item_returned
-- Nobody works it any more.
UPDATE item SET taken_by = NULL, taken_at = NULL WHERE message = :message;

-- name: item_done
-- It is done.
UPDATE item SET taken_by = :by, done_at = :at, note = :note WHERE message = :message;

-- name: item_disposed
-- With a disposition.
INSERT INTO item_disposition (message, disposition)
SELECT :message, :disposition WHERE :disposition <> '' ON CONFLICT (message) DO NOTHING;

-- name: rated
-- The caller answered a survey's question.
INSERT INTO rating (fact, call, question, key, agent, at) VALUES (:id, :call, :question, :key, :agent, :at);

-- name: situation_began
-- The script of a situation begins.
INSERT INTO situation (fact, call, situation, place, began_at) VALUES (:id, :call, :situation, :where, :at);

-- name: situation_ended
-- It is over. By its call: without the +, SQLite looks through all situations of this name.
UPDATE situation SET ended_at = :at, outcome = :outcome, step = :step
WHERE call = :call AND +situation = :situation AND ended_at IS NULL;

-- name: situations_cut
-- The call is closed; scripts that ran when a daemon died are over too.
UPDATE situation SET ended_at = :at, outcome = 'gone' WHERE call = :call AND ended_at IS NULL;

-- name: talk_long
-- A talk has become long.
INSERT INTO situation (fact, call, situation, place, began_at, ended_at, outcome)
VALUES (:id, :call, 'talk-long-' || :for_whom, 'talking', :at, :at, 'hint');

-- name: all_facts
-- Every fact in order: what a rebuild reads.
SELECT id, at, kind, body FROM fact ORDER BY id;

-- name: flows_activated
-- New calls take these flows: one row each. `versions` and `held` are JSON arrays of pairs.
INSERT INTO flow_active (fact, name, version, at, by, how, held_against)
SELECT :id, live.value ->> 0, live.value ->> 1, :at, :by, :how,
  (SELECT held.value ->> 1 FROM json_each(:held) AS held WHERE held.value ->> 0 = live.value ->> 0)
FROM json_each(:versions) AS live WHERE true
ON CONFLICT (fact, name) DO NOTHING;

-- name: closure_ended
-- Whatever was said about these hours before is over.
DELETE FROM closure WHERE hours = :hours;

-- name: closure_began
-- Hours are closed by hand.
INSERT INTO closure (hours, until, by, reason, at)
SELECT :hours, :until, :by, :reason, :at WHERE :closed;

-- name: line_heard
-- What the caller's line is like from here on.
INSERT INTO line_verdict (fact, call, agent, verdict, speech_dbfs, noise_dbfs, at)
VALUES (:id, :call, :agent, :verdict, :speech_dbfs, :noise_dbfs, :at);

-- name: line_cause
-- Why it is noisy, if that is known.
INSERT INTO line_cause (fact, call, cause) SELECT :id, :call, :cause WHERE :cause <> '';

-- name: leg_quality
-- How a leg sounded.
INSERT INTO call_quality (fact, call, leg, loss, loss_max, jitter_ms, rtt_ms, mos, at)
VALUES (:id, :call, :leg, :loss, :loss_max, :jitter_ms, :rtt_ms, :mos, :at);

-- name: line_missed
-- From here on the line was not listened to.
INSERT INTO line_verdict (fact, call, reason, at) VALUES (:id, :call, :reason, :at);

-- name: transfer_began
-- Somebody outside the queues is sought for the caller.
INSERT INTO transfer (transfer, call, agent, how, target, number, began_at)
VALUES (:transfer, :call, :agent, :how, :target, :number, :at)
ON CONFLICT (transfer) DO NOTHING;

-- name: transfer_answered
-- The other side answered.
UPDATE transfer SET answered_at = :at WHERE transfer = :transfer AND answered_at IS NULL;

-- name: conference_began
-- All three talk together.
UPDATE transfer SET three_way_at = :at WHERE transfer = :transfer AND three_way_at IS NULL;

-- name: transfer_ended
-- Completed, or over.
UPDATE transfer SET ended_at = :at, outcome = :outcome WHERE transfer = :transfer;

-- name: transfers_cut
-- A call that was lost: what was under way is over.
UPDATE transfer SET ended_at = :at WHERE call = :call AND ended_at IS NULL;

-- name: help_asked
-- An agent calls a supervisor.
INSERT INTO supervision (fact, call, supervisor, agent, how, began_at, ended_at)
VALUES (:id, :call, :supervisor, :agent, 'help', :at, :at);

-- name: supervision_began
-- A supervisor takes part in a talk.
INSERT INTO supervision (fact, call, supervisor, agent, how, began_at)
VALUES (:id, :call, :by, :agent, :how, :at);

-- name: supervision_ended
-- He leaves it, or goes on in another way.
UPDATE supervision SET ended_at = :at WHERE call = :call AND supervisor = :by AND ended_at IS NULL;

-- name: supervisions_cut
-- A call that was lost.
UPDATE supervision SET ended_at = :at WHERE call = :call AND ended_at IS NULL;

-- name: wrap_up_extended
-- An agent has more time after a call.
INSERT INTO wrap_up_extension (fact, call, agent, until, times, at) VALUES (:id, :call, :agent, :until, :times, :at);

-- name: agent_forced
-- A supervisor put an agent into a state.
INSERT INTO agent_override (fact, agent, state, by, reason, at) VALUES (:id, :agent, :to, :by, :reason, :at);

-- name: surge_taken
-- A step of the surge plan is taken. `agents` is a JSON array.
INSERT INTO surge_step (fact, step, name, drill, agents, head_count, waiting, taken_at, taken_by, taken_why)
VALUES (:id, :step, :name, :drill, :agents, :head_count, :waiting, :at, :by, :why);

-- name: surge_undone
-- A step of the surge plan is over.
UPDATE surge_step SET undone_at = :at, undone_by = :by, undone_why = :why
WHERE step = :step AND drill = :drill AND undone_at IS NULL;

-- name: surge_cut
-- A new run of the daemon begins without steps.
UPDATE surge_step SET undone_by = 'restart', undone_why = 'the daemon was started',
  undone_at = max(taken_at, coalesce((SELECT at FROM fact WHERE id < :id ORDER BY id DESC LIMIT 1), :at))
WHERE undone_at IS NULL;

-- name: surge_switched
-- The surge plan was armed or disarmed, or a drill began or ended.
INSERT INTO surge_switch (fact, what, by, why, at) VALUES (:id, :what, :by, :why, :at);

-- name: screening_began
-- A number is screened.
INSERT INTO screening (screening, call, number, by, why, times, began_at, until)
VALUES (:screening, :call, :number, :by, :why, :times, :at, :until) ON CONFLICT (screening) DO NOTHING;

-- name: screening_refused
-- Somebody marked a number that is not screened.
INSERT INTO screening_refusal (fact, call, number, by, reason, at) VALUES (:id, :call, :number, :by, :reason, :at);

-- name: screening_ended
-- It is over.
UPDATE screening SET ended_at = :at, outcome = :outcome, ended_by = nullif(:by, ''), ended_why = :why
WHERE screening = :screening AND ended_at IS NULL;

-- name: screening_decided
-- Lifted by a supervisor: an appeal is answered by that.
UPDATE screening SET decided_at = :at, decided_by = :by, decided_why = :why
WHERE screening = :screening AND :outcome = 'lifted';

-- name: appeal_left
-- The caller appeals; earlier decisions are about earlier appeals.
UPDATE screening SET appeal = :message, appealed_at = :at, decided_at = NULL, decided_by = NULL, decided_why = NULL
WHERE screening = :screening;

-- name: appeal_kept
-- A supervisor keeps it.
UPDATE screening SET decided_at = :at, decided_by = :by, decided_why = :why WHERE screening = :screening;
