"""The same events in every log format that golive reads.

The console format is the application's own. Behind JSON loggers one record is one line whose
message is what the console would have printed. A proxy's access log knows responses only, and
cannot mask the addresses that it sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.demo.console import Record, records
from bot.demo.events import Event, Exchange, begins


class Layout(StrEnum):
    """How one record is written."""

    CONSOLE = "crm-console"
    PINO = "pino"
    WINSTON = "winston"
    BUNYAN = "bunyan"
    NGINX = "nginx"
    MORGAN = "morgan"


class Prefix(StrEnum):
    """What the platform puts before each physical line."""

    NONE = "none"
    ISO8601 = "iso8601"
    DOCKER = "docker"
    SYSLOG = "syslog"
    JOURNALD = "journald"


@dataclass(frozen=True, slots=True)
class Format:
    """A layout behind a prefix."""

    layout: Layout
    prefix: Prefix = Prefix.NONE

    @property
    def timed(self) -> bool:
        """Whether its lines carry a time."""
        return self.layout is not Layout.CONSOLE or self.prefix is not Prefix.NONE


_HOST = "crm-7d9f"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
_LEVELS = {"info": 30, "warn": 40, "error": 50}


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line, without its line end, and the instant at which it is written."""

    at: datetime
    text: str


def ordered(events: Iterable[Event]) -> list[Record]:
    """The records of all events in the order in which they are printed."""
    found = [record for event in sorted(events, key=begins) for record in records(event)]
    return sorted(found, key=lambda record: record.at)


def lines(events: Iterable[Event], style: Format) -> list[Line]:
    """The log of these events, line by line, in the order of its instants."""
    out: list[Line] = []
    for record in ordered(events):
        for number, text in enumerate(_LAYOUTS[style.layout](record)):
            out.append(Line(record.at, _prefix(record.at, number, style.prefix) + text))
    return out


def _prefix(at: datetime, number: int, prefix: Prefix) -> str:
    match prefix:
        case Prefix.NONE:
            return ""
        case Prefix.ISO8601:
            return f"{_iso(at)} "
        case Prefix.DOCKER:
            # the lines of one write are stamped one by one, some hundred nanoseconds apart
            return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond * 1000 + number:09d}Z "
        case Prefix.SYSLOG:
            return f"{at:%b} {at.day:2d} {at:%H:%M:%S} {_HOST} crm[123]: "
        case Prefix.JOURNALD:
            return f"{at:%Y-%m-%dT%H:%M:%S}+0000 {_HOST} crm[123]: "


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _console(record: Record) -> Sequence[str]:
    return record.lines


def _message(record: Record) -> str:
    http = record.request or record.response
    if http is None:
        return "\n".join(record.lines)
    # the object that the console prints after it is what the logger has in fields
    kind = "REQ" if record.request is not None else "RES"
    return f"[INFO] [{kind}] {http.method} {http.path}"


def _level(record: Record) -> str:
    first = record.lines[0]
    if "[ERROR]" in first or "failed:" in first or "Failed a" in first:
        return "error"
    return "warn" if "[WARN]" in first else "info"


def _req(http: Exchange) -> dict[str, str]:
    return {"id": http.id, "method": http.method, "url": http.path, "remoteAddress": http.ip}


def _pino(record: Record) -> Sequence[str]:
    fields: dict[str, object] = {
        "level": _LEVELS[_level(record)],
        "time": round(record.at.timestamp() * 1000),
        "pid": 123,
        "hostname": _HOST,
        "msg": _message(record),
    }
    if record.request is not None:
        fields["req"] = _req(record.request)
    if record.response is not None:
        fields["req"] = _req(record.response)
        fields["res"] = {"statusCode": record.response.status}
        fields["responseTime"] = round(record.response.seconds * 1000)
    return (_json(fields),)


def _winston(record: Record) -> Sequence[str]:
    fields: dict[str, object] = {
        "level": _level(record),
        "message": _message(record),
        "timestamp": _iso(record.at),
    }
    http = record.request or record.response
    if http is not None:
        fields |= {"requestId": http.id, "method": http.method, "url": http.path}
    if record.response is not None:
        fields |= {
            "status": record.response.status,
            "duration": round(record.response.seconds * 1000),
        }
    return (_json(fields),)


def _bunyan(record: Record) -> Sequence[str]:
    fields: dict[str, object] = {
        "name": "crm",
        "hostname": _HOST,
        "pid": 123,
        "level": _LEVELS[_level(record)],
    }
    if record.request is not None:
        fields["req"] = _req(record.request)
    if record.response is not None:
        fields["req"] = _req(record.response)
        fields["res"] = {"statusCode": record.response.status}
    fields |= {"msg": _message(record), "time": _iso(record.at), "v": 0}
    return (_json(fields),)


def _json(fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _access(http: Exchange, ip: str) -> str:
    size = 120 + len(http.path)
    when = f"{http.ends:%d/%b/%Y:%H:%M:%S} +0000"
    request = f"{http.method} {http.raw or http.path} HTTP/1.1"
    return f'{ip} - - [{when}] "{request}" {http.status} {size} "-" "{_AGENT}"'


def _nginx(record: Record) -> Sequence[str]:
    return () if record.response is None else (_access(record.response, record.response.ip),)


def _morgan(record: Record) -> Sequence[str]:
    http = record.response
    return () if http is None else (_access(http, f"::ffff:{http.ip}"),)


_LAYOUTS: dict[Layout, Callable[[Record], Sequence[str]]] = {
    Layout.CONSOLE: _console,
    Layout.PINO: _pino,
    Layout.WINSTON: _winston,
    Layout.BUNYAN: _bunyan,
    Layout.NGINX: _nginx,
    Layout.MORGAN: _morgan,
}
