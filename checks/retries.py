"""Retries of outbound messages since the deploy (runbook, checkpoint 2, section 6)."""

from __future__ import annotations

from checks.engine.absence import silence
from checks.engine.check import Check, View, unknown
from checks.engine.model import Measurement, Quantity

_UNIT = "retries"


def measure(view: View) -> Measurement:
    """Retries of outbound messages since the deploy."""
    problem = view.log_unknown("retry") or silence(view)
    if problem is not None:
        return unknown(_UNIT, problem)
    value = view.count("retry")
    given_up = view.count("send_given_up")
    noun = "retry" if value == 1 else "retries"
    return Measurement(
        value=value,
        unit=_UNIT,
        summary=f"{value} outbound {noun}, {given_up} given up in the end.",
        quantities={"value": Quantity(value=value)},
        details={
            "failed_attempts": view.count("send_attempt_failed"),
            "given_up": given_up,
            "sent": view.count("send_ok"),
        },
        evidence=view.lines("retry"),
        window=view.log_window,
    )


CHECK = Check(
    id="retries",
    title="Outbound retries",
    checkpoint=2,
    measure=measure,
    signals=("retry", "send_attempt_failed", "send_given_up", "send_ok"),
)
