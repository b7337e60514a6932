"""Every way in which Loki can be in trouble: a sentence with a mend, never an exception."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.engine.model import LogEvidence, Problem
from checks.sources.http import Timeouts
from checks.sources.logs.source import ScanRequest, ScanState
from checks.sources.loki.address import Loki, loki_of
from checks.sources.loki.client import LokiClient
from checks.sources.loki.source import LokiLog
from checks.sources.loki.spans import MINUTE, Span, milliseconds
from checks.sources.loki.transport import Transport
from tests.sources.certificates import certificate
from tests.sources.loki.beds import LokiBed
from tests.support.logs import profiles, retry, some
from tests.support.loki import LokiStandIn, Said

TOKEN = "planted-loki-token-0001"
PASSWORD = "planted-loki-password-0002"
NOW = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
QUICK = Timeouts(connect=0.5, write=0.5, read=0.1, whole=0.3)


class Naps:
    """Remembers how long would have been slept."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Take note, and go on."""
        self.taken.append(seconds)


def server(url: str, *, token: str | None = None, tenant: str | None = None) -> Loki:
    """The stream of the tests at an address."""
    found = loki_of(url, '{app="crm"}', token=token, tenant=tenant)
    assert isinstance(found, Loki)
    return found


async def look(
    loki: Loki,
    *,
    naps: Naps | None = None,
    tls: ssl.SSLContext | None = None,
    timeouts: Timeouts | None = None,
    secrets: tuple[str, ...] = (),
) -> tuple[LogEvidence, ScanState]:
    """Scan the last hour."""
    window = LokiBed(loki.base, NOW - timedelta(hours=1)).window(0, 3_600)
    async with Transport(
        loki, tls=tls, timeouts=timeouts or Timeouts(), sleep=naps or Naps()
    ) as transport:
        log = LokiLog(
            LokiClient(transport),
            profiles=profiles(),
            zone=UTC,
            now=lambda: NOW,
            lag=timedelta(0),
        )
        return await log.scan(ScanRequest(window=window, secrets=secrets, fingerprint_key=b"k"))


def fill(loki: LokiStandIn, *lines: str, ago: float = 600) -> None:
    """Put console lines into the stream, a second apart."""
    begin = milliseconds(NOW - timedelta(seconds=ago)) * 10**6
    loki.push({"app": "crm"}, [(begin + n * 10**9, line) for n, line in enumerate(lines)])


def problem_of(evidence: LogEvidence) -> Problem:
    """Why nothing can be said; a sentence and a mend, and none of the planted secrets."""
    assert evidence.problem is not None
    assert evidence.problem.what.endswith(".")
    assert evidence.problem.mend.endswith(".")
    assert TOKEN not in repr(evidence)
    assert PASSWORD not in repr(evidence)
    return evidence.problem


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (Said(400, "parse error : stage"), "refuses the query (400): parse error : stage."),
        (Said(404, "page not found"), "answers 404, as no Loki does"),
        (Said(302, "", {"Location": "/login"}), "answers 302, as no Loki does"),
        (Said(403, "forbidden"), "refuses the credentials (403)"),
        (Said(401, "no org id"), "asks for a tenant (401)"),
        (Said(200, "<html>"), "answers, but not as Loki does"),
        (Said(200, '{"data":{"resultType":"matrix"}}'), "answers, but not as Loki does"),
        (Said(200, '{"data":{"resultType":"streams","result":[{"values":[["x","y"]]}]}}'), "not"),
    ],
)
async def test_an_answer_that_is_none(loki: LokiStandIn, said: Said, says: str) -> None:
    """What the first question is answered with is said, and the rest is not asked."""
    fill(loki, retry())
    loki.next = [said]
    evidence, _ = await look(server(loki.url))
    assert says in problem_of(evidence).what
    assert len(loki.asked) == 1


async def test_patience_with_429_and_5xx(loki: LokiStandIn) -> None:
    """They are asked again, after what Retry-After says or ever longer, and then it is fine."""
    fill(loki, retry())
    loki.next = [Said(429, "", {"Retry-After": "3"}), Said(503, "not ready"), Said(500, "oops")]
    naps = Naps()
    evidence, _ = await look(server(loki.url), naps=naps)
    assert (evidence.problem, some(evidence)) == (None, {"retry": 1})
    assert naps.taken == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(("status", "says"), [(429, "answers 429"), (500, "answers 500")])
async def test_patience_ends(loki: LokiStandIn, status: int, says: str) -> None:
    """Four times, and a Retry-After of a day is not waited for."""
    loki.next = [Said(status, "too much", {"Retry-After": "86400"})] * 4
    naps = Naps()
    evidence, _ = await look(server(loki.url), naps=naps)
    assert says in problem_of(evidence).what
    assert naps.taken == [10.0] * 3


