"""http_5xx: responses 500–599, and their share without the health check."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Level, LogEvidence, Problem, Quantity
from checks.http_errors import CHECK
from tests.support.evidence import HOUR, at_least, evidence, judged, log, view


def test_counts_5xx_among_responses() -> None:
    """Zero 5xx among many responses is a measurement of zero, with the sample shown."""
    found = CHECK.measure(view(CHECK, evidence(log({"http_responses": 3342, "http_5xx": 0}))))
    assert found.unknown is None
    assert found.value == 0
    assert found.quantities["value"] == Quantity(value=0)
    assert found.summary == "0 of 3342 responses answered 5xx."
    assert found.details["responses"] == 3342
    assert found.window == HOUR


def test_names_the_worst_route_and_shows_the_share() -> None:
    """The number comes first, then the route with the most; the share is of all responses."""
    seen = log(
        {"http_responses": 3342, "http_5xx": 76},
        routes={"http_5xx": {"POST /messages": 52, "GET /leads/:id": 24}},
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.value == 76
    assert found.summary == "76 of 3342 responses answered 5xx, most on POST /messages."
    assert found.details["share"] == 0.0227
    assert found.details["routes"] == {"POST /messages": 52, "GET /leads/:id": 24}
    assert found.evidence == ("http_5xx 1", "http_5xx 2", "http_5xx 3", "http_5xx 4", "http_5xx 5")


def test_shows_at_most_five_routes() -> None:
    """Many routes are shown by their five worst."""
    seen = log(
        {"http_responses": 90, "http_5xx": 21},
        routes={"http_5xx": {f"GET /{n}": n for n in range(1, 7)}},
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.details["routes"] == {f"GET /{n}": n for n in (6, 5, 4, 3, 2)}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            LogEvidence(source="", problem=Problem(what="No log.", mend="Give it.")),
            "No log. Give it.",
        ),
        (
            log({"http_responses": 5}, unwindowed=Problem(what="Which part?", mend="Say so.")),
            "Which part? Say so.",
        ),
        (
            log({"retry": 5}, without=("http_responses", "http_5xx")),
            "The log's format (crm-console) does not carry http_responses, http_5xx."
            " Give golive the application's own log as well (--log PATH).",
        ),
        (
            log(grew=False),
            "The log did not grow. Check that the application still writes to it"
            " (disk full, rotated, stopped).",
        ),
        (
            log(lines=0, recognised=0),
            "The log has no line in the window."
            " Check that this is the log the application writes now, and the window.",
        ),
        (
            log(recognised=0),
            "None of the log's 1000 lines was recognised (format crm-console)."
            " See what is in it with `golive signals LOG`; it may be another program's log.",
        ),
        (
            log({"send_ok": 4}),
            "No response was recognised in the log: no traffic, or the log level hides it."
            " Send a request through the application, or check that it logs its responses.",
        ),
    ],
    ids=["no-log", "unwindowed", "not-carried", "not-growing", "empty", "drift", "no-traffic"],
)
def test_without_responses_it_is_unknown_with_the_reason(seen: LogEvidence, reason: str) -> None:
    """Zero 5xx where no response was recognised is UNKNOWN, and the reason says which."""
    rule = (at_least("value", warning=6, critical=16),)
    finding = judged(CHECK, view(CHECK, evidence(seen), thresholds=rule))
    assert finding.level is Level.UNKNOWN
    assert finding.value is None
    assert str(finding.unknown) == reason
    assert finding.summary == reason


def test_responses_outside_the_window_do_not_count() -> None:
    """A narrower window counts its own minutes only, also when nothing is left in it."""
    seen = evidence(log({"http_responses": {0: 10, 30: 90}, "http_5xx": {0: 1, 30: 40}}))
    narrow = CHECK.measure(view(CHECK, seen, window=timedelta(minutes=10)))
    assert (narrow.value, narrow.details["responses"]) == (1, 10)
    assert CHECK.measure(view(CHECK, seen)).value == 41
    old = evidence(log({"http_responses": {30: 90}}))
    assert CHECK.measure(view(CHECK, old, window=timedelta(minutes=10))).unknown is not None


def test_golives_own_probes_are_subtracted_and_shown() -> None:
    """A 5xx that golive's own health probe caused is not the application's, also not by route."""
    seen = evidence(
        log(
            {"http_responses": 100, "http_5xx": 5, "http_health": 3, "http_health_5xx": 3},
            routes={"http_5xx": {"GET /health": 3, "POST /messages": 2}},
        ),
        own_probes={"http_responses": 3, "http_5xx": 3},
    )
    found = CHECK.measure(view(CHECK, seen))
    assert found.value == 2
    assert found.details["own_probes_subtracted"] == 3
    assert found.details["routes"] == {"POST /messages": 2}


def test_nothing_is_left_to_show_where_all_of_it_was_golives_own() -> None:
    """With every 5xx its own, there is neither a route nor an evidence line, and never a minus."""
    seen = evidence(
        log({"http_responses": 9, "http_5xx": 2}, routes={"http_5xx": {"GET /health": 2}}),
        own_probes={"http_5xx": 3},
    )
    found = CHECK.measure(view(CHECK, seen))
    assert found.value == 0
    assert "routes" not in found.details
    assert found.evidence == ()


def test_unpaired_responses_are_reported_and_not_counted() -> None:
    """Forged or cut responses stand in details, evidence and summary, and in no count."""
    seen = log(
        {"http_responses": 50, "http_5xx": 9},
        unpaired=2,
        unpaired_lines=("[RES] forged 1", "[RES] forged 2", "[RES] forged 3"),
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.value == 9
    assert found.details["not_counted"] == 2
    assert found.details["not_counted_because"] == "forged or cut"
    assert found.summary == "9 of 50 responses answered 5xx; 2 more not counted (forged or cut)."
    assert found.evidence == (
        *(f"http_5xx {n}" for n in (3, 4, 5)),
        "[RES] forged 2",
        "[RES] forged 3",
    )


def test_unpaired_responses_are_told_even_if_none_is_left() -> None:
    """Where only forged responses stand in the log, the UNKNOWN says how many there were."""
    found = CHECK.measure(view(CHECK, evidence(log(unpaired=4))))
    assert found.unknown is not None
    assert found.details["not_counted"] == 4


@pytest.mark.parametrize(("unpaired", "said"), [(None, True), (0, False), (1, False)])
def test_a_format_without_ids_says_that_forgery_cannot_be_seen(
    unpaired: int | None, *, said: bool
) -> None:
    """Only where records carry no ids can a forged response not be told from a real one."""
    seen = log({"http_responses": 50}, unpaired=unpaired)
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert (found.details.get("forgery") == "cannot be seen in this format") is said


def test_the_error_share_leaves_the_health_check_out() -> None:
    """Many good health checks do not dilute the share, and bad ones do not raise it."""
    seen = log({"http_responses": 300, "http_5xx": 12, "http_health": 200, "http_health_5xx": 10})
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.quantities["error_share"] == Quantity(value=0.02, sample=100, bad=2)
    assert found.details["share"] == 0.04
    assert found.details["share_without_health"] == 0.02
    assert found.details["responses_without_health"] == 100


def test_health_checks_alone_are_no_sample_for_the_error_share() -> None:
    """With nothing but /health in the log, the count stands and the share has no sample."""
    found = CHECK.measure(view(CHECK, evidence(log({"http_responses": 20, "http_health": 20}))))
    assert found.value == 0
    assert found.quantities["error_share"] == Quantity(value=0.0, sample=0)


def test_other_probes_of_golive_leave_the_error_share_too() -> None:
    """A test event of golive's own that was answered 5xx is in no share."""
    seen = evidence(
        log({"http_responses": 105, "http_5xx": 3, "http_health": 4, "http_health_5xx": 1}),
        own_probes={"http_responses": 5, "http_health": 4, "http_5xx": 2, "http_health_5xx": 1},
    )
    found = CHECK.measure(view(CHECK, seen))
    assert found.quantities["error_share"] == Quantity(value=0.01, sample=100, bad=1)


