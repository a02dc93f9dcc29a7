"""Hotline: a telephone hotline and contact centre on Asterisk 22."""
