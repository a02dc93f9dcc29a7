"""Flows: what an admin writes in YAML (model), and what it does to a call (interpreter). Pure."""
