"""The `hotline` command: one module a noun. Each parses, calls the part that does the work, and prints."""
