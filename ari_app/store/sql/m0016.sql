-- Whose call-back was made is looked up for each call that nobody served.
CREATE INDEX callback_call ON callback (call);
