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
    counted = view.count("unknown_instance")
    own = min(counted, view.evidence.own_probes.get("unknown_instance", 0))
    value = counted - own
    details: dict[str, Json] = {"webhooks": view.count("webhooks")}
    if own:
        details |= {"counted_in_log": counted, "own_probes_subtracted": own}
    expected = view.evidence.expected.get("unknown_instance", "")
    if expected:
        details["expected"] = expected
    return Measurement(
        value=value,
        unit=_UNIT,
        summary=f"{plural(value, 'webhook')} for an unknown instance or with a wrong secret"
        f"{_apart(own)}.{f' {expected}' if expected else ''}",
        quantities={"value": Quantity(value=value)},
        details=details,
        evidence=view.lines("unknown_instance") if value else (),
        window=view.log_window,
    )


def _apart(own: int) -> str:
    """How many events were golive's own, where some were."""
    return f", {plural(own, 'test event')} of golive's own left out" if own else ""


CHECK = Check(
    id="unknown_instances",
    title="Unknown instances",
    checkpoint=1,
    measure=measure,
    signals=("unknown_instance", "webhooks"),
)
