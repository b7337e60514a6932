"""inbound_flow: inbound messages created, failed and dropped."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checks.engine.model import Level, Measurement, Quantity
from checks.engine.thresholds import Threshold
from checks.inbound_flow import CHECK
from tests.support.evidence import Events, above, at_least, evidence, judged, log, view, watched

_RULE: tuple[Threshold, ...] = (
    at_least("failed", warning=1),
    above("failed_share", critical=0.10),
    at_least("none_created", critical=3),
    above("dropped_only", warning=10),
    at_least("silent", warning=1),
)


def _measured(
    signals: Mapping[str, Events], checkpoint: str = "final", expected: str | None = None
) -> Measurement:
    seen = evidence(log(signals), observed=watched(inbound_expected=expected))
    return CHECK.measure(view(CHECK, seen, checkpoint))


def _level(signals: Mapping[str, Events], expected: str | None = None) -> Level:
    seen = evidence(log(signals), observed=watched(inbound_expected=expected))
    return judged(CHECK, view(CHECK, seen, thresholds=_RULE)).level


def test_created_messages_are_good() -> None:
    """Messages that were created, none failed: good, and the number for the success criterion."""
    found = _measured({"webhooks": 3, "inbound_created": 3})
    assert found.value == 3
    assert found.quantities["created"] == Quantity(value=3)
    assert found.summary == "3 inbound messages created."
    assert _level({"webhooks": 3, "inbound_created": 3}) is Level.OK


def test_dropped_ones_beside_created_are_context() -> None:
    """The application's own echoes are dropped all the time and raise nothing."""
    signals: Mapping[str, Events] = {"webhooks": 60, "inbound_created": 1, "inbound_dropped": 57}
    found = _measured(signals)
    assert found.quantities["dropped_only"] == Quantity(value=0)
    assert found.details["dropped"] == 57
    assert found.details["dropped_are"] == "includes the application's own outgoing echoes"
    assert found.summary == "1 inbound message created, 57 dropped (own echoes among them)."
    assert _level(signals) is Level.OK


def test_any_failed_is_a_warning() -> None:
    """One processing error behind HTTP 200 is a warning, however many were created."""
    signals: Mapping[str, Events] = {"webhooks": 330, "inbound_created": 329, "inbound_failed": 1}
    found = _measured(signals)
    assert found.quantities["failed"] == Quantity(value=1)
    assert found.quantities["failed_share"] == Quantity(value=1 / 330, sample=330, bad=1)
    assert found.summary == "329 inbound messages created, 1 failed behind HTTP 200."
    assert found.evidence == ("inbound_failed 1",)
    assert _level(signals) is Level.WARNING


@pytest.mark.parametrize(("failed", "level"), [(10, Level.WARNING), (11, Level.CRITICAL)])
def test_more_than_ten_per_cent_failed_is_critical(failed: int, level: Level) -> None:
    """Exactly ten per cent of a hundred is still a warning."""
    assert _level({"inbound_created": 100 - failed, "inbound_failed": failed}) is level


def test_a_failure_in_a_small_sample_is_a_warning() -> None:
    """One of two failed is no share yet, but a failure all the same."""
    assert _level({"inbound_created": 1, "inbound_failed": 1}) is Level.WARNING


def test_failures_while_nothing_is_created_are_critical() -> None:
    """Three failures are critical when not one message was created; fewer are a warning."""
    found = _measured({"webhooks": 3, "inbound_failed": 3})
    assert found.quantities["none_created"] == Quantity(value=3)
    assert _level({"webhooks": 3, "inbound_failed": 3}) is Level.CRITICAL
    assert _level({"webhooks": 2, "inbound_failed": 2}) is Level.WARNING
    assert _measured({"inbound_created": 1, "inbound_failed": 1}).quantities[
        "none_created"
    ] == Quantity(value=0)


@pytest.mark.parametrize(("dropped", "level"), [(10, Level.OK), (11, Level.WARNING)])
def test_only_dropped_ones_and_nothing_sent_is_a_warning_above_ten(
    dropped: int, level: Level
) -> None:
    """Without any outbound message they cannot be echoes."""
    signals: Mapping[str, Events] = {"webhooks": dropped, "inbound_dropped": dropped}
    assert _measured(signals).quantities["dropped_only"] == Quantity(value=dropped)
    assert len(_measured(signals).evidence) == 5
    assert _level(signals) is level


