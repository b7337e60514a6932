"""Webhooks that belong to no connection (runbook, checkpoint 1, section 3)."""

from __future__ import annotations

from checks.engine.absence import silence
from checks.engine.check import Check, View, unknown
from checks.engine.model import Json, Measurement, Quantity
from checks.engine.wording import plural

_UNIT = "webhooks"


def measure(view: View) -> Measurement:
    """Webhooks for an unknown instance or with a wrong secret since the deploy."""
    problem = view.log_unknown("unknown_instance") or silence(view)
    if problem is not None:
        return unknown(_UNIT, problem)
    own = view.evidence.own_probes.get("unknown_instance", 0)
    value = max(0, view.count("unknown_instance") - own)
    details: dict[str, Json] = {"webhooks": view.count("webhooks")}
    if own:
        details["own_probes_subtracted"] = own
    return Measurement(
        value=value,
        unit=_UNIT,
        summary=f"{plural(value, 'webhook')} for an unknown instance or with a wrong secret.",
        quantities={"value": Quantity(value=value)},
        details=details,
        evidence=view.lines("unknown_instance") if value else (),
        window=view.log_window,
    )


CHECK = Check(
    id="unknown_instances",
    title="Unknown instances",
    checkpoint=1,
    measure=measure,
    signals=("unknown_instance", "webhooks"),
)
