"""Finds or builds an Asterisk 22, starts, stops and checks it."""
