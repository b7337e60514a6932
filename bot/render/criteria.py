"""The runbook's rollback and success criteria in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.render.mrkdwn import escape
from bot.render.words import met_word
from checks.engine.model import Criterion

NAMES: Mapping[str, str] = {
    "secret_leak": "Secrets leaked",
    "tenant_leak": "Data crossed tenants",
    "messages_failing": "Most messages failing",
    "service_down": "Service down",
    "no_critical": "No CRITICAL at any checkpoint",
    "inbound_processed": "An inbound message was processed",
    "outbound_sent": "An outbound message was sent",
    "no_secret_leaked": "No secret leaked",
    "no_tenant_leak": "No access across tenants",
    "error_rate": "5xx rate low enough",
}


def criterion_name(identifier: str) -> str:
    """What a criterion is called; escaped."""
    return NAMES.get(identifier) or escape(identifier, 60)


def criteria_lines(criteria: Sequence[Criterion], *, bad: bool) -> list[str]:
    """A line a criterion: mark, name, whether it is met, and why.

    bad: whether being met is the bad news, as for a rollback criterion.
    """
    lines: list[str] = []
    for criterion in criteria:
        mark = "?" if criterion.met is None else ("✖" if criterion.met is bad else "✔")
        said = f"{mark} {criterion_name(criterion.id)}: *{met_word(criterion.met)}*"
        lines.append(f"{said}. {escape(criterion.why)}" if criterion.why else f"{said}.")
    return lines
