"""Checks by name only: what the runbook has to agree with, without their code."""

from __future__ import annotations

from checks.engine.check import Check, View
from checks.engine.model import Measurement


def _measure(view: View) -> Measurement:
    return Measurement(value=0, unit="things", summary=f"Nothing at {view.window.until}.")


def check(
    name: str, *quantities: str, params: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> Check:
    """A check with these quantities and params that measures nothing."""
    return Check(
        id=name,
        title=name.replace("_", " "),
        checkpoint=1,
        measure=_measure,
        quantities=quantities or ("value",),
        flags=flags,
        params=params,
    )


ALL = (
    check("health", "failed", flags=("failed",)),
    check("http_5xx", "value", "error_share"),
    check("auth_errors"),
    check("unknown_instances"),
    check("secret_masking", "unmasked", flags=("unmasked",)),
    check("secret_leaks", "proven", "attempted"),
    check(
        "message_errors",
        "share",
        "missing_rows",
        "hidden_share",
        "sent",
        "outbound_failed_share",
        params=("settle_seconds",),
    ),
    check("retries"),
    check("database_activity", "silent", flags=("silent",)),
    check(
        "connection_stability",
        params=("grace_seconds", "flap_disconnects", "pairing_seconds"),
    ),
    check(
        "inbound_flow",
        "failed",
        "failed_share",
        "none_created",
        "dropped_only",
        "silent",
        "created",
        flags=("silent",),
    ),
    check(
        "outbound_success",
        "success_share",
        "failed_share",
        "waiting_share",
        "sent",
        params=("waiting_seconds",),
    ),
    check(
        "campaigns",
        "standing",
        "largest_pending",
        "sums_off",
        "looks_stuck",
        "failed",
        "failed_share",
        "overdue",
        params=("still_seconds", "overdue_seconds"),
    ),
    check("rate_limits"),
    check("tenant_isolation", "crossing", "shared_contacts"),
    check(
        "service_down",
        "minutes",
        "minutes_logged",
        params=("least_responses", "least_touched"),
    ),
)
"""The sixteen checks of the shipped runbook, in its order."""
