"""What is true of a stream only: secrets in no question, silence, splitting, the lag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.demo.formats import Line
from checks.engine.check import View
from checks.engine.model import DatabaseEvidence, Evidence, HealthEvidence, LogEvidence, Window
from checks.engine.runbook.dialect import pattern_fault
from checks.engine.thresholds import Rule
from checks.retries import CHECK as RETRIES
from checks.secret_leaks import CHECK as LEAKS
from checks.sources.loki.candidates import MOST, shape_of
from checks.sources.loki.source import LokiLog
from checks.sources.loki.spans import milliseconds
from tests.sources.loki.beds import CONSOLE, LokiBed
from tests.support.logs import exchange, request, retry, some
from tests.support.loki import LokiStandIn
from tests.support.secrecy.planted import Kind, plant

SECRET = "50aa8deaf460468c22d291d35b675c791410ba0943cb8adbb0fb250aeaca32af"
PASSWORD = plant(Kind.PASSWORD, "Zebra-7!crossing_Quick")


async def put(bed: LokiBed, *texts: str, at: float = 60, step: float = 1) -> None:
    """Push lines of the console, records in one entry each."""
    lines = [
        Line(bed.begin + timedelta(seconds=at + n * step), line)
        for n, text in enumerate(texts)
        for line in text.split("\n")
    ]
    await bed.write(lines, CONSOLE)


def view(log: LogEvidence, window: Window, span: timedelta | None = None) -> View:
    """The evidence as a check looks at it."""
    evidence = Evidence(
        now=window.until,
        window=window,
        log=log,
        database=DatabaseEvidence(),
        health=HealthEvidence(),
    )
    rule = Rule(check="x", thresholds=(), window=span, params={})
    return View(evidence=evidence, rule=rule)


# --- secrets --------------------------------------------------------------------------------------


async def test_no_secret_is_part_of_a_question(loki: LokiStandIn, stream: LokiBed) -> None:
    """What is asked for is its shape; and each is found all the same."""
    await put(stream, retry(), f"[ERROR] boom {SECRET}", f"[ERROR] boom {PASSWORD}")
    evidence, _ = await stream.scan(stream.window(), secrets=[SECRET, PASSWORD])
    assert some(evidence)["secret_leak"] == 2
    assert {leak.proof.value for leak in evidence.leaks} == {"proven"}
    asked = " ".join(f"{path} {params}" for path, params in loki.asked)
    for secret in (SECRET, PASSWORD):
        assert secret not in asked
        assert shape_of(secret) in asked.replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("secret", "shape"),
    [
        (SECRET, "[0-9a-f]{64}"),
        ("abcXYZ019_key", "[0-9A-Za-z]{9}[^A-Za-z0-9]{1}[a-z]{3}"),
        ("pässword", "[a-z]{1}[^A-Za-z0-9]{1}[a-z]{6}"),
        ("k" * 3_000, "[a-z]{500}"),
    ],
)
def test_the_shape_of_a_secret_holds_none_of_it(secret: str, shape: str) -> None:
    """Lengths and alphabets only."""
    assert shape_of(secret) == shape
    assert pattern_fault(shape) == ""


async def test_too_many_candidates_are_unknown_with_their_number(stream: LokiBed) -> None:
    """Beyond the bound nothing is called clean; a proven leak among those compared still counts."""
    many = [f"[INFO] session {n:064x}" for n in range(MOST + 7)]
    await put(stream, *many, step=0.1)
    window = stream.window()
    evidence, _ = await stream.scan(window, secrets=[SECRET])
    assert "5007 lines" in evidence.unknown["secret_leak"].what
    measured = LEAKS.measure(view(evidence, window))
    assert measured.unknown is not None
    await put(stream, f"[ERROR] boom {SECRET}", at=4_000)
    evidence, _ = await stream.scan(window, secrets=[SECRET])
    assert not evidence.unknown
    assert LEAKS.measure(view(evidence, window)).quantities["proven"].value == 1


# --- silence --------------------------------------------------------------------------------------


async def test_a_stream_that_does_not_exist(loki: LokiStandIn, stream: LokiBed) -> None:
    """It is said, with the labels that there are."""
    loki.push({"app": "crm", "env": "production"}, [(milliseconds(stream.begin) * 10**6, "x")])
    evidence, _ = await stream.scan(stream.window())
    assert evidence.problem is not None
    assert evidence.problem.what == f"Loki has no stream {stream.loki.selector}."
    assert "There are the labels app, env." in evidence.problem.mend
    assert isinstance(await stream.source().tail(5), type(evidence.problem))


async def test_a_loki_without_any_stream(stream: LokiBed) -> None:
    """Then it is the collector, or the tenant."""
    evidence, _ = await stream.scan(stream.window())
    assert evidence.problem is not None
    assert "GOLIVE_LOKI_TENANT" in evidence.problem.mend


async def test_a_silent_stream(stream: LokiBed) -> None:
    """There were lines before the window: when the last came is said."""
    await put(stream, retry())
    evidence, _ = await stream.scan(stream.window(600, 1_200))
    assert evidence.problem is not None
    assert "is silent" in evidence.problem.what
    assert "2026-11-23T" in evidence.problem.what


async def test_a_stream_without_a_match(stream: LokiBed) -> None:
    """There are lines, and zeroes that count."""
    await put(stream, *(f"[INFO] nothing special {n}" for n in range(5)))
    evidence, _ = await stream.scan(stream.window())
    assert (evidence.problem, some(evidence), evidence.lines) == (None, {}, 5)


async def test_a_foreign_stream(stream: LokiBed) -> None:
    """Lines of no profile are a problem with what was tried."""
    await put(stream, *(f"lorem ipsum {n}" for n in range(20)))
    evidence, _ = await stream.scan(stream.window())
    assert evidence.problem is not None
    assert "was not recognised" in evidence.problem.what
    assert "selector" in evidence.problem.mend


# --- how records arrive ---------------------------------------------------------------------------


def one_by_one(number: int) -> Iterator[str]:
    """A request and its response, line by line."""
    yield from exchange(number, 500)


async def test_records_that_arrive_split(loki: LokiStandIn, stream: LokiBed) -> None:
    """Without a multi-line stage responses are unknown, and single lines still count."""
    lines = [*one_by_one(1), *one_by_one(2), retry()]
    begin = milliseconds(stream.begin) * 10**6
    job = stream.loki.selector[6:-2]
    loki.push({"job": job}, [(begin + n, line) for n, line in enumerate(lines)])
    evidence, _ = await stream.scan(stream.window())
    assert evidence.problem is None
    assert some(evidence) == {"retry": 1}
    said = evidence.unknown["http_5xx"]
    assert "Records arrive split" in said.what
    assert "multi-line" in said.mend
    looked = await stream.source().look(timedelta(hours=3))
    assert isinstance(looked, tuple)
    assert looked[1] is not None
    assert "arrive split" in looked[1].what


async def test_records_that_arrive_glued_together(loki: LokiStandIn, stream: LokiBed) -> None:
    """Several records in one entry would count once, so nothing is believed."""
    begin = milliseconds(stream.begin) * 10**6
    job = stream.loki.selector[6:-2]
    glued = "\n".join([retry(1), retry(2)])
    loki.push({"job": job}, [(begin + n, glued) for n in range(5)])
    evidence, _ = await stream.scan(stream.window())
    assert evidence.problem is not None
    assert "glued together" in evidence.problem.what


async def test_a_cut_record_is_not_called_split(stream: LokiBed) -> None:
    """One response of many without its status is a crash, not a collector."""
    whole = ["\n".join(exchange(n, 200)[4:]) for n in range(30)]
    await put(stream, *whole, "[INFO] [RES] GET /leads {\n  requestId: 'x',", *request(1)[:1])
    evidence, _ = await stream.scan(stream.window())
    assert (some(evidence), evidence.unknown) == ({"http_responses": 30}, {})
    assert evidence.unpaired is None
    assert "forged responses cannot be told" in evidence.notes[0]


async def test_colours_are_taken_out(stream: LokiBed) -> None:
    """ANSI codes in an entry change no count, and none is shown."""
    await put(stream, f"\x1b[33m{retry()}\x1b[0m", "\x1b[36m[INFO]\x1b[0m hello")
    evidence, _ = await stream.scan(stream.window())
    assert some(evidence) == {"retry": 1}
    assert "\\x1b" not in evidence.signals["retry"].lines[0]


# --- the lag --------------------------------------------------------------------------------------


def lagging(bed: LokiBed, seconds: float) -> LokiLog:
    """The source with a lag."""
    bed.lag = timedelta(seconds=seconds)
    return bed.source()


async def test_a_window_ends_before_the_lag(stream: LokiBed) -> None:
    """What is younger is not counted, and the finding's window says where it ends."""
    await put(stream, retry(1), at=80)
    await put(stream, retry(2), at=110)
    stream.now = stream.begin + timedelta(seconds=120)
    stream.lag = timedelta(seconds=30)
    window = stream.window(0, 120)
    evidence, state = await stream.scan(window)
    assert some(evidence) == {"retry": 1}
    assert evidence.until == stream.begin + timedelta(seconds=90)
    measured = RETRIES.measure(view(evidence, window))
    assert measured.value == 1
    assert measured.window == stream.window(0, 90)
    assert view(evidence, window, timedelta(minutes=1)).log_window == stream.window(30, 90)
    # Late, but within the lag: it is found by the next look.
    await put(stream, retry(3), at=85)
    stream.now += timedelta(seconds=60)
    evidence, _ = await stream.scan(stream.window(0, 180), state)
    assert some(evidence) == {"retry": 3}


