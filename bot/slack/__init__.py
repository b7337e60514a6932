"""Slack's side of the bot: what it sends and receives, and who may do what."""
