"""Each signal of a profile as a LogQL pipeline, to be put behind the selector.

Where a field decides (a response's status), it is read there as it is read from a file: the first
one of the record, out of the strict pattern, or at its path in the JSON object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.engine.profiles import JsonResponses, LineResponses, PairedResponses
from checks.sources.logs.prefix import NO_PREFIX, Prefix
from checks.sources.logs.profile import Profile
from checks.sources.loki.logql import (
    anchored,
    before_lines,
    literal_of,
    literally,
    quoted,
)

_ANY = "[0-9]{3}"
_ANY_HTTP = "[1-5][0-9]{2}"
_SERVER_ERROR = "5[0-9]{2}"
_STATUSES = {"http_5xx": _SERVER_ERROR, "http_401": "401", "http_403": "403", "http_429": "429"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMED = re.compile(r"\(\?P<(\w+)>")
_KEPT = {"status": "golive_status", "path": "golive_path"}
_JSON_SAFE = re.compile(r"[A-Za-z0-9 :_=()\[\].{}'-]+")


@dataclass(frozen=True, slots=True)
class Questions:
    """What Loki is asked about a profile.

    signals: signal → pipeline
    heads:   the first lines of responses, whole or not; None where a response is one line
    """

    signals: Mapping[str, str]
    heads: str | None


def questions(profile: Profile, prefix: Prefix, *, coloured: bool) -> Questions:
    """The pipelines of all signals of a profile but leaks.

    Args:
        profile: the format.
        prefix: what the platform puts before its lines, in Loki too.
        coloured: whether ANSI codes are to be taken out first.
    """
    spec = profile.spec.responses
    first = "| decolorize " if coloured else ""
    if isinstance(spec, JsonResponses):
        return _json(profile, spec, first + _without(prefix))
    events = {name: first + _event(event.pattern, prefix) for name, event in profile.events.items()}
    health = profile.spec.health_path
    if isinstance(spec, PairedResponses):
        heads, record = _paired(spec, prefix)
        in_health = f"{anchored(f'^{literally(spec.response)}GET {literally(health)}', prefix)}[ ?]"
        signals = _responses(first + record, f"|~ {quoted(in_health)}", _ANY)
        return Questions({**events, **signals}, first + heads)
    # The path is that of the request line, with its query.
    in_health = f"| golive_path=~{quoted(f'{literally(health)}([?].*)?')}"
    return Questions(
        {**events, **_responses(first + _line(spec, prefix), in_health, _ANY_HTTP)}, None
    )


def _responses(record: str, in_health: str, any_status: str) -> dict[str, str]:
    """The response signals of a format whose record gives the label golive_status."""
    status = {
        signal: f"{record} | golive_status=~{quoted(pattern)}"
        for signal, pattern in {"http_responses": any_status, **_STATUSES}.items()
    }
    return {
        **status,
        "http_health": f"{status['http_responses']} {in_health}",
        "http_health_5xx": f"{status['http_5xx']} {in_health}",
    }


def _event(pattern: str, prefix: Prefix) -> str:
    literal = literal_of(pattern)
    sure = f"|= {quoted(literal)} " if literal else ""
    return f"{sure}|~ {quoted(anchored(pattern, prefix))}"


# --- records of several lines -------------------------------------------------------------------


def _paired(spec: PairedResponses, prefix: Prefix) -> tuple[str, str]:
    """Pipelines of the first lines of responses, and of whole ones.

    A whole one names an id, and a status at the start of an indented line or after a brace or a
    comma. Loki counts entries: all of a record must stand in one.
    """
    before = before_lines(prefix)
    head = anchored(f"^{literally(spec.response)}", prefix)
    # Lazy all through: the first status of the record is taken, as it is in a file.
    inside = f"{head}[^\\n]*?(?:\\n{before}[ \\t][^\\n]*?)*?"
    status = f"(?:\\n{before}  |[{{,] ){literally(spec.status)}(?P<golive_status>[0-9]{{3}})\\b"
    sure = f"|= {quoted(spec.response)}"
    named = f"{inside}{literally(spec.id)}" + "[^'\",\\s}]"
    return f"{sure} |~ {quoted(head)}", (
        f"{sure} |~ {quoted(named)} | regexp {quoted(inside + status)}"
    )


# --- one response a line ------------------------------------------------------------------------


def _line(spec: LineResponses, prefix: Prefix) -> str:
    """A pipeline that reads status and path by the profile's own pattern."""

    def renamed(match: re.Match[str]) -> str:
        kept = _KEPT.get(match[1])
        return f"(?P<{kept}>" if kept else "(?:"

    return f"| regexp {quoted(anchored(_NAMED.sub(renamed, spec.pattern), prefix))}"


