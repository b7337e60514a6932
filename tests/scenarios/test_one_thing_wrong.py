"""A healthy hour with little traffic is GO; one thing wrong moves one check, as the table says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from bot.__main__ import main
from tests.support.crm_rows import Rows, Unit

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
END = T0 + timedelta(hours=1)
LONG_AGO = T0 - timedelta(days=30)
WINDOW = ("--since", "2026-11-23T21:00:00Z", "--until", "2026-11-23T22:00:00Z")


@dataclass(slots=True)
class Hour:
    """One hour of the application: its log lines with their minutes, its rows, its health."""

    rows: Rows
    unit: Unit
    other: Unit
    lines: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    health: int = 200
    requests: int = 0

    def log(self, minute: float, text: str) -> None:
        """A line (or a record of several) at a minute of the hour."""
        self.lines.extend((minute, line) for line in text.split("\n"))

    def request(
        self, minute: float, status: int, method: str = "GET", path: str = "/leads"
    ) -> None:
        """A request and its response."""
        self.requests += 1
        key = UUID(int=self.requests, version=4)
        self.log(minute, f"[INFO] [REQ] {method} {path} {{ requestId: '{key}', ip: '::1' }}")
        self.log(
            minute,
            f"[INFO] [RES] {method} {path} {{\n  requestId: '{key}',\n  status: {status},\n"
            "  duration: 7,\n  unitId: 'anon',\n  userId: 'anon'\n}",
        )

    def webhook(self, minute: float, *events: str) -> None:
        """A webhook request and what the application says of it."""
        self.log(minute, "[WHATSAPP] Webhook received from evolution (unit_a)")
        for event in events:
            self.log(minute, f"[Webhook:no-id] {event}")
        self.request(minute, 200, "POST", "/webhooks/whatsapp/evolution/[MASKED]")

    def at(self, minute: float) -> datetime:
        """A minute of the hour."""
        return T0 + timedelta(minutes=minute)

    def inbound(self, minute: float, *, row: bool = True) -> UUID:
        """An inbound message, in the log and (unless told otherwise) in the database."""
        key = uuid4()
        if row:
            talk = self.rows.conversation(self.unit, created_at=self.at(minute))
            key = self.rows.message(
                talk, created_at=self.at(minute), sender="customer", status="received"
            )
        self.webhook(minute, f"Message created: {key}")
        return key

    def outbound(self, minute: float, **values: object) -> None:
        """An outbound message that was sent, unless told otherwise."""
        talk = self.rows.conversation(self.unit, created_at=self.at(minute))
        self.rows.message(talk, created_at=self.at(minute), **values)
        if not values:
            self.log(minute, f"[Message:{uuid4()}] Sent successfully (attempt 1)")

    def text(self) -> str:
        """The log, each line with the platform's time before it."""
        ordered = sorted(self.lines, key=lambda entry: entry[0])
        return "".join(
            f"{self.at(minute):%Y-%m-%dT%H:%M:%S.%fZ} {line}\n" for minute, line in ordered
        )


def healthy(rows: Rows) -> Hour:
    """Little traffic, two idle units, an old campaign whose sums are off, the own echoes."""
    unit = rows.unit("Alfa", created_at=LONG_AGO)
    other = rows.unit("Beta", created_at=LONG_AGO)
    rows.unit("Gama", created_at=LONG_AGO, status="qr", connected_at=None)
    rows.unit(
        "Delta", created_at=LONG_AGO, status="disconnected", disconnected_at=T0 - timedelta(days=9)
    )
    rows.campaign(
        unit,
        created_at=LONG_AGO,
        status="completed",
        completed_at=LONG_AGO + timedelta(hours=1),
        recipients=("sent", "failed", "pending"),
        sent_at=LONG_AGO,
    )
    hour = Hour(rows, unit, other)
    for minute in range(1, 60):
        hour.request(minute, 200)
        hour.request(minute + 0.2, 200, path="/health")
    hour.request(7, 401, "POST", "/admin/login")
    for minute in (4, 22, 41, 52, 57):
        hour.inbound(minute)
        hour.outbound(minute + 0.5)
        hour.webhook(minute + 0.6, "Message created: undefined")
    hour.log(30, f"[Message:{uuid4()}] Retry 1/3 after 1000ms")
    return hour


