"""message_errors: the failed share of messages, and what the database contradicts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import DatabaseEvidence, Level, Measurement, Problem, Quantity
from checks.engine.thresholds import Threshold
from checks.message_errors import CHECK
from checks.message_queries import CREATED_WITHOUT_ROW, OUTBOUND_FAILED
from tests.support.evidence import (
    Events,
    above,
    at_least,
    evidence,
    judged,
    log,
    rows,
    view,
)

_RULE: tuple[Threshold, ...] = (
    above("share", warning=0.05, critical=0.10),
    at_least("missing_rows", warning=1),
    above("hidden_share", warning=0.05),
)
_DAY: Mapping[str, Events] = {
    "send_ok": 283,
    "send_given_up": 42,
    "inbound_created": 329,
    "inbound_failed": 6,
}
_AGREES = rows(
    created_without_row={"missing": 0, "claimed": 329, "examples": ""},
    outbound_failed={"failed": 42, "total": 325},
)


def _from_log(signals: Mapping[str, Events], checkpoint: str = "final") -> Measurement:
    return CHECK.measure(view(CHECK, evidence(log(signals)), checkpoint))


def _level(signals: Mapping[str, Events], **database: int) -> Level:
    seen = evidence(log(signals), database=_answers(**database) if database else None)
    return judged(CHECK, view(CHECK, seen, thresholds=_RULE)).level


def _answers(missing: int = 0, failed: int = 0) -> DatabaseEvidence:
    return rows(
        created_without_row={"missing": missing, "claimed": 9, "examples": "an-id"},
        outbound_failed={"failed": failed, "total": 9},
    )


def test_the_share_of_failed_messages() -> None:
    """Given up and failed messages, of all that were sent, given up, created or failed."""
    found = _from_log(_DAY)
    assert found.quantities["share"] == Quantity(value=48 / 660, sample=660, bad=48)
    assert found.value == 0.0727
    assert found.summary == (
        "48 of 660 messages failed (7.3 %): 42 given up outbound, 6 failed inbound."
    )
    assert found.evidence == tuple(f"send_given_up {n}" for n in range(1, 6))


def test_what_the_criteria_need_stands_beside_it() -> None:
    """Sent messages and the failed share of outbound ones are numbers of their own."""
    found = _from_log(_DAY)
    assert found.quantities["sent"] == Quantity(value=283)
    assert found.quantities["outbound_failed_share"] == Quantity(value=42 / 325, sample=325, bad=42)


def test_dropped_messages_and_retries_are_not_failures() -> None:
    """Echoes that were dropped and attempts that were repeated fail nobody."""
    found = _from_log(
        {"send_ok": 10, "inbound_dropped": 57, "retry": 30, "send_attempt_failed": 30}
    )
    assert found.value == 0
    assert found.summary == "0 of 10 messages failed (0.0 %)."


def test_before_the_final_review_only_ten_minutes_count() -> None:
    """A checkpoint looks at the last ten minutes, the final review at all of the hour."""
    signals: Mapping[str, Events] = {
        "send_ok": {0: 10, 9: 10, 10: 100},
        "send_given_up": {10: 50, 30: 50},
    }
    assert _from_log(signals, "2").quantities["share"] == Quantity(value=0.0, sample=20)
    assert _from_log(signals).quantities["share"].bad == 100


def test_no_message_in_a_log_that_works_is_good() -> None:
    """No traffic is no error: other events show that the log works."""
    found = _from_log({"http_responses": 3})
    assert found.unknown is None
    assert found.summary == "No traffic: no message was processed."
    assert found.quantities["share"] == Quantity(value=0.0, sample=0)
    assert _level({"http_responses": 3}) is Level.OK


def test_ten_quiet_minutes_are_no_silent_log() -> None:
    """An hour that showed messages earlier makes ten minutes without any a quiet time."""
    found = _from_log({"send_ok": {30: 5}}, "2")
    assert found.unknown is None
    assert found.summary == "No traffic: no message was processed."


def test_a_silent_log_is_unknown() -> None:
    """A log that shows nothing at all does not show that all is well."""
    found = CHECK.measure(view(CHECK, evidence(log(grew=False))))
    assert found.unknown is not None
    assert found.unknown.what == "The log did not grow."


def test_an_access_log_cannot_tell() -> None:
    """A format without the application's message events is unknown, not good."""
    seen = log({"http_responses": 9}, without=("send_ok", "send_given_up"), profile="access-log")
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.unknown is not None
    assert found.unknown.what == (
        "The log's format (access-log) does not carry send_ok, send_given_up."
    )


@pytest.mark.parametrize(
    ("given_up", "level"),
    [(5, Level.OK), (6, Level.WARNING), (10, Level.WARNING), (11, Level.CRITICAL)],
)
def test_the_share_meets_its_bounds(given_up: int, level: Level) -> None:
    """Five and ten per cent of exactly a hundred messages are still the better level."""
    assert _level({"send_ok": 100 - given_up, "send_given_up": given_up}) is level


def test_a_small_sample_with_a_failure_is_unknown() -> None:
    """One of three failed is no share yet; the number still needed is told."""
    seen = view(CHECK, evidence(log({"send_ok": 2, "send_given_up": 1})), thresholds=_RULE)
    finding = judged(CHECK, seen)
    assert finding.level is Level.UNKNOWN
    assert str(finding.unknown) == (
        "1 of 3 is too small a sample to judge a share."
        " 2 more are needed if they go wrong too, otherwise 7."
    )


