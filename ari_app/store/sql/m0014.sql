-- Steps of the wall clock are looked for at every start.
CREATE INDEX event_clock ON event (epoch) WHERE kind = 'ClockStepped';