@contextmanager
def served(status: int) -> Generator[str]:
    """A small server whose /health answers with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def judged(
    hour: Hour, url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of `golive check` on that hour."""
    log = folder / "app.log"
    log.write_text(hour.text(), encoding="utf-8")
    with served(hour.health) as base:
        argv = ["check", "--log", str(log), "--database", url, "--base-url", base]
        code = main([*argv, *WINDOW, "--format", "json"])
    return code, cast("dict[str, Any]", json.loads(capsys.readouterr().out))


def test_a_healthy_hour_with_little_traffic_is_go(
    crm_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Idle units, an old campaign and the own echoes do not stand in the way of GO."""
    with Rows(crm_database) as rows:
        code, report = judged(healthy(rows), crm_database, tmp_path, capsys)
    levels = {finding["check"]: finding["level"] for finding in report["findings"]}
    assert set(levels.values()) == {"OK"}, levels
    assert len(levels) == 16
    assert [c["id"] for c in report["success_criteria"] if c["met"] is not True] == []
    assert [c["id"] for c in report["rollback_criteria"] if c["met"] is not False] == []
    assert (report["verdict"]["decision"], code) == ("GO", 0)


def _responses(status: int, n: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        for number in range(n):
            hour.request(10 + number * 0.4, status)

    return change


def _unhealthy(hour: Hour) -> None:
    hour.health = 503


def _unknown_instances(n: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        for _ in range(n):
            hour.webhook(12, "Unknown instance: unit_old, provider: evolution")

    return change


def _unmasked(hour: Hour) -> None:
    hour.lines = [(m, line.replace("/[MASKED]", "/?")) for m, line in hour.lines]


def _leak(hour: Hour) -> None:
    hour.log(33, "      apikey: 'evoKey0123456789',")


def _attempted_leak(hour: Hour) -> None:
    hour.request(33, 404, path="/inbox?token=eyJhbGciOiJI.eyJpZCI6.c2ln")


def _retries(n: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        for _ in range(n):
            hour.log(31, f"[Message:{uuid4()}] Retry 1/3 after 1000ms")

    return change


def _given_up(hour: Hour) -> None:
    for _ in range(2):
        hour.log(50, f"[Message:{uuid4()}] Failed after 3 attempts")


def _created_without_row(hour: Hour) -> None:
    hour.inbound(20, row=False)


def _inbound_failed(hour: Hour) -> None:
    hour.webhook(55, "Processing error: {")


def _lost_connection(n: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        for unit in (hour.unit, hour.other)[:n]:
            hour.rows.run(
                "UPDATE unit_whatsapp_connections SET status = 'disconnected',"
                " disconnected_at = %(at)s, updated_at = %(at)s WHERE id = %(id)s",
                at=hour.at(40),
                id=unit.connection,
            )

    return change


def _failed_rows(n: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        for _ in range(40):
            hour.outbound(35, status="delivered")
        for _ in range(n):
            hour.outbound(36, status="failed", external_id=None)

    return change


def _stuck_campaign(hour: Hour) -> None:
    hour.rows.campaign(
        hour.unit,
        created_at=hour.at(5),
        recipients=("sent", "pending", "pending"),
        sent_at=hour.at(6),
    )


def _rate_limited(n: int) -> Callable[[Hour], None]:
    return _responses(429, n)


def _crossing(hour: Hour) -> None:
    hour.rows.conversation(hour.unit, created_at=hour.at(15), instance_id=hour.other.connection)


def _down(minutes: int) -> Callable[[Hour], None]:
    def change(hour: Hour) -> None:
        kept: list[tuple[float, str]] = []
        for minute, line in hour.lines:
            failing = 25 <= minute < 25 + minutes
            kept.append((minute, line.replace("status: 200", "status: 503") if failing else line))
        hour.lines = kept
        # Enough of them, on more than one route: a single failing poll is no outage.
        for n in range(6 * minutes):
            hour.request(25 + n / 6, 503, path=("/leads", "/inbox")[n % 2])

    return change


CASES: dict[str, tuple[Callable[[Hour], None], str, str, frozenset[str]]] = {
    "health": (_unhealthy, "health", "CRITICAL", frozenset()),
    # Five are within the bound, but not below 1 % of this little traffic: a success criterion.
    "5xx: 5": (_responses(500, 5), "http_5xx", "OK", frozenset()),
    "5xx: 6": (_responses(500, 6), "http_5xx", "WARNING", frozenset()),
    "5xx: 16": (_responses(502, 16), "http_5xx", "CRITICAL", frozenset()),
    "401: 20 in all": (_responses(401, 19), "auth_errors", "WARNING", frozenset()),
    "403: 51 in all": (_responses(403, 50), "auth_errors", "CRITICAL", frozenset()),
    "unknown: 3": (_unknown_instances(3), "unknown_instances", "WARNING", frozenset()),
    "unknown: 6": (_unknown_instances(6), "unknown_instances", "CRITICAL", frozenset()),
    "not masked": (_unmasked, "secret_masking", "CRITICAL", frozenset()),
    "leak": (_leak, "secret_leaks", "CRITICAL", frozenset()),
    "leak, answered 404": (_attempted_leak, "secret_leaks", "WARNING", frozenset()),
    "retries: 11": (_retries(10), "retries", "WARNING", frozenset()),
    "retries: 31": (_retries(30), "retries", "CRITICAL", frozenset()),
    "given up": (_given_up, "message_errors", "CRITICAL", frozenset()),
    "created without a row": (_created_without_row, "message_errors", "WARNING", frozenset()),
    # The failed inbound message is a failed message, too: the two checks share the signal.
    "inbound failed": (_inbound_failed, "inbound_flow", "WARNING", frozenset({"message_errors"})),
    "one connection lost": (_lost_connection(1), "connection_stability", "WARNING", frozenset()),
    "two connections lost": (_lost_connection(2), "connection_stability", "CRITICAL", frozenset()),
    "outbound: 3 of 48": (_failed_rows(3), "outbound_success", "WARNING", frozenset()),
    "outbound: 9 of 54": (_failed_rows(9), "outbound_success", "CRITICAL", frozenset()),
    "campaign": (_stuck_campaign, "campaigns", "WARNING", frozenset()),
    "429: 6": (_rate_limited(6), "rate_limits", "WARNING", frozenset()),
    "429: 21": (_rate_limited(21), "rate_limits", "CRITICAL", frozenset()),
    "tenants": (_crossing, "tenant_isolation", "CRITICAL", frozenset()),
    "down for 2 minutes": (_down(2), "service_down", "WARNING", frozenset({"http_5xx"})),
    "down for 6 minutes": (_down(6), "service_down", "CRITICAL", frozenset({"http_5xx"})),
}


@pytest.mark.parametrize("name", CASES)
def test_one_thing_wrong_moves_its_own_check_alone(
    name: str, crm_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The level is the table's, and no check moves that does not use the changed signal."""
    change, moved, level, sharing = CASES[name]
    with Rows(crm_database) as rows:
        hour = healthy(rows)
        change(hour)
        code, report = judged(hour, crm_database, tmp_path, capsys)
    levels = {finding["check"]: finding["level"] for finding in report["findings"]}
    assert levels[moved] == level
    others = {check: found for check, found in levels.items() if check not in {moved, *sharing}}
    assert set(others.values()) == {"OK"}, others
    assert code == (2 if "CRITICAL" in levels.values() else 1)
