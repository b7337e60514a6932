"""The generated hour: its logs carry the true counts in every format, and look like real ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.cast import Cast
from bot.demo.console import records
from bot.demo.events import Event, Outbound, begins
from bot.demo.formats import Format, Layout, Prefix, lines
from bot.demo.node import Raw, inspect
from bot.demo.script import Script
from bot.demo.world import Dice, make_world
from tests.scenarios.mixture import mixture
from tests.support.hours import DEPLOYED_AT, FORMATS, make_hour, render
from tests.support.truth import EVENTS, RESPONSES, carried, true_counts

LINE_PATTERNS = {
    "webhooks": r"\[WHATSAPP\] Webhook received from ",
    "unknown_instance": r"\[Webhook:[^\]]*\] Unknown instance: ",
    "inbound_created": r"\[Webhook:[^\]]*\] Message created: [0-9a-f]{8}-",
    "inbound_dropped": r"\[Webhook:[^\]]*\] Message created: undefined",
    "inbound_failed": r"\[Webhook:[^\]]*\] Processing error: \{",
    "send_ok": r"\[Message:[^\]]*\] Sent successfully \(attempt \d\)",
    "send_attempt_failed": r"\[Message:[^\]]*\] Send attempt \d failed: ",
    "send_given_up": r"\[Message:[^\]]*\] Failed after \d attempts",
    "retry": r"\[Message:[^\]]*\] Retry \d/3 after \d+ms",
    "cross_tenant_blocked": r"\[SECURITY\] Auth Failed: \S+ - "
    r"(Cross-tenant access attempt: |Attempted to configure unit )",
    "connection_up": r"\[INFO\] \[MessageHandler\] Updating connection status .* 'connected'",
    "connection_down": r"\[INFO\] \[MessageHandler\] Updating connection status .* 'disconnected'",
    "campaign_started": r"\[INFO\] \[Campaign\] Starting dispatch for ",
    "campaign_finished": r"\[INFO\] \[Campaign\] Finished dispatch\. ",
    "masked": r"\[INFO\] \[RE[QS]\] .*/webhooks/whatsapp/\w+/\[MASKED\]",
}
LEAK = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+|apikey: '?[A-Za-z0-9-]{8}|/webhooks/whatsapp/\w+/(?!\[MASKED\])\w"
)
PREFIXES = {
    Prefix.NONE: "",
    Prefix.ISO8601: r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ",
    Prefix.DOCKER: r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ",
    Prefix.SYSLOG: r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) [\w-]+ crm\[\d+\]: ",
    Prefix.JOURNALD: r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000) [\w-]+ crm\[\d+\]: ",
}
ACCESS = re.compile(
    r'^[\w.:]+ - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "[A-Z]+ \S+ HTTP/1\.1" (\d{3}) \d+ '
    r'"-" "[^"]+"$'
)

# As the application itself prints them; ids and addresses are invented.
REAL = """\
[INFO] [REQ] GET /health { requestId: '905f98a8-b84d-4058-8b0e-9c5067af7441', ip: '192.0.2.77' }
[INFO] [REQ] POST /webhooks/whatsapp/evolution/[MASKED] {
  requestId: '1d2e2fc2-ed34-44da-9138-762326d47bd7',
  ip: '198.51.100.6'
}
[WHATSAPP] Webhook received from evolution (unit_dc4aecd5)
[INFO] [MessageHandler] New message from 5511955779133 (Unit: dc4aecd5-bbf3-4ed4-9e24-9048868cf75c, \
Provider: evolution)
[Webhook:no-id] Message created: f03457a3-9238-4fea-8f2b-1cb586a9716d
[INFO] [RES] POST /webhooks/whatsapp/evolution/[MASKED] {
  requestId: '1d2e2fc2-ed34-44da-9138-762326d47bd7',
  status: 200,
  duration: 72,
  unitId: 'anon',
  userId: 'anon'
}
[Auth] Login attempt: {
  email: 'ana@alfa.com.br',
  hasPassword: true,
  contentType: 'application/json'
}
[ERROR] [Evolution] SendMessage Error: {
  status: 500,
  error: 'Internal Server Error',
  response: { message: [ 'Error: Timed Out' ] }
}
[ERROR] [Evolution] SendMessage Error: socket hang up
[Message:ba54d870-2d35-4cb0-a46f-a1a0973ad140] Send attempt 1 failed: Request failed with status \
code 500
[Message:ba54d870-2d35-4cb0-a46f-a1a0973ad140] Retry 1/3 after 1000ms
[Message:59b3e88f-a955-4b9b-a787-a8ffe041b7cd] Failed after 3 attempts
[INFO] [MessageHandler] Updating connection status for unit 8370f0b0-788d-49f2-8481-a9d9b11916cd: \
{ status: 'disconnected', reason: 'disconnected', hasQr: false }
[INFO] [Campaign] Found 12 pending recipients
[Campaign] Failed for recipient c511d864-411b-448f-a0d0-3ba4bd352d5e: Request failed with status \
code 429
[SECURITY] Auth Failed: webhook_no-id - Unknown instance: unit_velho8
[INFO] [requeueWorker] attempting to re-send 11 messages
[WARN] [zapiService] no ZAPI_CLIENT_TOKEN configured — simulating send to keep system functional.
[INFO] [zapiService] would send to: {
  phone: '5511955550099',
  message: 'dup',
  url: 'undefined/instances/undefined/token/undefined/send-text'
}
      apikey: 'evoGlobal7Key24002596570ccf63ca2b',
      'apikey: evoGlobal7Key24002596570ccf63ca2b\\r\\n' +
