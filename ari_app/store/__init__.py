"""The store: one SQLite file. Append-only `event` and `fact` tables, and the projections built from facts.

journal (the daemon's one writer thread) · reader (read-only views) · projections (facts to tables, also anew) ·
retention and erasure (what may be forgotten, and how). The only package that knows SQL.
"""
