"""HTTP: health, metrics and the agents' API (app, auth), what Prometheus reads (metrics), the CLI's client (client).

The only package that knows HTTP. It reaches the rest of the daemon through the `WebDesk` protocol of app.
"""