"""

CONSOLE = [name for name, form in FORMATS.items() if form.layout is Layout.CONSOLE]
JSON = ["json-lines-pino", "json-lines-winston", "json-lines-bunyan"]


def shape(line: str) -> str:
    """A line with everything invented about it replaced by a letter."""
    line = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "U", line)
    line = re.sub(r"evo\w{10,}", "K", line)
    line = re.sub(r"unit_\w+", "I", line)
    line = re.sub(r"message: '[^']*',", "message: 'T',", line)
    line = re.sub(r"\b[a-z]+@[a-z]+\.com\.br", "E", line)
    return re.sub(r"\d+", "N", line)


def stripped(text: str, form: Format) -> list[str]:
    """The lines without their prefix, which every line must carry."""
    pattern = re.compile(PREFIXES[form.prefix])
    out: list[str] = []
    for line in text.splitlines():
        match = pattern.match(line)
        assert match is not None, line
        out.append(line[match.end() :])
    return out


def statuses(total: Counter[str], status: int) -> None:
    """Count one response."""
    total["http_responses"] += 1
    if status in (401, 403, 429):
        total[f"http_{status}"] += 1
    if 500 <= status <= 599:
        total["http_5xx"] += 1


def counted_lines(found: Sequence[str]) -> Counter[str]:
    """What a careful reader counts in the lines of a console log."""
    total: Counter[str] = Counter()
    response = False
    for line in found:
        for signal, pattern in LINE_PATTERNS.items():
            total[signal] += re.match(pattern, line) is not None
        total["secret_leak"] += LEAK.search(line) is not None
        status = re.match(r"  status: (\d{3}),$", line)
        if response and status:
            statuses(total, int(status[1]))
        if not line.startswith("  "):
            response = line.startswith("[INFO] [RES] ")
    return total


def counted_json(text: str) -> Counter[str]:
    """What a careful reader counts in JSON lines."""
    total: Counter[str] = Counter()
    for line in text.splitlines():
        record = json.loads(line)
        message = record.get("msg") or record["message"]
        for signal, pattern in LINE_PATTERNS.items():
            total[signal] += re.match(pattern, message) is not None
        total["secret_leak"] += LEAK.search(line) is not None
        status = record["res"]["statusCode"] if "res" in record else record.get("status")
        if status is not None:
            statuses(total, status)
    return total


def counted_access(text: str) -> Counter[str]:
    """What a careful reader counts in an access log."""
    total: Counter[str] = Counter()
    for line in text.splitlines():
        match = ACCESS.match(line)
        assert match is not None, line
        statuses(total, int(match[1]))
        total["secret_leak"] += LEAK.search(line) is not None
    return total


def counted(events: Sequence[Event], name: str) -> Counter[str]:
    """The counts of the log of that format."""
    text = render(events, name)
    if FORMATS[name].layout is Layout.CONSOLE:
        return counted_lines(stripped(text, FORMATS[name]))
    return counted_json(text) if name in JSON else counted_access(text)


def of_signals(counts: Mapping[str, int], signals: Sequence[str]) -> dict[str, int]:
    """The counts of some signals only."""
    return {signal: counts[signal] for signal in signals}


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), size=st.integers(0, 40))
@settings(max_examples=15)
def test_every_format_carries_the_true_counts(name: str, seed: int, size: int) -> None:
    """Counting a rendered log by hand gives the counts that the events themselves have."""
    events = mixture(seed, size)
    assert of_signals(counted(events, name), carried(name)) == true_counts(events, name)


@given(seed=st.integers(0, 2**32), size=st.integers(0, 40))
@settings(max_examples=30)
def test_event_signals_are_the_same_in_every_format(seed: int, size: int) -> None:
    """A format changes what can be shown, never how often an event happened."""
    events = mixture(seed, size)
    console = true_counts(events, "crm-console")
    for name in FORMATS:
        counts = true_counts(events, name)
        shared = [s for s in (*RESPONSES, *EVENTS) if s in counts]
        assert of_signals(counts, shared) == of_signals(console, shared)


@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("name", FORMATS)
def test_the_hour_carries_its_true_counts(name: str, quiet: bool) -> None:
    """The demo's own hours count right, with their history, in every format."""
    events = make_hour(seed=11, quiet=quiet).everything
    assert of_signals(counted(events, name), carried(name)) == true_counts(events, name)


