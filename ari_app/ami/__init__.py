"""Asterisk's manager interface, for what ARI cannot do: recording both sides, RTCP, security events. Adapter."""
