"""service_down: minutes in a row in which every response was 5xx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Evidence, Level, Measurement, Window
from checks.service_down import CHECK
from tests.support.evidence import (
    Events,
    at_least,
    evidence,
    instant_of,
    judged,
    log,
    view,
    watched,
)
from tests.support.evidence import ago as minute


def _seen(
    down: Iterable[int] = (),
    up: Iterable[int] = (),
    probes: Mapping[int, bool] | None = None,
) -> Evidence:
    """Minutes ago that answered nothing but 5xx, or something else; and what the probes saw."""
    down, up = list(down), list(up)
    signals: Mapping[str, Events] = {
        "http_responses": dict.fromkeys([*down, *up], 4),
        "http_5xx": dict.fromkeys(down, 4) | dict.fromkeys(up, 3),
    }
    return evidence(log(signals), observed=watched(probes=probes))


def _measured(seen: Evidence) -> Measurement:
    return CHECK.measure(view(CHECK, seen))


def _minutes(seen: Evidence) -> tuple[float, float]:
    found = _measured(seen)
    return found.quantities["minutes"].value, found.quantities["minutes_logged"].value


def test_a_service_that_answers_was_never_down() -> None:
    """One answer below 500 in a minute is enough, however many 5xx stand beside it."""
    found = _measured(_seen(up=range(10)))
    assert found.value == 0
    assert found.summary == "0 minutes in which every response was 5xx."
    assert found.evidence == ()
    assert _minutes(_seen(up=range(10))) == (0, 0)


def test_counts_minutes_in_a_row() -> None:
    """Six minutes in a row of nothing but 5xx are six, with their span and evidence."""
    found = _measured(_seen(down=range(6), up=[6, 7]))
    assert found.value == 6
    assert found.quantities["minutes_logged"].value == 6
    assert found.summary == "6 minutes in a row down (11:54–11:59 UTC)."
    assert found.details["first"] == instant_of(minute(5)).isoformat()
    assert found.details["last"] == instant_of(minute(0)).isoformat()
    assert found.details["ongoing"] is True
    assert len(found.evidence) == 5


def test_any_other_answer_breaks_the_row() -> None:
    """A minute with an answer below 500 ends a row: the longest one counts."""
    assert _minutes(_seen(down=[0, 1, 3, 4, 5], up=[2])) == (3, 3)


def test_a_row_that_is_over_is_told_as_over() -> None:
    """A row that ended before the last known minute is not going on."""
    found = _measured(_seen(down=[3, 4], up=[0]))
    assert found.details["ongoing"] is False


def test_of_two_equal_rows_the_later_is_shown() -> None:
    """What is closer to now matters more."""
    found = _measured(_seen(down=[0, 1, 20, 21], up=[10]))
    assert found.details["last"] == instant_of(minute(0)).isoformat()


def test_minutes_without_responses_neither_count_nor_break() -> None:
    """A quiet minute inside a row is neither a minute down nor an end of it."""
    assert _minutes(_seen(down=[0, 2, 5])) == (3, 3)


def test_only_minutes_of_the_window_count() -> None:
    """What was down before the window is history."""
    seen = _seen(down=range(20))
    narrow = CHECK.measure(view(CHECK, seen, window=timedelta(minutes=5)))
    assert narrow.value == 5


def test_a_failed_probe_counts_in_a_minute_without_responses() -> None:
    """Probes fill the log's quiet minutes, and are told apart for the rollback criterion."""
    seen = _seen(down=[0, 1], probes={2: False, 3: False})
    assert _minutes(seen) == (4, 2)
    assert _measured(seen).summary == (
        "4 minutes in a row down (11:56–11:59 UTC); the log itself shows 2."
    )
    assert _measured(seen).details["failed_probes"] == 2


def test_a_failed_probe_does_not_count_beside_an_answer_in_the_log() -> None:
    """Golive cannot reach it, the application answers: that is golive's trouble."""
    assert _minutes(_seen(up=range(6), probes=dict.fromkeys(range(6), False))) == (0, 0)


def test_a_failed_probe_adds_nothing_to_a_minute_of_5xx() -> None:
    """A minute counts once."""
    assert _minutes(_seen(down=range(3), probes=dict.fromkeys(range(3), False))) == (3, 3)


def test_a_probe_that_was_answered_breaks_the_row() -> None:
    """An answer below 500 is an answer, also when only the probe got it."""
    assert _minutes(_seen(down=[0, 1, 3, 4], probes={2: True})) == (2, 2)
    assert _minutes(_seen(down=[0, 1, 2], probes={1: True})) == (1, 1)


def test_without_a_log_probes_alone_count_but_never_for_the_rollback() -> None:
    """Six failed minutes are six; how long the log says is then not known at all."""
    seen = evidence(observed=watched(probes=dict.fromkeys(range(6), False)))
    found = _measured(seen)
    assert found.value == 6
    assert "minutes_logged" not in found.quantities
    assert found.summary == (
        "6 minutes in a row down (11:54–11:59 UTC); golive's probes alone say so."
    )
    assert found.details["without_log"] == "It was not given. Give it."
    rule = (at_least("minutes", warning=2, critical=6),)
    assert judged(CHECK, view(CHECK, seen, thresholds=rule)).level is Level.CRITICAL


