"""An outage is unbroken time: what counts, what ends it, and how exactly its length is known.

Each log begins at 12:00 with traffic that is answered, the truth of each is known by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.engine.model import Level, LogEvidence, Measurement, ProbeTry, Window
from checks.service_down import CHECK
from checks.sources.logs.source import Mark
from tests.support.evidence import above, evidence, judged, view, watched
from tests.support.logs import scan_on

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WINDOW = Window(since=BEGIN, until=BEGIN + timedelta(minutes=60))
DOWN_AT = 605
"""The second at which the outages begin, five seconds past a minute."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response at a second after 12:00."""

    at: int
    status: int
    route: str = "GET /leads"
    client: int = 1


def access(answers: Iterable[Answer]) -> bytes:
    """As an access log."""
    lines: list[str] = []
    for one in sorted(answers, key=lambda answer: answer.at):
        at = f"{BEGIN + timedelta(seconds=one.at):%d/%b/%Y:%H:%M:%S} +0000"
        request = f'"{one.route} HTTP/1.1" {one.status} 21 "-" "curl/8"'
        lines.append(f"203.0.113.{one.client} - - [{at}] {request}\n")
    return "".join(lines).encode()


def pino(answers: Iterable[Answer]) -> bytes:
    """As JSON lines."""
    lines: list[str] = []
    for one in sorted(answers, key=lambda answer: answer.at):
        at = (BEGIN + timedelta(seconds=one.at)).isoformat()
        method, path = one.route.split()
        lines.append(
            f'{{"level":30,"time":"{at}","req":{{"method":"{method}","url":"{path}",'
            f'"remoteAddress":"203.0.113.{one.client}"}},"res":{{"statusCode":{one.status}}},'
            '"msg":"request completed"}\n'
        )
    return "".join(lines).encode()


def console(answers: Iterable[Answer], *, prefix: bool = True) -> bytes:
    """As the application's own console, with the platform's times before each line."""
    out: list[str] = []
    for n, one in enumerate(sorted(answers, key=lambda answer: answer.at)):
        at = f"{BEGIN + timedelta(seconds=one.at):%Y-%m-%dT%H:%M:%S}.000Z " if prefix else ""
        key = f"8370f0b0-788d-49f2-8481-{n:012x}"
        lines = [
            f"[INFO] [REQ] {one.route} {{",
            f"  requestId: '{key}',",
            f"  ip: '203.0.113.{one.client}'",
            "}",
            f"[INFO] [RES] {one.route} {{",
            f"  requestId: '{key}',",
            f"  status: {one.status},",
            "  duration: 21,",
            "  unitId: 'anon',",
            "  userId: 'anon'",
            "}",
        ]
        out += [f"{at}{line}\n" for line in lines]
    return "".join(out).encode()


FORMATS: Mapping[str, Callable[[Iterable[Answer]], bytes]] = {
    "access": access,
    "pino": pino,
    "console": console,
}


def seen(folder: Path, raw: bytes, window: Window = WINDOW) -> LogEvidence:
    """What a scan of a log sees."""
    path = folder / "app.log"
    path.write_bytes(raw)
    return scan_on(path, window=window, now=window.until)[0]


def measured(
    log: LogEvidence, *, probes: Mapping[int, bool] | None = None, window: Window = WINDOW
) -> Measurement:
    """What the check makes of it. `probes`: minute of the hour → whether one was answered."""
    base = int(BEGIN.timestamp()) // 60
    observed = watched() if probes is not None else None
    if observed is not None and probes is not None:
        by_minute = {base + minute: answered for minute, answered in probes.items()}
        observed = replace(observed, probes=by_minute)
    whole = evidence(log, observed=observed)
    whole = replace(whole, window=window, now=window.until)
    return CHECK.measure(view(CHECK, whole))


def steady(begin: int, end: int, step: int, status: int, route: str = "") -> list[Answer]:
    """Responses at a steady rate; two routes and several clients take turns without a route."""
    routes = (route,) if route else ("GET /leads", "POST /messages")
    return [
        Answer(at, status, routes[n % len(routes)], 1 + n % 7)
        for n, at in enumerate(range(begin, end, step))
    ]


def hour(down: Sequence[Answer], seconds: int, step: int = 5) -> list[Answer]:
    """An hour of answers with an outage of some seconds in it."""
    before = steady(0, DOWN_AT, step, 200)
    after = steady(DOWN_AT + seconds + step, 3_600, step, 200)
    return [*before, *down, *after]


