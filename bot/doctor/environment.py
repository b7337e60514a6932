"""What is set in the environment, what is missing, and what the runbook's own lint says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from bot.doctor.model import Line, failed, ok, skipped, warning
from bot.settings import Settings
from checks.engine.masking import MIN_LIVE_SECRET
from checks.sources.loopback import is_loopback

_SOURCES: Final[Mapping[str, str]] = {
    "GOLIVE_LOG": "log",
    "GOLIVE_LOKI_URL": "loki_url",
    "GOLIVE_DATABASE_URL": "database_url",
    "BASE_URL": "base_url",
}
_BOT: Final[Mapping[str, str]] = {
    "SLACK_BOT_TOKEN": "slack_bot_token",
    "SLACK_APP_TOKEN": "slack_app_token",
    "SLACK_SIGNING_SECRET": "slack_signing_secret",
    "GOLIVE_CHANNEL": "channel",
    "GOLIVE_STORE_URL": "store_url",
}


def look_at_environment(settings: Settings) -> list[Line]:
    """What can be told from the variables alone."""
    return [_sources(settings), *_run(settings), *_short(settings), *_plain(settings)]


def _sources(settings: Settings) -> Line:
    given = [name for name, field in _SOURCES.items() if getattr(settings, field) is not None]
    if not given:
        return failed(
            f"There is nothing to look at: none of {', '.join(_SOURCES)} is set.",
            "Set at least one of them; the checks of the others stay UNKNOWN.",
        )
    return ok(f"The checks look at {', '.join(given)}.")


def _run(settings: Settings) -> list[Line]:
    if all(getattr(settings, field) is None for field in _BOT.values()):
        return [
            skipped(
                "golive run is not configured.",
                f"With {', '.join(_BOT)} the bot watches each deploy from Slack.",
            )
        ]
    lacks = settings.lacks_to_run()
    if not lacks:
        return [ok("golive run has all that it needs.")]
    return [failed(*_halves(sentence)) for sentence in lacks]


def _halves(sentence: str) -> tuple[str, str]:
    """The first sentence, and what follows."""
    what, dot, mend = sentence.partition(". ")
    return f"{what}{'.' if dot else ''}", mend


def _short(settings: Settings) -> Iterable[Line]:
    for secret in settings.secrets:
        if len(secret.value.get_secret_value()) < MIN_LIVE_SECRET:
            whose = f"The password in {secret.name}" if _is_url(secret.name) else secret.name
            yield warning(
                f"{whose} is shorter than {MIN_LIVE_SECRET} characters: it is not searched in the"
                " log, where it would be found by accident.",
                f"Give it {MIN_LIVE_SECRET} or more random characters.",
            )


def _plain(settings: Settings) -> Iterable[Line]:
    """Of addresses that carry a secret, and are not looked at any closer elsewhere."""
    ping = settings.ping_url.get_secret_value() if settings.ping_url is not None else ""
    for name, url in (("SLACK_API_URL", settings.slack_api_url), ("GOLIVE_PING_URL", ping)):
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield warning(
                f"{name} begins with http://: what is secret in a request to it crosses the network"
                " in plain text.",
                f"Write https:// in {name}.",
            )


def _is_url(name: str) -> bool:
    return name.endswith("_URL")


def look_at_runbook(notes: Sequence[str], where: str) -> list[Line]:
    """What the lint of a runbook that could be loaded says."""
    if not notes:
        return [ok(f"{where}: no errors, no contradictions.")]
    return [warning(note, f"Change it in {where}.") for note in notes]
