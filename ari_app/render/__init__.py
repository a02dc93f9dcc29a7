"""Writes what other programs read: the only place that knows Asterisk's .conf files."""
