"""The shared vocabulary: ids, settings, events, effects, facts and state tables. Pure; imports nothing of ours."""
