"""health: whether GET {BASE_URL}/health is answered with 200."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks.engine.model import HealthEvidence, LogEvidence, Problem
from checks.health import CHECK
from tests.support.evidence import evidence, log, tried, view

_REFUSED = Problem(what="https://crm.example.org/health cannot be reached.", mend="Start it.")


def test_a_200_is_good() -> None:
    """One answer of 200 is health, with its latency."""
    found = CHECK.measure(view(CHECK, evidence(health=tried(200))))
    assert found.unknown is None
    assert found.value == 0
    assert found.quantities["failed"].value == 0
    assert found.summary == "200 after 0.05 s from https://crm.example.org/health."
    assert found.details["latency_ms"] == 50


def test_a_200_on_a_later_try_is_good() -> None:
    """An application that answers in the end is healthy; the earlier tries are told."""
    found = CHECK.measure(view(CHECK, evidence(health=tried("connection refused", 503, 200))))
    assert found.quantities["failed"].value == 0
    assert found.summary == "200 after 0.05 s, on try 3 from https://crm.example.org/health."
    assert found.details["tries"] == [
        {"status": None, "seconds": 0.05, "error": "connection refused"},
        {"status": 503, "seconds": 0.05, "error": None},
        {"status": 200, "seconds": 0.05, "error": None},
    ]


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500, 503])
def test_any_other_status_has_failed(status: int) -> None:
    """Only 200 is health, and an answer is an answer whatever the log shows beside it."""
    seen = evidence(log({"http_responses": 50}), health=tried(status, status, status))
    found = CHECK.measure(view(CHECK, seen))
    assert found.unknown is None
    assert found.quantities["failed"].value == 1
    assert found.value == 1
    assert found.summary == f"No 200 in 3 tries from https://crm.example.org/health: {status}."


def test_different_answers_are_all_told() -> None:
    """Each kind of answer is told once, in order."""
    found = CHECK.measure(view(CHECK, evidence(health=tried("connection refused", 503, 503))))
    assert found.summary == (
        "No 200 in 3 tries from https://crm.example.org/health: connection refused, then 503."
    )


def test_one_failed_try_is_said_in_the_singular() -> None:
    """A probe that tries once makes a sentence of one try."""
    found = CHECK.measure(view(CHECK, evidence(health=tried(503))))
    assert found.summary == "No 200 in 1 try from https://crm.example.org/health: 503."


def test_unreachable_while_the_log_shows_answers_is_unknown() -> None:
    """The bot's own trouble is not the application's: the log shows that it answers."""
    seen = evidence(
        log({"http_responses": 12}), health=tried(*["connection refused"] * 3, problem=_REFUSED)
    )
    found = CHECK.measure(view(CHECK, seen))
    assert str(found.unknown) == (
        "golive cannot reach BASE_URL, the application answers: connection refused at"
        " https://crm.example.org/health, but 12 responses in the last minutes of its log."
        " Start it."
    )
    assert found.details["latency_ms"] == 50


def test_unreachable_with_a_log_that_carries_no_times_is_unknown() -> None:
    """Where the log has no times, its answers may be of now, and the window holds them."""
    seen = evidence(log({"http_responses": 1}, timed=False), health=tried("no route"))
    found = CHECK.measure(view(CHECK, seen))
    assert str(found.unknown) == (
        "golive cannot reach BASE_URL, the application answers: no route at"
        " https://crm.example.org/health, but 1 response in its log."
        " Check BASE_URL and the network between golive and the application."
    )


@pytest.mark.parametrize(("minutes", "answering"), [(0, True), (1, True), (2, False)])
def test_only_the_last_two_minutes_say_that_it_answers(minutes: int, *, answering: bool) -> None:
    """An answer of the window's last two minutes counts, one of the minute before does not."""
    seen = evidence(log({"http_responses": {minutes: 9}}), health=tried("connection refused"))
    found = CHECK.measure(view(CHECK, seen))
    assert (found.unknown is not None) is answering
    assert ("failed" in found.quantities) is not answering


@pytest.mark.parametrize(
    "seen",
    [
        None,
        log(),
        log({"http_responses": 9}, unwindowed=Problem(what="Which part?", mend="Say so.")),
        log({"http_responses": 9}, without=("http_responses",)),
    ],
    ids=["no-log", "no-responses", "unwindowed", "not-carried"],
)
def test_unreachable_without_an_answer_in_the_log_has_failed(seen: LogEvidence | None) -> None:
    """Where nothing says that the application answers, not being reached is its failure."""
    health = tried(*["connection refused"] * 3, problem=_REFUSED)
    found = CHECK.measure(view(CHECK, evidence(seen, health=health)))
    assert found.unknown is None
    assert found.quantities["failed"].value == 1
    assert found.summary == (
        "No 200 in 3 tries from https://crm.example.org/health: connection refused."
    )
    assert found.details["mend"] == "Start it."


def test_without_a_base_url_it_is_unknown() -> None:
    """Nothing was asked: the reason is the probe's own."""
    problem = Problem(what="No base URL was given.", mend="Use --base-url URL or BASE_URL.")
    found = CHECK.measure(view(CHECK, evidence(health=HealthEvidence(problem=problem))))
    assert str(found.unknown) == "No base URL was given. Use --base-url URL or BASE_URL."


def test_without_a_probe_it_is_unknown() -> None:
    """No try and no reason is still never good."""
    found = CHECK.measure(view(CHECK, evidence(health=HealthEvidence())))
    assert str(found.unknown) == "No health probe was made. Run the check again."


def test_a_window_of_the_rule_does_not_hide_answers() -> None:
    """A narrower rule window still ends now, so recent answers are seen."""
    seen = evidence(log({"http_responses": {0: 1}}), health=tried("no route"))
    found = CHECK.measure(view(CHECK, seen, window=timedelta(minutes=1)))
    assert found.unknown is not None
