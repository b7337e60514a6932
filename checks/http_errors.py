"""Responses 500–599 since the deploy (runbook, checkpoint 1, section 1)."""

from __future__ import annotations

from dataclasses import replace

from checks.engine.check import Check, View
from checks.engine.model import Measurement, Quantity
from checks.engine.responses import measure_responses


def measure(view: View) -> Measurement:
    """Responses with a status of 500–599 since the deploy, by route.

    Beside it their share of all responses, /health left out.
    """
    found = measure_responses(view, ("http_5xx",), unit="responses", noun="answered 5xx")
    if found.unknown is not None:
        return found
    responses = _without_health(view, "http_responses", "http_health")
    errors = min(responses, _without_health(view, "http_5xx", "http_health_5xx"))
    # Health checks alone are no sample: they say nothing about the share of failing requests.
    value = errors / responses if responses else 0.0
    share = Quantity(value=value, sample=responses, bad=errors)
    return replace(
        found,
        quantities={**found.quantities, "error_share": share},
        details={
            **found.details,
            "responses_without_health": responses,
            "share_without_health": round(value, 4),
        },
    )


def _without_health(view: View, signal: str, health: str) -> int:
    """Events of a signal without those on the health path and without golive's other probes."""
    own = view.evidence.own_probes
    # Where golive's probes on the health path are not counted apart, all of them were on it.
    own_elsewhere = own.get(signal, 0) - own.get(health, own.get(signal, 0))
    return max(0, view.count(signal) - view.count(health) - max(0, own_elsewhere))


CHECK = Check(
    id="http_5xx",
    title="HTTP 5xx",
    checkpoint=1,
    measure=measure,
    quantities=("value", "error_share"),
    signals=("http_responses", "http_5xx", "http_health", "http_health_5xx"),
)