async def test_no_answer_in_time(loki: LokiStandIn) -> None:
    """A hanging server is said to be one."""
    loki.next = [Said(200, hangs=True)]
    evidence, _ = await look(server(loki.url), timeouts=QUICK)
    assert "no answer in time" in problem_of(evidence).what


async def test_nobody_listens() -> None:
    """A port that nobody listens on."""
    evidence, _ = await look(server("http://127.0.0.1:9"))
    assert "connection refused" in problem_of(evidence).what


async def test_credentials_and_tenant_are_sent() -> None:
    """A token as bearer, a user in the address as basic, the tenant in its header."""
    async with LokiStandIn(authorization=f"Bearer {TOKEN}", tenant="team-a") as loki:
        fill(loki, retry())
        evidence, _ = await look(server(loki.url, token=TOKEN, tenant="team-a"))
        assert evidence.problem is None
        evidence, _ = await look(server(loki.url, token=TOKEN))
        assert "GOLIVE_LOKI_TENANT" in problem_of(evidence).mend
        evidence, _ = await look(server(loki.url, token="wrong", tenant="team-a"))
        assert "GOLIVE_LOKI_TOKEN" in problem_of(evidence).mend
    basic = "Basic b3BzOnBsYW50ZWQtbG9raS1wYXNzd29yZC0wMDAy"
    async with LokiStandIn(authorization=basic) as loki:
        fill(loki, retry())
        evidence, _ = await look(server(loki.url.replace("//", f"//ops:{PASSWORD}@")))
        assert evidence.problem is None
        assert PASSWORD not in repr(evidence) + repr(loki.asked)


async def test_certificates_are_verified(tmp_path: Path) -> None:
    """An unknown certificate is refused, a trusted one is fine."""
    made = certificate(tmp_path, until=datetime.now(UTC) + timedelta(days=2))
    async with LokiStandIn(tls=made.server()) as loki:
        fill(loki, retry())
        evidence, _ = await look(server(loki.url))
        assert "TLS certificate not valid" in problem_of(evidence).what
        evidence, _ = await look(server(loki.url), tls=made.trusted())
        assert evidence.problem is None


async def test_one_question_that_fails_makes_its_signal_unknown(loki: LokiStandIn) -> None:
    """The others stand, and the next scan asks for all of it again."""
    fill(loki, retry())
    loki.refuse = "Retry"
    evidence, state = await look(server(loki.url))
    assert set(evidence.unknown) == {"retry"}
    assert "refuses the query (400)" in evidence.unknown["retry"].what
    assert state.loki is not None
    assert state.loki.settled == state.loki.since


async def test_not_too_many_questions_at_once(loki: LokiStandIn) -> None:
    """Loki sees eight of them at a time, however many there are."""
    loki.gather = 8
    span = Span(since=0, until=MINUTE)
    async with Transport(server(loki.url)) as transport:
        client = LokiClient(transport)
        await asyncio.gather(*(client.count("", span) for _ in range(30)))
    assert (loki.most_open, len(loki.asked)) == (8, 30)


async def test_a_long_window_is_asked_for_in_parts(loki: LokiStandIn) -> None:
    """No question is for more than 11,000 points."""
    begin, days = milliseconds(NOW) - 20 * 86_400_000, 20
    loki.push(
        {"app": "crm"}, [((begin + n * 3_600_000) * 10**6, retry(n)) for n in range(24 * days)]
    )
    async with Transport(server(loki.url)) as transport:
        found = await LokiClient(transport).minutes("", Span(since=begin, until=milliseconds(NOW)))
    assert sum(found.values()) == 24 * days
    assert min(found) == begin // MINUTE
    assert len(loki.asked) == 3


@pytest.mark.parametrize(
    ("url", "selector"),
    [
        ("loki:3100", '{app="crm"}'),
        ("ftp://loki", '{app="crm"}'),
        ("http://loki:port", '{app="crm"}'),
        ("http://loki?x=1", '{app="crm"}'),
        ("http://loki", 'app="crm"'),
        ("http://loki", "{}"),
    ],
)
def test_an_address_or_selector_that_is_none(url: str, selector: str) -> None:
    """What cannot be asked is said before it is."""
    found = loki_of(url, selector)
    assert isinstance(found, Problem)
    assert "GOLIVE_LOKI" in found.mend


def test_an_address_may_have_a_path() -> None:
    """Behind a gateway, with or without the API's own path."""
    assert server("https://u:p%40@logs.example.org/loki/api/v1/").base == "https://logs.example.org"
    assert server("https://[::1]:3100/gw/").base == "https://[::1]:3100/gw"
    assert server("https://u:p%40@h").password == "p@"
