"""The link to Asterisk's REST interface (ARI): the only package that knows ARI's JSON. See `client.AriLink`."""
