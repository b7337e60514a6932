"""The local workspace in a browser: a page that is a client of the workspace's server."""
