"""Responses 401 and 403 since the deploy (runbook, checkpoint 1, section 2)."""

from __future__ import annotations

from dataclasses import replace

from checks.engine.check import Check, View
from checks.engine.model import Measurement
from checks.engine.responses import measure_responses


def measure(view: View) -> Measurement:
    """Responses with status 401 or 403 since the deploy, by route."""
    found = measure_responses(
        view, ("http_401", "http_403"), unit="responses", noun="answered 401 or 403"
    )
    if found.unknown is not None:
        return found
    by_status = {"401": view.count("http_401"), "403": view.count("http_403")}
    return replace(found, details={**found.details, **by_status})


CHECK = Check(
    id="auth_errors",
    title="Authentication errors",
    checkpoint=1,
    measure=measure,
    signals=("http_responses", "http_401", "http_403"),
)