@pytest.mark.parametrize("outbound", ["send_ok", "send_attempt_failed", "send_given_up", "retry"])
def test_dropped_ones_may_be_echoes_of_anything_sent(outbound: str) -> None:
    """Any outbound event in the window makes dropped messages possible echoes."""
    found = _measured({"inbound_dropped": 50, outbound: 1})
    assert found.quantities["dropped_only"] == Quantity(value=0)
    assert found.details["outbound_events"] == 1
    assert found.evidence == ()


def test_dropped_ones_beside_failures_keep_their_warning() -> None:
    """Failed messages do not make dropped ones echoes."""
    found = _measured({"inbound_dropped": 11, "inbound_failed": 1})
    assert found.quantities["dropped_only"] == Quantity(value=11)


def test_none_at_all_although_activity_is_known_is_a_warning() -> None:
    """Where replies are expected, silence is suspicious, and the reason is told."""
    expected = "replies were coming before T+0."
    found = _measured({"http_responses": 9}, expected=expected)
    assert found.quantities["silent"] == Quantity(value=1)
    assert found.quantities["created"] == Quantity(value=0)
    assert found.summary == (
        "0 inbound messages, although activity is known: replies were coming before T+0."
    )
    assert found.details["expected_because"] == expected
    assert _level({"http_responses": 9}, expected) is Level.WARNING


def test_other_webhooks_are_no_inbound_message() -> None:
    """Status webhooks alone do not end the silence; they are told."""
    found = _measured({"webhooks": 4}, expected="other units receive.")
    assert found.quantities["silent"] == Quantity(value=1)
    assert found.summary == (
        "0 inbound messages (4 other webhooks), although activity is known: other units receive."
    )


@pytest.mark.parametrize("signal", ["inbound_created", "inbound_failed", "inbound_dropped"])
def test_any_inbound_event_ends_the_silence(signal: str) -> None:
    """Created, failed or dropped: something arrived."""
    found = _measured({signal: 1}, expected="other units receive.")
    assert found.quantities["silent"] == Quantity(value=0)


@pytest.mark.parametrize("watching", [True, False])
def test_no_webhook_and_no_known_activity_is_unknown(*, watching: bool) -> None:
    """Nothing arrived and nothing says that anybody wrote: neither good nor bad."""
    seen = evidence(log({"http_responses": 9}), observed=watched() if watching else None)
    found = CHECK.measure(view(CHECK, seen))
    assert str(found.unknown) == (
        "No webhook, and nothing says that anybody wrote."
        " Send a WhatsApp message to a connected number and run the check again."
    )
    assert found.value is None


def test_webhooks_without_a_message_are_unknown_too() -> None:
    """Webhooks that bring no message show the route, not the flow."""
    found = _measured({"webhooks": 1})
    assert found.unknown is not None
    assert found.unknown.what == (
        "1 webhook arrived, none with a message, and nothing says that anybody wrote."
    )


def test_before_the_final_review_only_ten_minutes_count() -> None:
    """What was created half an hour ago does not say that messages arrive now."""
    signals: Mapping[str, Events] = {"inbound_created": {30: 5}, "inbound_failed": {30: 5}}
    assert _measured(signals, "3").unknown is not None
    assert _measured(signals).value == 5


def test_a_log_that_does_not_work_is_unknown_even_if_activity_is_known() -> None:
    """A log that stands still shows no silence of the application."""
    seen = evidence(log(grew=False), observed=watched(inbound_expected="other units receive."))
    found = CHECK.measure(view(CHECK, seen))
    assert found.unknown is not None
    assert found.unknown.what == "The log did not grow."


def test_an_access_log_cannot_tell() -> None:
    """A format without the application's inbound events is unknown."""
    seen = log(
        {"http_responses": 9},
        without=("inbound_created", "inbound_failed", "webhooks"),
        profile="access-log",
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.unknown is not None
    assert found.unknown.what == (
        "The log's format (access-log) does not carry inbound_created, inbound_failed, webhooks."
    )