# --- one JSON object a line ---------------------------------------------------------------------


def _json(profile: Profile, spec: JsonResponses, first: str) -> Questions:
    own = [path for path in spec.status if "." in path]
    bare = [path for path in spec.status if "." not in path]
    names = {path: f"golive_{n}" for n, path in enumerate((*spec.status, *spec.path))}
    parsed = f"{first}{_parse(names)}"
    elsewhere = [names[path] for path in own]
    paths = [names[path] for path in spec.path]

    def status(pattern: str) -> str:
        """A status in an object of its own, else one beside the request's path."""
        parts = [_first(elsewhere, pattern)] if elsewhere else []
        if bare and paths:
            nowhere = [f'{name}=""' for name in elsewhere]
            some = "(" + " or ".join(f'{name}!=""' for name in paths) + ")"
            beside = _first([names[path] for path in bare], pattern)
            parts.append("(" + " and ".join([*nowhere, some, beside]) + ")")
        return f"{parsed} | {' or '.join(parts)}"

    every = status(_ANY_HTTP)
    health = f"{literally(profile.spec.health_path)}([?].*)?"
    in_health = f"| {_first(paths, health)}"
    messages = {path: f"golive_{n}" for n, path in enumerate(spec.message)}
    signals = {name: status(pattern) for name, pattern in _STATUSES.items()}
    events = {
        name: f"{first}{_json_event(event.pattern, messages)}"
        for name, event in profile.events.items()
    }
    return Questions(
        {
            **events,
            **signals,
            "http_responses": every,
            "http_health": f"{every} {in_health}",
            "http_health_5xx": f"{signals['http_5xx']} {in_health}",
        },
        None,
    )


def _json_event(pattern: str, messages: Mapping[str, str]) -> str:
    """An event whose pattern is found in the message; a label's pattern fits all of it."""
    literal = literal_of(pattern)
    sure = f"|= {quoted(literal)} " if literal and _JSON_SAFE.fullmatch(literal) else ""
    found = _first(list(messages.values()), f"(?s:.*)(?:{pattern})(?s:.*)")
    return f"{sure}{_parse(messages)} | {found}"


def _parse(names: Mapping[str, str]) -> str:
    """Read the values at some paths of the object into labels; one that is not there is empty."""
    return "| json " + ", ".join(f'{name}="{_path(path)}"' for path, name in names.items())


def _path(path: str) -> str:
    parts = path.split(".")
    if all(_WORD.fullmatch(part) for part in parts):
        return path
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "".join(f'[\\"{part}\\"]' for part in escaped)


def _first(names: Sequence[str], pattern: str) -> str:
    """The first of these labels that is there fits a pattern."""
    name, *others = names
    fits = f"{name}=~{quoted(pattern)}"
    return f'({fits} or ({name}="" and {_first(others, pattern)}))' if others else f"({fits})"


def _without(prefix: Prefix) -> str:
    """A stage that takes the platform's prefix off a line that is then read as JSON."""
    if prefix is NO_PREFIX:
        return ""
    line = f"(?s)^{before_lines(prefix)}(?P<golive_line>.*)$"
    return f"| regexp {quoted(line)} | line_format `{{{{.golive_line}}}}` "
