"""Responses 429 since the deploy (runbook, checkpoint 3, section 12)."""

from __future__ import annotations

from checks.engine.check import Check, View
from checks.engine.model import Measurement
from checks.engine.responses import measure_responses


def measure(view: View) -> Measurement:
    """Responses with status 429 (too many requests) since the deploy, by route."""
    return measure_responses(view, ("http_429",), unit="responses", noun="answered 429")


CHECK = Check(
    id="rate_limits",
    title="Rate limiting",
    checkpoint=3,
    measure=measure,
    signals=("http_responses", "http_429"),
)
