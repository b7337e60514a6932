"""retries: outbound retries since the deploy."""

from __future__ import annotations

from checks.retries import CHECK
from tests.support.evidence import HOUR, evidence, log, view


def test_counts_the_retries() -> None:
    """Retries are the number; failed attempts and what was given up are context."""
    seen = log({"retry": 124, "send_attempt_failed": 166, "send_given_up": 42, "send_ok": 283})
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.value == 124
    assert found.quantities["value"].value == 124
    assert found.summary == "124 outbound retries, 42 given up in the end."
    assert found.details == {"failed_attempts": 166, "given_up": 42, "sent": 283}
    assert found.evidence == tuple(f"retry {n}" for n in range(1, 6))
    assert found.window == HOUR


def test_one_retry_is_said_in_the_singular() -> None:
    """The summary is a sentence for one retry as well."""
    found = CHECK.measure(view(CHECK, evidence(log({"retry": 1}))))
    assert found.summary == "1 outbound retry, 0 given up in the end."


def test_absence_is_good_where_the_log_works() -> None:
    """No retry in a log that shows responses is a real zero."""
    found = CHECK.measure(view(CHECK, evidence(log({"http_responses": 1}))))
    assert found.unknown is None
    assert found.value == 0


def test_absence_in_a_silent_log_is_unknown() -> None:
    """No retry in a log that shows nothing proves nothing."""
    found = CHECK.measure(view(CHECK, evidence(log(lines=0, recognised=0))))
    assert found.unknown is not None
    assert found.unknown.what == "The log has no line in the window."


def test_an_access_log_cannot_tell() -> None:
    """An access log has statuses but no retries: unknown, not zero."""
    seen = log({"http_responses": 9}, without=("retry",), profile="access-log")
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.unknown is not None
    assert found.unknown.what == "The log's format (access-log) does not carry retry."