def outage(seconds: int, step: int = 5) -> list[Answer]:
    """Nothing but 503 for some seconds, the last of them included."""
    return steady(DOWN_AT, DOWN_AT + seconds + 1, step, 503)


# --- its length ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("seconds", [280, 300, 310, 410])
def test_its_length_is_that_of_the_clock(tmp_path: Path, form: str, seconds: int) -> None:
    """From the first to the last failing response, wherever in a minute the outage begins."""
    found = measured(seen(tmp_path, FORMATS[form](hour(outage(seconds), seconds))))
    assert abs(found.quantities["minutes_logged"].value * 60 - seconds) <= 10
    assert (found.quantities["minutes_logged"].value > 5) == (seconds > 300)


@settings(max_examples=25, deadline=None)
@given(
    begin=st.integers(120, 900),
    seconds=st.integers(60, 1_500),
    step=st.integers(1, 9),
    form=st.sampled_from(sorted(FORMATS)),
    cuts=st.lists(st.integers(0, 2_600), max_size=3),
)
def test_any_outage_is_measured_to_ten_seconds(
    tmp_path_factory: pytest.TempPathFactory,
    begin: int,
    seconds: int,
    step: int,
    form: str,
    cuts: list[int],
) -> None:
    """Whatever its place, length and rate, and however often the log was read meanwhile."""
    answers = [
        *steady(0, begin, step, 200),
        *steady(begin, begin + seconds + 1, step, 500),
        *steady(begin + seconds + 1, 2_600, step, 200),
    ]
    path = tmp_path_factory.mktemp("outage") / "app.log"
    path.write_bytes(b"")
    state, done, log = None, b"", LogEvidence(source="")
    ends = [*sorted(cuts), 2_600]
    for end in ends:
        part = FORMATS[form]([one for one in answers if one.at < end])
        if not part:
            continue
        # As it grows: what stood there before stays as it is.
        assert part.startswith(done)
        path.write_bytes(part)
        done = part
        log, state = scan_on(path, state, window=WINDOW, now=WINDOW.until)
    found = measured(log)
    assert abs(found.quantities["minutes"].value * 60 - seconds) <= max(10, step)


def test_it_is_measured_across_a_rotation(tmp_path: Path) -> None:
    """The outage begins in the rotated file and ends in the new one."""
    answers = hour(outage(420), 420)
    (tmp_path / "app.log.1").write_bytes(access(one for one in answers if one.at < 800))
    log = seen(tmp_path, access(one for one in answers if one.at >= 800))
    assert abs(measured(log).quantities["minutes"].value * 60 - 420) <= 10


def test_what_lies_before_the_window_does_not_count(tmp_path: Path) -> None:
    """An outage that began before the window is measured from the window on."""
    window = Window(since=BEGIN + timedelta(seconds=DOWN_AT + 240), until=WINDOW.until)
    log = seen(tmp_path, access(hour(outage(600), 600)), window)
    assert measured(log, window=window).quantities["minutes"].value == pytest.approx(6, abs=0.2)


# --- what counts, and what ends it --------------------------------------------------------------

EIGHT = outage(480)
INSIDE = range(DOWN_AT + 10, DOWN_AT + 480, 10)

