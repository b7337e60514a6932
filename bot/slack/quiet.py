"""Silences the Slack libraries: their own words quote payloads, and addresses that hold tickets."""

from __future__ import annotations

import logging
from typing import Final

LIBRARY: Final = logging.getLogger("bot.slack.library")
"""Given to every client: what went wrong reaches golive's own log as a sentence of its own."""

LIBRARY.addHandler(logging.NullHandler())
LIBRARY.propagate = False
LIBRARY.setLevel(logging.CRITICAL)