def test_probes_alone_can_say_that_it_was_up() -> None:
    """Answered probes without a log are a measured zero for the level, not for the criterion."""
    found = _measured(evidence(observed=watched(probes={0: True, 1: True})))
    assert found.value == 0
    assert "minutes_logged" not in found.quantities


def test_a_log_without_responses_leaves_the_word_to_the_probes() -> None:
    """Where the log shows no response, probes count and the reason stands in the details."""
    seen = evidence(log({"send_ok": 3}), observed=watched(probes={0: False, 1: False}))
    found = _measured(seen)
    assert found.value == 2
    assert "minutes_logged" not in found.quantities
    assert str(found.details["without_log"]).startswith("No response was recognised in the log")


@pytest.mark.parametrize("watching", [True, False])
def test_without_log_and_probes_it_is_unknown(*, watching: bool) -> None:
    """Nothing was seen: the log's own problem is the reason."""
    found = _measured(evidence(observed=watched() if watching else None))
    assert str(found.unknown) == "It was not given. Give it."


def test_no_response_and_no_probe_is_unknown() -> None:
    """A log without responses does not show a service that is up."""
    found = _measured(evidence(log({"send_ok": 3})))
    assert found.unknown is not None
    assert found.unknown.what == (
        "No response was recognised in the log: no traffic, or the log level hides it."
    )


@pytest.mark.parametrize("streak", [0, 1, 9])
def test_without_times_fewer_than_ten_in_a_row_is_not_down(streak: int) -> None:
    """A log without times shows at least that 5xx never came ten in a row."""
    seen = evidence(log({"http_responses": 99, "http_5xx": 20}, timed=False, streak_5xx=streak))
    found = _measured(seen)
    assert found.value == 0
    assert found.quantities["minutes_logged"].value == 0
    assert found.details["streak_5xx"] == streak
    assert found.window is None


def test_without_times_ten_in_a_row_is_unknown() -> None:
    """Ten in a row may be a second or an hour."""
    seen = evidence(log({"http_responses": 99, "http_5xx": 20}, timed=False, streak_5xx=10))
    assert str(_measured(seen).unknown) == (
        "10 responses in a row were 5xx, and the log carries no times: how long is not known."
        " Let `golive run` watch it, or have the platform add times to the log."
    )


def test_without_times_and_order_it_is_unknown() -> None:
    """Where not even the order of responses is known, nothing is."""
    seen = evidence(log({"http_responses": 99}, timed=False, streak_5xx=None))
    found = _measured(seen)
    assert found.unknown is not None
    assert found.unknown.what.startswith("The order of responses is lost, and the log carries no")


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(1, Level.OK), (2, Level.WARNING), (5, Level.WARNING), (6, Level.CRITICAL)],
)
def test_the_level_comes_from_the_rule(minutes: int, level: Level) -> None:
    """The measured minutes meet their bounds exactly."""
    rule = (at_least("minutes", warning=2, critical=6),)
    assert judged(CHECK, view(CHECK, _seen(down=range(minutes)), thresholds=rule)).level is level


def test_the_window_ends_where_the_log_is_known_and_reaches_further_with_probes() -> None:
    """What Loki has not got yet was not counted; a probe speaks for those minutes too."""
    seen = _seen(up=range(2, 9))
    until = instant_of(minute(1))
    late = replace(seen, log=replace(seen.log, until=until))
    assert _measured(late).window == Window(since=seen.window.since, until=until)
    probed = replace(late, observed=watched(probes={0: True}))
    assert _measured(probed).window == seen.window


_SOME = st.sets(st.integers(0, 40))


@given(down=_SOME, up=_SOME, probes=st.dictionaries(st.integers(0, 40), st.booleans()))
def test_the_log_alone_never_says_more_than_log_and_probes(
    down: set[int], up: set[int], probes: dict[int, bool]
) -> None:
    """The rollback criterion's row is never longer than the one that sets the level."""
    found = _measured(_seen(down=down - up, up=up, probes=probes))
    logged = found.quantities.get("minutes_logged")
    if logged is not None:
        assert logged.value <= found.quantities["minutes"].value
        assert logged.value <= len(down - up)


@given(down=_SOME, up=_SOME, more=st.integers(0, 40))
def test_one_more_answer_never_makes_it_worse(down: set[int], up: set[int], more: int) -> None:
    """An answer below 500 in any minute shortens a row or leaves it."""
    before = _measured(_seen(down=down - up, up=up))
    after = _measured(_seen(down=down - up - {more}, up=up | {more}))
    assert after.value is not None
    if before.value is not None:
        assert after.value <= before.value
