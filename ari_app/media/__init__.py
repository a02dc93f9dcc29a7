"""Sound: prompts by id and language, how they are rendered and checked, music on hold; the live ear on a caller."""
