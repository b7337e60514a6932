"""What is typed on the command line, turned into values; a sentence says what is wrong with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from bot.logs import Form
from bot.wellformed import credentials_trouble
from checks.engine.model import Window

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_FORMS: Final[dict[str, Form]] = {"json": "json", "console": "console"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class UsageError(Exception):
    """Something typed cannot be used. `errors` are sentences, one for each thing that is wrong."""

    def __init__(self, *errors: str) -> None:
        super().__init__(" ".join(errors))
        self.errors = errors


def instant(option: str, text: str, now: datetime) -> datetime:
    """An instant from ISO-8601 (UTC where it names no zone), or a duration before `now`.

    Raises:
        UsageError: it is neither.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option}: {text!r} is neither a time nor a duration."
            " Write 2026-11-23T21:54:30Z (UTC where no zone is named), or 60m, 2h, 1d."
        ) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def window(since: str | None, until: str | None, now: datetime, span: timedelta) -> Window:
    """The window to look at: the last `span` unless told otherwise.

    Raises:
        UsageError: a time cannot be read, or the window is empty.
    """
    end = now if until is None else instant("--until", until, now)
    begin = end - span if since is None else instant("--since", since, now)
    if begin >= end:
        raise UsageError(
            f"--since ({begin.isoformat()}) must be before --until ({end.isoformat()})."
        )
    return Window(since=begin, until=end)


def only(
    texts: Sequence[str], known: Sequence[str], switched_off: Mapping[str, str]
) -> tuple[str, ...]:
    """Check ids from `--only a,b`, each once.

    Raises:
        UsageError: a check is unknown or switched off.
    """
    ids = dict.fromkeys(word for text in texts for word in text.replace(",", " ").split())
    strange = [name for name in ids if name not in known]
    errors: list[str] = []
    if strange:
        errors.append(
            f"--only: there is no check {', '.join(strange)}. Checks: {', '.join(known)}."
        )
    errors += [
        f"--only: the runbook switches {name} off: {switched_off[name]}"
        for name in ids
        if name in switched_off
    ]
    if texts and not ids:
        errors.append("--only: name at least one check.")
    if errors:
        raise UsageError(*errors)
    return tuple(ids)


def base_url(text: str) -> str:
    """The application's address.

    Raises:
        UsageError: it is no http or https URL. The text is not repeated: it may hold a password.
    """
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    misread = credentials_trouble(text)
    if misread is not None:
        raise UsageError(f"The base URL {misread}")
    if not usable:
        raise UsageError("The base URL must begin with http:// or https:// and name a host.")
    return text.strip()


def one_of(option: str, text: str, allowed: Collection[str]) -> str:
    """A word out of a few.

    Raises:
        UsageError: it is another word.
    """
    if text not in allowed:
        raise UsageError(f"{option}: {text!r} is not one of {', '.join(allowed)}.")
    return text


def logging_of(level: str, form: str | None, *, terminal: bool) -> tuple[int, Form]:
    """What golive's own log shows, and how: for a person where stderr is a terminal.

    Raises:
        UsageError: a word is not one of those that there are.
    """
    wanted = _LEVELS[one_of("--log-level", level.lower(), _LEVELS)]
    if form is None:
        return wanted, "console" if terminal else "json"
    return wanted, _FORMS[one_of("--log-format", form, _FORMS)]