@given(
    responses=st.integers(1, 5000),
    errors=st.integers(0, 5000),
    health=st.integers(0, 5000),
    bad_health=st.integers(0, 5000),
    own=st.integers(0, 100),
)
def test_the_error_share_is_always_a_share(
    responses: int, errors: int, health: int, bad_health: int, own: int
) -> None:
    """Whatever the log holds, the share lies in 0–1 and the counts are never negative."""
    seen = evidence(
        log(
            {
                "http_responses": responses,
                "http_5xx": errors,
                "http_health": health,
                "http_health_5xx": bad_health,
            }
        ),
        own_probes={"http_responses": own, "http_5xx": own},
    )
    found = CHECK.measure(view(CHECK, seen))
    share = found.quantities["error_share"]
    assert 0 <= share.value <= 1
    assert share.sample is not None
    assert 0 <= share.bad <= share.sample
    assert found.quantities["value"].value >= 0


@pytest.mark.parametrize(
    ("errors", "level"),
    [(5, Level.OK), (6, Level.WARNING), (15, Level.WARNING), (16, Level.CRITICAL)],
)
def test_the_level_comes_from_the_rule(errors: int, level: Level) -> None:
    """The measured count meets its bounds exactly."""
    rule = (at_least("value", warning=6, critical=16),)
    seen = evidence(log({"http_responses": 500, "http_5xx": errors}))
    finding = judged(CHECK, view(CHECK, seen, thresholds=rule))
    assert finding.level is level
    assert finding.threshold == {"warning": 6, "critical": 16}


def test_a_log_without_times_gives_no_window() -> None:
    """In a log without times every scanned response counts, and the finding names no window."""
    found = CHECK.measure(
        view(CHECK, evidence(log({"http_responses": 9, "http_5xx": 1}, timed=False)))
    )
    assert (found.value, found.window) == (1, None)
