"""Whether inbound messages arrive and are stored (runbook, checkpoint 3, section 9)."""

from __future__ import annotations

from checks.engine.absence import silence
from checks.engine.check import Check, View, unknown
from checks.engine.model import Measurement, Problem, Quantity
from checks.engine.wording import plural

_UNIT = "messages"
_OUTBOUND = ("send_ok", "send_attempt_failed", "send_given_up", "retry")


def measure(view: View) -> Measurement:
    """Inbound messages created, failed behind HTTP 200, and dropped.

    Dropped ones include the application's own outgoing echoes and are context, unless nothing was
    sent. No message at all is suspicious where activity is known, and else proves nothing.
    """
    problem = view.log_unknown("inbound_created", "inbound_failed", "webhooks") or silence(view)
    if problem is not None:
        return unknown(_UNIT, problem)
    created, failed = view.count("inbound_created"), view.count("inbound_failed")
    dropped, webhooks = view.count("inbound_dropped"), view.count("webhooks")
    none_at_all = created + failed + dropped == 0
    observed = view.evidence.observed
    expected = observed.inbound_expected if observed is not None else None
    if none_at_all and expected is None:
        return unknown(_UNIT, _nobody_wrote(webhooks), {"webhooks": webhooks})
    outbound = sum(view.count(signal) for signal in _OUTBOUND)
    only_dropped = dropped if created == 0 and outbound == 0 else 0
    processed = created + failed
    return Measurement(
        value=created,
        unit=_UNIT,
        summary=_summary(created, failed, dropped, webhooks, expected),
        quantities={
            "created": Quantity(value=created),
            "failed": Quantity(value=failed),
            "failed_share": Quantity(
                value=failed / processed if processed else 0.0, sample=processed, bad=failed
            ),
            "none_created": Quantity(value=0 if created else failed),
            "dropped_only": Quantity(value=only_dropped),
            "silent": Quantity(value=int(none_at_all)),
        },
        details={
            "webhooks": webhooks,
            "dropped": dropped,
            "dropped_are": "includes the application's own outgoing echoes",
            "outbound_events": outbound,
            "expected_because": expected,
        },
        evidence=view.lines("inbound_failed")
        or (view.lines("inbound_dropped") if only_dropped else ()),
        window=view.log_window,
    )


def _nobody_wrote(webhooks: int) -> Problem:
    seen = (
        f"{plural(webhooks, 'webhook')} arrived, none with a message" if webhooks else "No webhook"
    )
    return Problem(
        what=f"{seen}, and nothing says that anybody wrote.",
        mend="Send a WhatsApp message to a connected number and run the check again.",
    )


def _summary(created: int, failed: int, dropped: int, webhooks: int, expected: str | None) -> str:
    if created + failed + dropped == 0:
        other = f" ({plural(webhooks, 'other webhook')})" if webhooks else ""
        return f"0 inbound messages{other}, although activity is known: {expected}"
    parts = [f"{plural(created, 'inbound message')} created"]
    if failed:
        parts.append(f"{failed} failed behind HTTP 200")
    if dropped:
        parts.append(f"{dropped} dropped (own echoes among them)")
    return ", ".join(parts) + "."


CHECK = Check(
    id="inbound_flow",
    title="Inbound messages",
    checkpoint=3,
    measure=measure,
    quantities=("failed", "failed_share", "none_created", "dropped_only", "silent", "created"),
    flags=("silent",),
    signals=("inbound_created", "inbound_failed", "inbound_dropped", "webhooks", *_OUTBOUND),
)
