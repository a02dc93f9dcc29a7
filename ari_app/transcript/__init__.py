"""Calls told as text: parsed, rehearsed on the pure board, run on a real Asterisk, walked in a terminal.

Pure: steps, parse, words, exchange, rehearse, report, trial. What reads files or talks to Asterisk: stage, live.
"""
