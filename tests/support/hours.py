"""Hours of the demo's application, and their log as text, in formats by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bot.demo.events import Event
from bot.demo.formats import Format, Layout, Prefix, lines
from bot.demo.hour import Hour, broken_hour, quiet_hour, write_hour

DEPLOYED_AT = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
"""When the deploy was; any whole minute will do."""

FORMATS: dict[str, Format] = {
    "crm-console": Format(Layout.CONSOLE),
    "iso8601": Format(Layout.CONSOLE, Prefix.ISO8601),
    "docker": Format(Layout.CONSOLE, Prefix.DOCKER),
    "syslog": Format(Layout.CONSOLE, Prefix.SYSLOG),
    "journald": Format(Layout.CONSOLE, Prefix.JOURNALD),
    "json-lines-pino": Format(Layout.PINO),
    "json-lines-winston": Format(Layout.WINSTON),
    "json-lines-bunyan": Format(Layout.BUNYAN),
    "access-log": Format(Layout.NGINX),
    "access-log-morgan": Format(Layout.MORGAN),
}
"""The formats by name; any other pair of layout and prefix can be written as well."""


def make_hour(*, seed: int, quiet: bool = False, deployed_at: datetime = DEPLOYED_AT) -> Hour:
    """One hour: with an incident that begins at T+18, or a quiet one without.

    Args:
        seed: the same seed gives the same events.
        quiet: little traffic, two idle units, nothing wrong.
        deployed_at: T+0; aware, in UTC, a whole minute.
    """
    return write_hour(quiet_hour if quiet else broken_hour, seed=seed, deployed_at=deployed_at)


def render(events: Iterable[Event], style: Format | str) -> str:
    """The log of these events as text; `style` is a format or the name of one in `FORMATS`."""
    form = FORMATS[style] if isinstance(style, str) else style
    return "".join(f"{line.text}\n" for line in lines(events, form))
