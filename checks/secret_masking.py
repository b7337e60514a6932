"""Whether webhook secrets are masked in the log (runbook, checkpoint 1, section 4)."""

from __future__ import annotations

from checks.engine.absence import silence
from checks.engine.check import Check, View, unknown
from checks.engine.model import Measurement, Proof, Quantity
from checks.engine.wording import plural

_UNIT = "unmasked"


def measure(view: View) -> Measurement:
    """Masked webhook URLs in the log, where there were webhook requests since the deploy."""
    problem = view.log_unknown("masked") or silence(view)
    if problem is not None:
        return unknown(_UNIT, problem)
    masked = view.count("masked")
    webhooks = view.count("webhooks")
    # A stranger's guess at a path is not a request that the application had to mask.
    plain = sum(
        leak.count
        for leak in view.evidence.log.leaks
        if leak.kind == "webhook_path" and leak.proof is Proof.PROVEN
    )
    unmasked = int(masked == 0 and (webhooks > 0 or plain > 0))
    return Measurement(
        value=unmasked,
        unit=_UNIT,
        summary=_summary(masked, webhooks, plain),
        quantities={"unmasked": Quantity(value=unmasked)},
        details={"masked": masked, "webhooks": webhooks, "unmasked_paths": plain},
        evidence=view.lines("masked") or (view.lines("webhooks") if unmasked else ()),
        window=view.log_window,
    )


def _summary(masked: int, webhooks: int, plain: int) -> str:
    if masked:
        return f"{plural(masked, 'log line')} with a masked webhook URL."
    if webhooks or plain:
        return f"No masked URL in the log, although {plural(webhooks or plain, 'webhook')} came."
    return "There were no webhook requests to mask."


CHECK = Check(
    id="secret_masking",
    title="Secret masking",
    checkpoint=1,
    measure=measure,
    quantities=("unmasked",),
    flags=("unmasked",),
    signals=("masked", "webhooks", "secret_leak"),
)
