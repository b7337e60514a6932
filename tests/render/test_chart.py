"""The picture of the hour: what it draws, what it says, how heavy it is."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from bot.render.chart import alt_text, picture_of_hour
from bot.render.series import RuleOf, Series, hour_of
from checks.engine.model import Decision, Problem, Report, Window
from tests.render.watches import START, point, report, runbook, taken

_RUNBOOK = runbook()


def _rule_of() -> RuleOf:
    return lambda check: _RUNBOOK.rule(check, "final")


TAKEN = (taken(point(10), Decision.GO), taken(point(30), Decision.NO_GO, late=2))
END = START + timedelta(minutes=60)
MINUTES = {
    "http_5xx": {31: 9, 32: 11},
    "http_401": {5: 2},
    "http_403": {5: 1, 50: 2},
    "inbound_created": dict.fromkeys(range(60), 3),
    "send_ok": dict.fromkeys(range(60), 2),
}
FOUND = report(minutes=MINUTES, at=END)


def _series(found: Report, name: str) -> Series:
    hour = hour_of(found, START, TAKEN, _rule_of())
    return next(series for series in hour.series if series.name == name)


def test_each_series_is_the_events_a_minute_with_the_bounds_of_their_total() -> None:
    """401 and 403 are one; messages have no bound."""
    errors = _series(FOUND, "5xx")
    assert errors.counts is not None
    assert (len(errors.counts), errors.total, max(errors.counts)) == (60, 20, 11)
    assert (errors.warning, errors.critical) == (6, 16)
    assert errors.running[-1] == 20
    assert _series(FOUND, "401/403").total == 5
    assert _series(FOUND, "Inbound").warning is None


def test_what_cannot_be_known_is_not_drawn_as_zero() -> None:
    """No log, no times, a format that does not show it."""
    log = FOUND.evidence.log
    problem = Problem(what="There is no log.", mend="Give it one.")
    for broken, why in (
        (replace(log, problem=problem), "the log cannot be read"),
        (replace(log, timed=False), "the log carries no times"),
        (replace(log, unwindowed=problem), "nobody knows which lines are of this hour"),
        (replace(log, carries=frozenset[str]()), "this log format does not show it"),
    ):
        series = _series(report(log=broken, at=END), "5xx")
        assert series.counts is None
        assert series.missing == why


def test_the_words_say_peaks_totals_crossed_bounds_and_checkpoints() -> None:
    """For whoever cannot see the picture."""
    said = alt_text(hour_of(FOUND, START, TAKEN, _rule_of()))
    assert "from T+0 to T+60" in said
    assert "5xx: 20 in all, peak 11 a minute at T+32, critical (16) reached at T+32." in said
    assert "401/403: 5 in all, peak 3 a minute at T+5." in said
    assert "429: none." in said
    assert "Checkpoints: T+10 ✔, T+30 ✖." in said
    assert len(said) <= 1_000


def test_the_picture_is_a_light_png() -> None:
    """At most 120 kB, and wide enough to read."""
    picture = picture_of_hour(FOUND, START, TAKEN, _rule_of())
    assert picture.png.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", picture.png[16:24])
    assert (width, height) >= (900, 600)
    assert len(picture.png) <= 120_000
    assert picture.alt == alt_text(hour_of(FOUND, START, TAKEN, _rule_of()))


def test_a_picture_can_be_drawn_of_anything() -> None:
    """An empty window, huge counts, a long one: small enough, and no warning."""
    log = FOUND.evidence.log
    window = Window(since=START, until=START + timedelta(hours=40))
    busy = {name: dict.fromkeys(range(2_400), 10**9) for name in MINUTES}
    for found in (
        report(at=START),
        report(at=END, log=replace(log, timed=False)),
        replace(FOUND, evidence=replace(report(minutes=busy, at=END).evidence, window=window)),
    ):
        picture = picture_of_hour(found, START, TAKEN, lambda _: None)
        assert len(picture.png) <= 120_000
        assert len(picture.alt) <= 1_000


def test_several_threads_draw_the_same_picture() -> None:
    """Nothing is shared between them."""
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(picture_of_hour, FOUND, START, TAKEN, _rule_of()) for _ in range(4)]
    assert len({job.result().png for job in jobs}) == 1