def test_console_lines_have_the_shapes_of_the_real_log() -> None:
    """Every kind of line of the real log that the hour can contain occurs in it, to the letter."""
    text = render(make_hour(seed=3).everything, "crm-console")
    written = {shape(line) for line in text.splitlines()}
    missing = [line for line in REAL.splitlines() if shape(line) not in written]
    assert missing == []


def test_requests_break_where_node_breaks_them() -> None:
    """util.inspect keeps an object on one line up to 80 columns: a short address stays there."""
    request = {"requestId": "905f98a8-b84d-4058-8b0e-9c5067af7441"}
    assert len(inspect("[REQ]", {**request, "ip": "192.0.2.77"})) == 1
    assert len(inspect("[REQ]", {**request, "ip": "203.0.113.10"})) == 4


def test_values_are_printed_as_node_prints_them() -> None:
    """Numbers and undefined stand bare, a text with an apostrophe in double quotes."""
    fields = {"unitId": 1, "error": "reading 'x'", "ok": True, "stack": Raw("undefined")}
    expected = "E: { unitId: 1, error: \"reading 'x'\", ok: true, stack: undefined }"
    assert inspect("E:", fields) == (expected,)


@pytest.mark.parametrize("name", [n for n, form in FORMATS.items() if form.timed])
def test_lines_are_in_time_order(name: str) -> None:
    """A log is written as time passes, line by line."""
    instants = [line.at for line in lines(make_hour(seed=5).everything, FORMATS[name])]
    assert instants == sorted(instants)


@pytest.mark.parametrize(
    ("prefix", "begins_with"),
    [
        ("iso8601", "2026-11-23T21:54:30.123Z [INFO]"),
        ("docker", "2026-11-23T21:54:30.123456000Z [INFO]"),
        ("syslog", "Nov 23 21:54:30 crm-7d9f crm[123]: [INFO]"),
        ("journald", "2026-11-23T21:54:30+0000 crm-7d9f crm[123]: [INFO]"),
    ],
)
def test_prefixes_are_those_of_the_platforms(prefix: str, begins_with: str) -> None:
    """Each platform writes its time in its own way before each line."""
    at = datetime(2026, 11, 23, 21, 54, 30, 123456, tzinfo=UTC)
    dice = Dice(1)
    script = Script(Cast(dice, make_world(dice, at)))
    script.health(at)
    assert lines(script.events, FORMATS[prefix])[0].text.startswith(f"{begins_with} [REQ] GET")


def test_any_layout_may_stand_behind_any_prefix() -> None:
    """JSON and access logs come behind syslog and Docker too."""
    events = mixture(2, 10)
    for layout in Layout:
        bare = render(events, Format(layout)).splitlines()
        for prefix in Prefix:
            form = Format(layout, prefix)
            assert stripped(render(events, form), form) == bare


def test_the_same_seed_plays_the_same_hour() -> None:
    """An hour can be played again to the letter; another seed plays another one."""
    first = render(make_hour(seed=8).everything, "docker")
    assert first == render(make_hour(seed=8).everything, "docker")
    assert first != render(make_hour(seed=9).everything, "docker")


def test_history_ends_before_the_deploy() -> None:
    """What happened before T+0 is marked as history, and the hour begins with the start."""
    hour = make_hour(seed=4)
    assert all(record.at < DEPLOYED_AT for event in hour.before for record in records(event))
    assert all(begins(event) >= DEPLOYED_AT for event in hour.events)
    assert max(map(begins, hour.events)) < DEPLOYED_AT + timedelta(hours=1)


def test_nothing_fails_before_the_incident() -> None:
    """Until T+18 every message is sent at once: the first checkpoint has nothing to say."""
    hour = make_hour(seed=6)
    begin = DEPLOYED_AT + timedelta(minutes=18)
    early = [e for e in hour.events if isinstance(e, Outbound) and begins(e) < begin]
    late = [e for e in hour.events if isinstance(e, Outbound) and begins(e) >= begin]
    assert early
    assert all(len(event.attempts) == 1 for event in early)
    assert sum(event.external_id is None for event in late) > len(late) / 2
