"""The board: every event in, effects out. One call's life, the agents' seats, read-only views. Pure."""
