"""Look-ups outside of this machine's scripts: JSON services over HTTP and read-only SQLite queries."""