async def test_a_window_younger_than_the_lag(loki: LokiStandIn, stream: LokiBed) -> None:
    """Right after a deploy nothing is known yet, and nothing is asked."""
    stream.now = stream.begin + timedelta(seconds=20)
    stream.lag = timedelta(seconds=30)
    evidence, _ = await stream.scan(stream.window(0, 20))
    assert evidence.problem is not None
    assert "lag ago (30 s)" in evidence.problem.what
    assert loki.asked == []


async def test_only_new_minutes_are_asked_again(loki: LokiStandIn, stream: LokiBed) -> None:
    """A scan that goes on asks for the minutes since, and for the last ones within the lag."""
    await put(stream, *(retry(n) for n in range(60)), step=30)
    stream.lag = timedelta(seconds=30)
    stream.now = stream.begin + timedelta(seconds=1_000)
    _, state = await stream.scan(stream.window(0, 1_000))
    loki.asked.clear()
    stream.now = stream.begin + timedelta(seconds=1_900)
    evidence, _ = await stream.scan(stream.window(0, 1_900), state)
    assert some(evidence) == {"retry": 60}
    earliest = milliseconds(stream.begin + timedelta(seconds=900)) * 10**6
    counted = [p for path, p in loki.asked if path == "query_range" and "step" in p]
    assert counted
    assert min(int(p["start"]) for p in counted) > earliest
