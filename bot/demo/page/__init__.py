"""The local workspace in a browser: a page that is a client of the workspace's server."""

from bot.demo.page.server import Page

__all__ = ["Page"]
