"""secret_masking: masked webhook URLs, where there were webhook requests."""

from __future__ import annotations

from checks.engine.model import Level, LogEvidence, Measurement, Proof
from checks.secret_masking import CHECK
from tests.support.evidence import at_least, evidence, judged, leak, log, view


def _measured(seen: LogEvidence) -> Measurement:
    return CHECK.measure(view(CHECK, evidence(seen)))


def _level(seen: LogEvidence) -> Level:
    rule = (at_least("unmasked", critical=1),)
    return judged(CHECK, view(CHECK, evidence(seen), thresholds=rule)).level


def test_some_masked_is_good() -> None:
    """One masked URL shows that masking works."""
    seen = log({"masked": 1, "webhooks": 552})
    found = _measured(seen)
    assert found.quantities["unmasked"].value == 0
    assert found.summary == "1 log line with a masked webhook URL."
    assert found.evidence == ("masked 1",)
    assert _level(seen) is Level.OK


def test_masked_urls_are_webhook_requests_themselves() -> None:
    """Masked URLs need no webhook event beside them (all may have been refused)."""
    assert _level(log({"masked": 3})) is Level.OK


def test_webhooks_without_a_masked_url_are_critical() -> None:
    """Webhooks came and none of their URLs is masked: masking does not work."""
    seen = log({"webhooks": 7})
    found = _measured(seen)
    assert found.quantities["unmasked"].value == 1
    assert found.value == 1
    assert found.summary == "No masked URL in the log, although 7 webhooks came."
    assert found.evidence == tuple(f"webhooks {n}" for n in range(1, 6))
    assert _level(seen) is Level.CRITICAL


def test_a_plain_webhook_path_is_a_webhook_request() -> None:
    """A webhook URL that stands unmasked in the log is a request that was to be masked."""
    seen = log({"secret_leak": 2}, leaks=(leak(kind="webhook_path", count=2),))
    assert _level(seen) is Level.CRITICAL
    assert _measured(seen).details["unmasked_paths"] == 2


def test_a_strangers_guess_is_not() -> None:
    """A guessed path that was answered 4xx says nothing about the application's masking."""
    guess = leak(Proof.ATTEMPTED, kind="webhook_path", place="request")
    seen = log({"http_responses": 9, "secret_leak": 1}, leaks=(guess,))
    assert _level(seen) is Level.OK
    assert _measured(seen).summary == "There were no webhook requests to mask."


def test_other_leaks_are_not_webhook_requests() -> None:
    """A leaked API key is the business of secret_leaks alone."""
    seen = log({"http_responses": 9, "secret_leak": 1}, leaks=(leak(kind="apikey"),))
    assert _level(seen) is Level.OK


def test_without_webhook_requests_there_is_nothing_to_mask() -> None:
    """A log that works and shows no webhook request is good."""
    found = _measured(log({"http_responses": 5}))
    assert found.unknown is None
    assert found.value == 0
    assert found.summary == "There were no webhook requests to mask."


def test_a_silent_log_is_unknown() -> None:
    """A log that shows nothing at all does not show masking either."""
    found = _measured(log())
    assert found.unknown is not None
    assert found.unknown.what.startswith("No event was recognised")


def test_an_access_log_cannot_tell() -> None:
    """An access log carries no masked URLs: unknown, not critical."""
    found = _measured(log({"http_responses": 5}, without=("masked",), profile="access-log"))
    assert str(found.unknown) == (
        "The log's format (access-log) does not carry masked."
        " Give golive the application's own log as well (--log PATH)."
    )