CLAUSES: Mapping[str, tuple[list[Answer], bool]] = {
    "nothing but 500s": (EIGHT, True),
    "a health check is answered every ten seconds": (
        [*EIGHT, *(Answer(at, 200, "GET /health") for at in INSIDE)],
        True,
    ),
    "health checks fail too, and nothing else is asked": (
        [Answer(at, 503, "GET /health") for at in INSIDE],
        False,
    ),
    "a stranger gets 404": (
        [*EIGHT, *(Answer(at, 404, "GET /wp-login.php", 9) for at in INSIDE[::3])],
        True,
    ),
    "logins are refused": ([*EIGHT, *(Answer(at, 401, "GET /leads") for at in INSIDE)], True),
    "redirects are answered": ([*EIGHT, *(Answer(at, 301, "GET /leads") for at in INSIDE)], True),
    "preflights are answered": (
        [*EIGHT, *(Answer(at, 204, "OPTIONS /leads") for at in INSIDE)],
        True,
    ),
    "only preflights fail": (
        [Answer(at, 500, "OPTIONS /leads", at % 7) for at in INSIDE],
        False,
    ),
    "a route that never failed is answered": (
        [*EIGHT, *(Answer(at, 200, "GET /logo.png") for at in INSIDE)],
        True,
    ),
    "a route that failed is answered in the middle": (
        [*EIGHT, Answer(DOWN_AT + 240, 200, "GET /leads")],
        False,
    ),
    "the same route with another id is answered in the middle": (
        [
            *(Answer(at, 500, f"GET /leads/{at}", at % 7) for at in INSIDE),
            Answer(DOWN_AT + 240, 200, "GET /leads/4711"),
        ],
        False,
    ),
    "another method of the route is answered": (
        [*EIGHT, *(Answer(at, 200, "PUT /leads") for at in INSIDE)],
        True,
    ),
    "one route of one client fails": (
        [Answer(at, 500, "GET /report", 3) for at in INSIDE],
        False,
    ),
    "one route of two clients fails": (
        [Answer(at, 500, "GET /report", 3 + at // 10 % 2) for at in INSIDE],
        True,
    ),
    "one poll a minute fails": (
        [Answer(at, 500, "GET /report", 3 + at // 60 % 2) for at in INSIDE[::6]],
        False,
    ),
    "three a minute fail": (
        [Answer(at, 500, "GET /report", 3 + at % 2) for at in range(DOWN_AT, DOWN_AT + 480, 19)],
        True,
    ),
    "a first minute full of errors, and one poll a minute after it": (
        [*outage(60), *(Answer(at, 500, "GET /leads", 2) for at in INSIDE[6::6])],
        False,
    ),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("clause", CLAUSES)
def test_each_clause_of_the_definition(tmp_path: Path, form: str, clause: str) -> None:
    """Eight minutes of it are more than five, or no outage that long."""
    down, met = CLAUSES[clause]
    found = measured(seen(tmp_path, FORMATS[form](hour(down, 480))))
    assert (found.quantities["minutes_logged"].value > 5) == met, found.summary


def test_another_instance_that_answers_is_no_outage(tmp_path: Path) -> None:
    """Of two instances with a log each, one fails and the other serves."""
    (tmp_path / "b.log").write_bytes(access(steady(0, 3_600, 5, 200)))
    (tmp_path / "a.log").write_bytes(access(hour(outage(480), 480)))
    both = [tmp_path / "a.log", tmp_path / "b.log"]
    log, _ = scan_on(both, window=WINDOW, now=WINDOW.until)
    assert measured(log).quantities["minutes_logged"].value <= 1


def test_two_instances_that_fail_are_one_outage(tmp_path: Path) -> None:
    """Both logs show the same eight minutes."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(access(hour(outage(480), 480)))
    log, _ = scan_on([tmp_path / "a.log", tmp_path / "b.log"], window=WINDOW, now=WINDOW.until)
    assert measured(log).quantities["minutes_logged"].value == pytest.approx(8, abs=0.2)


# --- probes -------------------------------------------------------------------------------------


def test_a_failed_probe_stands_in_for_too_few_responses(tmp_path: Path) -> None:
    """One failing poll a minute, while golive's own probe fails too."""
    down = [Answer(at, 500, "GET /report", 3 + at // 60 % 2) for at in INSIDE[::6]]
    log = seen(tmp_path, access(hour(down, 480)))
    found = measured(log, probes=dict.fromkeys(range(10, 18), False))
    assert found.quantities["minutes_logged"].value > 5


def test_a_failed_probe_does_not_count_where_the_log_shows_other_answers(tmp_path: Path) -> None:
    """The application answers: that golive cannot reach it is golive's trouble."""
    log = seen(tmp_path, access(steady(0, 3_600, 5, 200)))
    found = measured(log, probes=dict.fromkeys(range(10, 30), False))
    assert found.value == 0


def test_probes_in_a_silent_log_reach_the_level_but_not_the_criterion(tmp_path: Path) -> None:
    """Nobody is served for ten minutes and the probe fails: the log itself shows nothing."""
    log = seen(tmp_path, access([*steady(0, 600, 5, 200), *steady(1_260, 3_600, 5, 200)]))
    found = measured(log, probes=dict.fromkeys(range(11, 20), False))
    assert found.quantities["minutes"].value == 9
    assert found.quantities["minutes_logged"].value == 0


def test_an_answered_probe_does_not_end_what_the_log_shows(tmp_path: Path) -> None:
    """/health answers while everything else fails."""
    log = seen(tmp_path, access(hour(outage(480), 480)))
    found = measured(log, probes=dict.fromkeys(range(60), True))
    assert found.quantities["minutes_logged"].value == pytest.approx(8, abs=0.2)


# --- logs that say less -------------------------------------------------------------------------


def test_a_log_of_errors_only_is_no_basis(tmp_path: Path) -> None:
    """Where no success was ever logged, errors do not show that nothing succeeded."""
    found = measured(seen(tmp_path, access(outage(480))))
    assert found.unknown is not None
    assert "no response below 400 was ever seen" in found.unknown.what
    assert "minutes_logged" not in found.quantities


def test_a_success_before_the_window_is_a_basis(tmp_path: Path) -> None:
    """What succeeded before the deploy shows that successes are logged."""
    window = Window(since=BEGIN + timedelta(seconds=DOWN_AT - 60), until=WINDOW.until)
    # Long enough that the scan begins behind it, and nothing succeeds afterwards.
    answers = [*steady(0, DOWN_AT - 300, 1, 200), *outage(480)]
    assert measured(seen(tmp_path, access(answers), window), window=window).unknown is None


def test_a_failing_probe_confirms_a_log_of_errors_only(tmp_path: Path) -> None:
    """The log shows errors only, and golive's probe was down at the same time."""
    log = seen(tmp_path, access(outage(480)))
    found = measured(log, probes=dict.fromkeys(range(10, 18), False))
    assert found.quantities["minutes_logged"].value == pytest.approx(8, abs=0.2)
    going_on = replace(evidence(log).health, tries=(ProbeTry(status=None, seconds=5),) * 3)
    whole = replace(
        evidence(log), health=going_on, window=WINDOW, now=BEGIN + timedelta(seconds=DOWN_AT + 490)
    )
    now = CHECK.measure(view(CHECK, whole))
    assert now.quantities["minutes_logged"].value > 5


@pytest.mark.parametrize(("in_a_row", "known"), [(9, True), (10, False)])
def test_without_times_ten_in_a_row_are_not_verified(
    tmp_path: Path, in_a_row: int, known: bool
) -> None:
    """Health checks and a stranger's 404 in between do not hide a row of failures."""
    down: list[Answer] = []
    for n in range(in_a_row):
        down += [Answer(3 * n, 500), Answer(3 * n + 1, 200, "GET /health")]
        down.append(Answer(3 * n + 2, 404, "GET /x"))
    answers = [Answer(0, 200), *(replace(one, at=one.at + 1) for one in down), Answer(99, 200)]
    path = tmp_path / "app.log"
    path.write_bytes(console(answers, prefix=False))
    log, _ = scan_on(path, window=WINDOW, now=WINDOW.until, since_offset=0)
    found = measured(log)
    assert (found.unknown is None) == known
    if known:
        assert found.quantities["minutes_logged"].value == 0


def test_marks_give_times_to_a_log_without(tmp_path: Path) -> None:
    """A log without times is measured by the marks of the watch, every half minute."""
    answers = hour(outage(480), 480)
    path = tmp_path / "app.log"
    path.write_bytes(b"")
    marks: list[Mark] = []
    for second in range(0, 3_600, 30):
        raw = console((one for one in answers if one.at <= second), prefix=False)
        at = BEGIN + timedelta(seconds=second)
        marks.append(Mark(path=str(path), at=at, inode=path.stat().st_ino, offset=len(raw)))
    with path.open("wb") as log:
        log.write(console(answers, prefix=False))
    seen_, _ = scan_on(path, window=WINDOW, now=WINDOW.until, marks=marks)
    assert measured(seen_).quantities["minutes_logged"].value == pytest.approx(8, abs=0.51)


# --- what is stored -----------------------------------------------------------------------------


def test_evidence_of_an_older_version_is_measured_by_minutes(tmp_path: Path) -> None:
    """What was stored without stretches replays as it was judged then: by whole minutes."""
    log = seen(tmp_path, access(hour(outage(480), 480)))
    older = replace(log, failing=None, succeeded=None)
    assert measured(older).quantities["minutes_logged"].value == 7


def test_whom_failing_responses_touch(tmp_path: Path) -> None:
    """Clients and units of the responses that failed are told apart and counted."""
    log = seen(tmp_path, access(hour(outage(60), 60)))
    assert log.failed_clients == 7
    assert log.failed_units is None


def test_the_levels(tmp_path: Path) -> None:
    """At most a minute is nothing, up to five are a warning, more are critical."""
    levels: dict[int, Level] = {}
    for seconds in (60, 70, 300, 310):
        log = seen(tmp_path, access(hour(outage(seconds), seconds)))
        whole = replace(evidence(log), window=WINDOW, now=WINDOW.until)
        rule = (above("minutes", warning=1, critical=5),)
        levels[seconds] = judged(CHECK, view(CHECK, whole, thresholds=rule)).level
    assert levels == {
        60: Level.OK,
        70: Level.WARNING,
        300: Level.WARNING,
        310: Level.CRITICAL,
    }
