"""Indicators and the queueing formulas behind them: numbers in, numbers out. Pure."""