def test_a_database_that_agrees_contradicts_nothing() -> None:
    """Where log and database agree, both comparisons are zero and no sentence is made."""
    found = CHECK.measure(view(CHECK, evidence(log(_DAY), database=_AGREES)))
    assert found.quantities["missing_rows"] == Quantity(value=0)
    assert found.quantities["hidden_share"] == Quantity(value=0.0, sample=325)
    assert found.details["contradictions"] == []
    assert "not_compared" not in found.details


def test_a_created_message_without_a_row_contradicts() -> None:
    """The log says stored, the database has no such row: told with examples, and a warning."""
    database = rows(
        created_without_row={"missing": 2, "claimed": 10, "examples": "1b2c, 3d4e"},
        outbound_failed={"failed": 0, "total": 0},
    )
    seen = evidence(log({"inbound_created": 10}), database=database)
    found = CHECK.measure(view(CHECK, seen))
    sentence = "2 inbound messages are called created by the log and have no row: 1b2c, 3d4e."
    assert found.quantities["missing_rows"] == Quantity(value=2)
    assert found.details["contradictions"] == [sentence]
    assert found.summary == f"0 of 10 messages failed (0.0 %). {sentence}"
    assert _level({"inbound_created": 10}, missing=1) is Level.WARNING


def test_one_missing_row_is_said_in_the_singular() -> None:
    """The sentence is right for a single row as well."""
    seen = evidence(log({"inbound_created": 10}), database=_answers(missing=1))
    assert CHECK.measure(view(CHECK, seen)).details["contradictions"] == [
        "1 inbound message is called created by the log and has no row: an-id."
    ]


def test_ids_from_the_log_are_shown_harmless() -> None:
    """An id is text of the log: mentions, control characters and secrets in it are defused."""
    hostile = "<!channel>\x1b[31m Bearer abcdefghijklmnopqrstuvwxyz"
    database = rows(
        created_without_row={"missing": 1, "claimed": 1, "examples": hostile},
        outbound_failed={"failed": 0, "total": 0},
    )
    seen = evidence(log({"inbound_created": 10}), database=database)
    said = CHECK.measure(view(CHECK, seen)).summary
    assert "<!" not in said
    assert "\x1b" not in said
    assert "abcdefghij" not in said


def test_give_ups_that_the_database_hides_contradict() -> None:
    """Given up in the log and not failed in the database: told with both numbers."""
    seen = evidence(log(_DAY), database=_answers(failed=2))
    found = CHECK.measure(view(CHECK, seen))
    assert found.quantities["hidden_share"] == Quantity(value=40 / 325, sample=325, bad=40)
    assert found.details["contradictions"] == [
        "The log gives up on 42 messages, the database shows 2 failed:"
        " 40 hidden (12.3 % of 325 sends)."
    ]


@pytest.mark.parametrize(("hidden", "level"), [(5, Level.OK), (6, Level.WARNING)])
def test_more_than_five_per_cent_of_sends_hidden_is_a_warning(hidden: int, level: Level) -> None:
    """Exactly five per cent hidden is not yet a warning; the failed share itself stays small."""
    signals: Mapping[str, Events] = {
        "send_ok": 100 - hidden,
        "send_given_up": hidden,
        "inbound_created": 900,
    }
    assert _level(signals, failed=0, missing=0) is level


def test_more_failures_in_the_database_hide_nothing() -> None:
    """The database may know failures that the log does not: nothing is hidden, nothing negative."""
    seen = evidence(log({"send_ok": 20, "send_given_up": 1}), database=_answers(failed=9))
    found = CHECK.measure(view(CHECK, seen))
    assert found.quantities["hidden_share"] == Quantity(value=0.0, sample=21)
    assert found.details["contradictions"] == []


def test_without_a_database_nothing_is_compared_and_it_says_so() -> None:
    """The share stands on the log alone; what was not compared is named once."""
    found = _from_log(_DAY)
    assert found.unknown is None
    assert "missing_rows" not in found.quantities
    assert "hidden_share" not in found.quantities
    assert found.details["contradictions"] == []
    assert found.details["not_compared"] == ["It was not given. Give it."]


def test_one_failed_query_leaves_the_other_comparison() -> None:
    """A query that failed is named with its mend; the other contradiction is still found."""
    database = rows(
        created_without_row=Problem(what="No grant on messages.", mend="Grant it."),
        outbound_failed={"failed": 0, "total": 0},
    )
    found = CHECK.measure(view(CHECK, evidence(log(_DAY), database=database)))
    assert "missing_rows" not in found.quantities
    assert found.quantities["hidden_share"].bad == 42
    assert found.details["not_compared"] == ["No grant on messages. Grant it."]


def test_it_reads_columns_that_its_queries_return() -> None:
    """The columns that are read are selected by name in the statements."""
    assert "AS missing" in CREATED_WITHOUT_ROW.sql
    assert "AS examples" in CREATED_WITHOUT_ROW.sql
    assert "AS failed" in OUTBOUND_FAILED.sql
    assert CHECK.queries == (CREATED_WITHOUT_ROW, OUTBOUND_FAILED)


_N = st.integers(0, 500)


@given(sent=_N, given_up=_N, created=_N, failed=_N, in_database=_N)
def test_shares_are_always_shares(
    sent: int, given_up: int, created: int, failed: int, in_database: int
) -> None:
    """Every share lies in 0–1, and its bad events are never more than its sample."""
    signals: Mapping[str, Events] = {
        "http_responses": 1,
        "send_ok": sent,
        "send_given_up": given_up,
        "inbound_created": created,
        "inbound_failed": failed,
    }
    seen = evidence(log(signals), database=_answers(failed=in_database))
    found = CHECK.measure(view(CHECK, seen))
    for name in ("share", "hidden_share", "outbound_failed_share"):
        share = found.quantities[name]
        assert share.sample is not None
        assert 0 <= share.bad <= share.sample
        assert 0 <= share.value <= 1
