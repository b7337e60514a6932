"""unknown_instances: webhooks that belong to no connection."""

from __future__ import annotations

import pytest

from checks.unknown_instances import CHECK
from tests.support.evidence import Events, evidence, log, view


def test_counts_the_events() -> None:
    """Each event counts once; how many webhooks came in all is context."""
    found = CHECK.measure(
        view(CHECK, evidence(log({"unknown_instance": 29, "webhooks": 552, "masked": 1276})))
    )
    assert found.value == 29
    assert found.quantities["value"].value == 29
    assert found.summary == "29 webhooks for an unknown instance or with a wrong secret."
    assert found.details == {"webhooks": 552}
    assert len(found.evidence) == 5


def test_one_is_said_in_the_singular() -> None:
    """The summary is a sentence for one webhook as well."""
    found = CHECK.measure(view(CHECK, evidence(log({"unknown_instance": 1}))))
    assert found.summary == "1 webhook for an unknown instance or with a wrong secret."


@pytest.mark.parametrize("sign", ["http_responses", "webhooks", "send_ok"])
def test_absence_is_good_where_the_log_works(sign: str) -> None:
    """Any recognised event shows that the log works; none unknown is then a real zero."""
    signals: dict[str, Events] = {sign: 1}
    found = CHECK.measure(view(CHECK, evidence(log(signals))))
    assert found.unknown is None
    assert found.value == 0
    assert found.evidence == ()


def test_absence_in_a_silent_log_is_unknown() -> None:
    """Without any webhook and any response, nothing says that the log works."""
    found = CHECK.measure(view(CHECK, evidence(log())))
    assert str(found.unknown) == (
        "No event was recognised in the log: no traffic, or the log level hides it."
        " Send a request through the application, or check that it logs its responses."
    )


def test_a_log_that_does_not_grow_is_unknown() -> None:
    """The reason names the log that stands still."""
    found = CHECK.measure(view(CHECK, evidence(log(grew=False))))
    assert found.unknown is not None
    assert found.unknown.what == "The log did not grow."


def test_an_access_log_cannot_tell() -> None:
    """A format that does not carry the event is unknown, however many responses it has."""
    seen = log({"http_responses": 50}, without=("unknown_instance",), profile="access-log")
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.unknown is not None
    assert found.unknown.what == "The log's format (access-log) does not carry unknown_instance."


def test_golives_own_test_event_is_subtracted_and_shown() -> None:
    """A test event of golive's own diagnosis is no foreign webhook; both numbers are told."""
    seen = evidence(log({"unknown_instance": 1}), own_probes={"unknown_instance": 1})
    found = CHECK.measure(view(CHECK, seen))
    assert found.value == 0
    assert found.details == {"webhooks": 0, "counted_in_log": 1, "own_probes_subtracted": 1}
    assert found.summary == (
        "0 webhooks for an unknown instance or with a wrong secret,"
        " 1 test event of golive's own left out."
    )
    assert found.evidence == ()


def test_no_more_is_subtracted_than_the_log_shows() -> None:
    """A window that begins behind a test event counts nothing below zero."""
    seen = evidence(log({"unknown_instance": 1}), own_probes={"unknown_instance": 3})
    found = CHECK.measure(view(CHECK, seen))
    assert (found.value, found.details["own_probes_subtracted"]) == (0, 1)
