"""What the daemon runs on: the loop, its timers and clock, the log. Adapter."""
