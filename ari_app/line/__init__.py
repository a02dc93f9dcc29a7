"""What the caller's line is like: sound in, verdicts out. Pure."""
