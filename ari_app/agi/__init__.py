"""FastAGI: a server for Asterisk's AGI(), and the scripts of agi_scripts/ that it and the flows ask."""
